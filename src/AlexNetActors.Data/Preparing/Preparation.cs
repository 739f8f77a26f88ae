using System.IO.Hashing;

namespace AlexNetActors.Data;

/// <summary>One preparation under way: two packs growing under partial names, a journal of what is in them, statistics of what is trained on.</summary>
internal sealed class Preparation : IDisposable
{
    readonly PrepareSource source;
    readonly string target, fingerprint;
    readonly PrepareOptions options;
    readonly IProgress<PrepareProgress>? progress;
    readonly CancellationToken cancellation;
    readonly SourceFile[] files; // training, then validation
    readonly TrainingStatistics statistics;
    readonly List<Outcome> outcomes;
    readonly PackWriter training, validation;
    readonly PrepareJournal journal;
    int skipped;

    internal Preparation(PrepareSource source, string target, string fingerprint, PrepareOptions options, IProgress<PrepareProgress>? progress, CancellationToken cancellation)
    {
        (this.source, this.target, this.fingerprint, this.options, this.progress, this.cancellation) = (source, target, fingerprint, options, progress, cancellation);
        files = [.. source.Training, .. source.Validation];
        statistics = new TrainingStatistics(options.RecordSize);
        outcomes = PrepareJournal.Load(target, fingerprint) ?? [];
        if (outcomes.Count > files.Length) outcomes.Clear();
        string trainingPath = Path.Combine(target, PackManifest.TrainingName), validationPath = Path.Combine(target, PackManifest.ValidationName);
        // A kill between the two final names leaves a finished pack without a manifest, damage one with: it becomes partial again.
        BackToPartial(trainingPath);
        BackToPartial(validationPath);
        KeepWhatIsWhole(trainingPath, 0, source.Training.Count);
        KeepWhatIsWhole(validationPath, source.Training.Count, files.Length);
        skipped = outcomes.Count(outcome => outcome.Reason is not null);
        RequireSpace(WholeFile.PartialOf(trainingPath), WholeFile.PartialOf(validationPath));
        File.Delete(Path.Combine(target, PackManifest.FileName)); // of a damaged data set, which is none from here on
        try
        {
            training = new PackWriter(trainingPath, options.RecordSize, Kept(0, source.Training.Count));
            validation = new PackWriter(validationPath, options.RecordSize, Kept(source.Training.Count, files.Length));
            journal = new PrepareJournal(target, fingerprint, outcomes);
        }
        catch
        {
            Dispose(); // A full disk, most likely; the files are closed so that the next call can have them.
            throw;
        }
    }

    internal PrepareReport Run(Action<string, PrepareReport> writeReport)
    {
        Report();
        var gathered = new TrainingStatistics[options.Threads];
        for (int i = 0; i < gathered.Length; i++) gathered[i] = new TrainingStatistics(options.RecordSize);
        new OrderedDecoding(files, outcomes.Count, options.RecordSize, options.Threads).Run(
            (thread, index, record) => { if (index < source.Training.Count) gathered[thread].Add(record); },
            Take);
        Checkpoint();
        RequireEveryClass();
        foreach (var part in gathered) statistics.Add(part);

        training.Complete();
        validation.Complete();
        var manifest = DataFolder.Describe(target, source.Description, source.Classes, statistics);
        var report = MakeReport(manifest);
        writeReport(target, report);
        manifest.Write(target);
        journal.Dispose();
        File.Delete(Path.Combine(target, PrepareJournal.FileName));
        return report;
    }

    void Take(int index, string? reason, byte[] record)
    {
        if (cancellation.IsCancellationRequested)
        {
            Checkpoint();
            cancellation.ThrowIfCancellationRequested();
        }
        if (index == source.Training.Count) RequireEveryClass();
        ulong checksum = reason is null ? (index < source.Training.Count ? training : validation).Append(record, files[index].Label) : 0;
        var outcome = new Outcome(checksum, reason);
        outcomes.Add(outcome);
        journal.Add(outcome);
        if (reason is not null) skipped++;
        if (outcomes.Count % options.PicturesPerSync == 0) Checkpoint();
    }

    /// <summary>From here on, what was taken so far survives a kill: first the records are on disk, then the journal says so.</summary>
    void Checkpoint()
    {
        training.Sync();
        validation.Sync();
        journal.Sync();
        Report();
    }

