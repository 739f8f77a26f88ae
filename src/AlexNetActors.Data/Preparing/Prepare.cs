using System.Text.Encodings.Web;
using System.Text.Json;

namespace AlexNetActors.Data;

/// <summary>Makes a data set of pictures: every file is decoded once, what cannot be used is reported, the rest becomes records.</summary>
public static class Prepare
{
    internal const string ReportName = "prepare-report.json";

    static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }; // people read it

    /// <summary>
    /// Prepares a folder of pictures. The result is the same to the byte for any number of threads. It may be killed at any moment: the same
    /// call goes on where it stopped, and the target is a data set only when it is complete. A target finished before is verified and left alone;
    /// what is damaged in it is made again.
    /// </summary>
    /// <param name="source">A folder with train/CLASS/* and val/CLASS/*, or with CLASS/*, or with the ILSVRC2012 tars and development kit.</param>
    /// <param name="target">A folder for the packs; made if missing.</param>
    /// <param name="options">Defaults if null.</param>
    /// <param name="progress">Told now and then, on a thread of the preparation.</param>
    /// <param name="cancellation">Stops it; what was done is kept for the next call.</param>
    /// <param name="say">Told of damage to a finished target, in one line.</param>
    /// <exception cref="DataUseException">The source is missing or none, or the target is something else.</exception>
    /// <exception cref="DataException">
    /// A file of the source is damaged, a picture cannot be read, a class has none that can be used, the target cannot be read or written or is full.
    /// </exception>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    public static PrepareReport Run(string source, string target, PrepareOptions? options = null, IProgress<PrepareProgress>? progress = null, CancellationToken cancellation = default, Action<string>? say = null)
    {
        options ??= new PrepareOptions();
        if (options.RecordSize is < 16 or > 4096) throw new DataUseException($"a record size of {options.RecordSize} is not between 16 and 4096");
        if (options.Threads is < 1 or > 1024) throw new DataUseException($"{options.Threads} threads are not between 1 and 1024");
        if (options.ValidationShare is not (> 0 and < 1)) throw new DataUseException($"a validation share of {options.ValidationShare} is not between 0 and 1");
        if (string.IsNullOrWhiteSpace(target)) throw new DataUseException("the target's name is empty: name a folder");
        if (File.Exists(Path.Combine(target, "run.json"))) throw new DataUseException($"{target} is the folder of a run, whose files a data set would replace: name another");
        if (IsWithin(target, source)) throw new DataUseException($"the target {target} lies in the source {source}: name a folder elsewhere");

        var found = Detect(source, options);
        try
        {
            Directory.CreateDirectory(target);
            using var ours = FolderLock.Take(target, TimeSpan.Zero);
            string fingerprint = found.Fingerprint(options.RecordSize);
            if (Finished(target, found, fingerprint, say, cancellation) is { } report) return report with { AlreadyDone = true };
            using var preparation = new Preparation(found, target, fingerprint, options, progress, cancellation);
            return preparation.Run(WriteReport);
        }
        catch (Exception e) when (Disk.Refusal(e) is { } why)
        {
            throw new DataException($"cannot write to {target}: {why}; make room or name another target, then run the same command again: what is done is kept");
        }
    }

    static PrepareSource Detect(string source, PrepareOptions options)
    {
        try
        {
            return PrepareSource.Detect(source, options);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"cannot read the source {source}: {OneLine.Of(e)}; give access to it, then run the same command again");
        }
    }

    /// <summary>The report of a target that is finished and whole; null if there is work to do.</summary>
    static PrepareReport? Finished(string target, PrepareSource source, string fingerprint, Action<string>? say, CancellationToken cancellation)
    {
        if (!File.Exists(Path.Combine(target, PackManifest.FileName))) return null;
        var report = ReadReport(target)
            ?? throw new DataException($"{target} holds a data set, but its {ReportName}, which says of what source it is, is missing or damaged: train on it as it is, name another target, or remove it and run the same command again");
        if (report.Fingerprint != fingerprint)
            throw new DataUseException($"{target} already holds another data set, or this one of a source or options since changed: name another target, or remove it and run the same command again ({source.Description})");
        try
        {
            using var data = DataFolder.Open(target);
            data.Verify(cancellation);
            return report;
        }
        catch (DataException e) when (e is not DataUnreadableException)
        {
            say?.Invoke($"{e.Message}; it is prepared again now, what is whole of it is kept");
            // As a preparation that was killed: it goes on from the first record that is damaged.
            if (PrepareJournal.Load(target, fingerprint) is null) new PrepareJournal(target, fingerprint, FinishedOutcomes.Of(target, source, report)).Dispose();
            return null;
        }
    }

    static PrepareReport? ReadReport(string target)
    {
        string path = Path.Combine(target, ReportName);
        if (!File.Exists(path)) return null;
        try
        {
            return JsonSerializer.Deserialize<PrepareReport>(File.ReadAllBytes(path), Json) is { Fingerprint: not null, Skipped: not null } report ? report : null;
        }
        catch (JsonException)
        {
            return null; // Not a report of ours.
        }
    }

    static void WriteReport(string target, PrepareReport report) => WholeFile.Put(Path.Combine(target, ReportName), JsonSerializer.SerializeToUtf8Bytes(report, Json));

    static bool IsWithin(string inner, string outer)
    {
        string relative = Path.GetRelativePath(outer, inner);
        return relative == "." || !relative.StartsWith("..", StringComparison.Ordinal) && !Path.IsPathRooted(relative);
    }
}