    void Report() => progress?.Report(new PrepareProgress(outcomes.Count, files.Length, skipped));

    void RequireEveryClass()
    {
        var filled = new bool[source.Classes.Count];
        for (int i = 0; i < source.Training.Count; i++)
            if (outcomes[i].Reason is null) filled[files[i].Label] = true;
        int empty = Array.IndexOf(filled, false);
        if (empty >= 0)
        {
            int first = Array.FindIndex(files, file => file.Label == empty);
            throw new DataException($"class {source.Classes[empty]} has no readable training picture (first of them, {files[first].Name}: {outcomes[first].Reason}): add pictures or remove the class");
        }
        if (outcomes.Count == files.Length && validation.Count == 0)
            throw new DataException($"none of the {source.Validation.Count} validation pictures is readable (the first: {outcomes[source.Training.Count].Reason})");
    }

    static void BackToPartial(string path)
    {
        if (File.Exists(path) && !File.Exists(WholeFile.PartialOf(path))) File.Move(path, WholeFile.PartialOf(path));
    }

    /// <summary>Reads again what the journal says is there; from the first record that is not, everything is done anew.</summary>
    void KeepWhatIsWhole(string path, int from, int to)
    {
        if (outcomes.Count <= from) return;
        int whole = from;
        if (File.Exists(WholeFile.PartialOf(path)))
        {
            using var file = new FileStream(WholeFile.PartialOf(path), FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 1 << 20);
            file.Position = Math.Min(file.Length, PackLayout.PageBytes);
            byte[] record = new byte[PackLayout.RecordBytes(options.RecordSize)];
            for (; whole < Math.Min(to, outcomes.Count); whole++)
            {
                cancellation.ThrowIfCancellationRequested();
                if (outcomes[whole].Reason is not null) continue;
                if (file.ReadAtLeast(record, record.Length, throwOnEndOfStream: false) < record.Length) break;
                if (XxHash3.HashToUInt64(record) != outcomes[whole].Checksum) break;
                if (from == 0) statistics.Add(record);
            }
        }
        if (whole < Math.Min(to, outcomes.Count)) outcomes.RemoveRange(whole, outcomes.Count - whole);
    }

    (int Label, ulong Checksum)[] Kept(int from, int to)
    {
        var kept = new List<(int, ulong)>();
        for (int i = from; i < Math.Min(to, outcomes.Count); i++)
            if (outcomes[i].Reason is null) kept.Add((files[i].Label, outcomes[i].Checksum));
        return [.. kept];
    }

    /// <param name="partial">The packs that grow: what they take already need not be free.</param>
    void RequireSpace(params string[] partial)
    {
        long there = partial.Select(path => new FileInfo(path)).Sum(file => file.Exists ? file.Length : 0);
        long needed = PackLayout.FileBytes(options.RecordSize, files.Length - skipped) + PackLayout.PageBytes - there;
        if (Disk.Free(target) is { } free && needed > free)
            throw new DataException($"{target} needs {Size(needed)} for {files.Length - outcomes.Count} records of {options.RecordSize} pixels and has {Size(free)}: make room, name another target or choose a smaller record size");
    }

    static string Size(long bytes) => bytes < 1_000_000_000 ? $"{bytes / 1e6:F0} MB" : $"{bytes / 1e9:F1} GB";

    PrepareReport MakeReport(PackManifest manifest)
    {
        var counts = source.Classes.Select(name => new ClassCount(name, 0, 0)).ToArray();
        var unused = new List<SkippedFile>();
        for (int i = 0; i < files.Length; i++)
        {
            ref var count = ref counts[files[i].Label];
            if (outcomes[i].Reason is { } reason) unused.Add(new SkippedFile(files[i].Name, reason));
            else count = i < source.Training.Count ? count with { Training = count.Training + 1 } : count with { Validation = count.Validation + 1 };
        }
        return new PrepareReport(
            source.Description, options.RecordSize, manifest.Training.Records, manifest.Validation.Records, counts, unused, manifest.Digest, fingerprint, AlreadyDone: false);
    }

    public void Dispose()
    {
        training?.Dispose();
        validation?.Dispose();
        journal?.Dispose();
    }
}
