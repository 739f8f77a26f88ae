using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using AlexNetActors.Actors;
using AlexNetActors.Data;
using AlexNetActors.Model;

namespace AlexNetActors.App;

/// <summary>
/// The folder of a run: recipe.conf (resolved), mean.f32 (the training set's mean image, so that the weights can be used without the data
/// set), run.json (written last: with it the folder holds a run), metrics.jsonl, events.jsonl and checkpoints/; at its end report.html; where numbers went
/// wrong, not-finite-step-N.json; and tensorboard/ if that was asked for.
/// </summary>
sealed class RunFolder
{
    const string LockName = ".lock", OwnerName = ".owner", ReportName = "report.html";

    static readonly JsonSerializerOptions Json = new() { WriteIndented = true, NewLine = "\n", PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    /// <exception cref="UsageException">It has no name.</exception>
    public RunFolder(string path) =>
        Path = string.IsNullOrWhiteSpace(path) ? throw new UsageException("the name of the run folder is empty: name one") : System.IO.Path.TrimEndingDirectorySeparator(path);

    public string Path { get; }
    public string Metrics => System.IO.Path.Combine(Path, "metrics.jsonl");
    public string Events => System.IO.Path.Combine(Path, "events.jsonl");
    public string TensorBoard => System.IO.Path.Combine(Path, "tensorboard");
    public string Report => In(ReportName);
    public CheckpointFolder Checkpoints => new(In(RunManifest.CheckpointsName));
    public bool HoldsRun => RunManifest.HoldsRun(Path);

    /// <summary>Whether a process trains into it, or has.</summary>
    public bool HasLock => File.Exists(In(LockName));

    string In(string name) => System.IO.Path.Combine(Path, name);

    /// <exception cref="UsageException">It holds no run.</exception>
    public static RunFolder Existing(string path) => new RunFolder(path) is { HoldsRun: true } run ? run
        : throw new UsageException(Directory.Exists(path) ? $"{path} is no run folder (there is no run.json): name a folder made by `alexnet train`" : $"there is no folder {path}: name a run folder");

    /// <summary>The run whose folder this is, or that has this folder among its checkpoints; null when it is neither.</summary>
    public static RunFolder? Of(string runOrCheckpoint) => RunManifest.FolderOf(new RunFolder(runOrCheckpoint).Path) is { } folder ? new RunFolder(folder) : null;

    /// <summary>
    /// Keeps other processes from training into this folder until it is disposed. The system frees the lock of a process that dies. One that
    /// does not run any more, but has not died, cannot let go: whoever knows that it has been replaced takes the folder over, and what the other
    /// then still writes goes into files that have lost their name.
    /// </summary>
    /// <param name="owner">Who locks it, for others to read.</param>
    /// <param name="isReplaced">Whether this owner may train into the folder no more.</param>
    /// <exception cref="FolderHeldException">Another process holds it.</exception>
    /// <exception cref="UsageException">The folder holds something else than a run, or cannot be written.</exception>
    public RunLock Lock(string owner = "", Func<string, bool>? isReplaced = null)
    {
        if (!HoldsRun) RequireNothingElse();
        try
        {
            Directory.CreateDirectory(Path);
            var held = new RunLock(OpenLock(LockName), takenOver: false);
            Put(OwnerName, System.Text.Encoding.UTF8.GetBytes(owner));
            return held;
        }
        catch (IOException) when (isReplaced?.Invoke(Owner) == true)
        {
            string mine = $"{LockName}-{Environment.ProcessId}";
            var held = new RunLock(OpenLock(mine), takenOver: true);
            File.Move(In(mine), In(LockName), overwrite: true);
            Put(OwnerName, System.Text.Encoding.UTF8.GetBytes(owner));
            return held;
        }
        catch (IOException) when (HasLock)
        {
            throw new FolderHeldException($"another process trains into {Path}: wait for it to end, or name another folder with --run", Owner);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"cannot make the run folder {Path}: {Hocon.OneLine(e.Message)}; name another one with --run");
        }
    }

    string Owner => OrdinaryFile.HasBytes(In(OwnerName)) ? File.ReadAllText(In(OwnerName)) : "";

    FileStream OpenLock(string name) => new(In(name), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);

    /// <summary>Refuses a folder that holds a run.</summary>
    public void RequireFresh()
    {
        if (HoldsRun) throw new UsageException($"{Path} already holds a run of recipe {ReadManifest().Recipe}: go on with it by --resume, or name another folder with --run");
    }

    /// <summary>Refuses, and leaves as it is, a folder that holds something else than what a killed start may have left.</summary>
    void RequireNothingElse()
    {
        if (!Directory.Exists(Path)) return;
        string[] ours = [LockName, OwnerName, RunManifest.RecipeName, RunManifest.MeanName, .. new[] { Metrics, Events, TensorBoard }.Select(f => System.IO.Path.GetFileName(f))];
        if (Directory.EnumerateFileSystemEntries(Path).FirstOrDefault(f => !ours.Contains(System.IO.Path.GetFileName(f).Replace(".partial", ""))) is { } other)
            throw new UsageException($"{Path} is not empty (it has {System.IO.Path.GetFileName(other)}) and holds no run: name a new folder with --run");
    }

    public void Write(Recipe recipe, ReadOnlySpan<float> mean)
    {
        Put(RunManifest.RecipeName, System.Text.Encoding.UTF8.GetBytes(RecipeText.Of(recipe)));
        Put(RunManifest.MeanName, MemoryMarshal.AsBytes(mean).ToArray());
    }

    public void Write(RunManifest manifest) => Put(RunManifest.FileName, manifest.ToBytes());

    /// <summary>What went wrong, and the records of its batch.</summary>
    public void Write(NumbersWentWrong wrong) => Put(wrong.FileName, JsonSerializer.SerializeToUtf8Bytes(
        new { Pass = $"{wrong.Pass}", wrong.Device, Tower = $"{wrong.Tower}", wrong.Layer, wrong.What, Pack = wrong.Pass.Kind == PassKind.Train ? "training" : "validation", wrong.Records }, Json));

    public string PathOf(NumbersWentWrong wrong) => In(wrong.FileName);

    public void WriteReport(string page) => Put(ReportName, System.Text.Encoding.UTF8.GetBytes(page), then: "run this again");

    void Put(string name, byte[] bytes, string then = "train again")
    {
        try
        {
            WholeFile.Put(In(name), bytes);
        }
        catch (Exception e) when (Disk.Refusal(e) is not null)
        {
            throw new RunException($"cannot write {In(name)}: {Hocon.OneLine(Disk.Refusal(e)!)}; make room or give access, then {then}");
        }
    }

    /// <exception cref="CheckpointException">It is damaged, or cannot be read.</exception>
    public RunManifest ReadManifest() => RunManifest.Read(Path);

    /// <summary>recipe.conf as it stands there.</summary>
    /// <exception cref="RunException">It cannot be read.</exception>
    public string ReadRecipeText() => Reading(In(RunManifest.RecipeName), f => System.Text.Encoding.UTF8.GetString(OrdinaryFile.Read(f)));

    /// <summary>metrics.jsonl, to be read while it may be written; null when there is none.</summary>
    /// <exception cref="RunException">It cannot be read.</exception>
    public FileStream? OpenMetrics() => !OrdinaryFile.HasBytes(Metrics) ? null : Reading(Metrics, f => new FileStream(f, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));

    /// <summary>Of checkpoints that are gone: steps of the last one that metrics.jsonl tells of; null while some are there, whole or damaged, or none was written.</summary>
    public long? LostCheckpoint()
    {
        if (Checkpoints.List().Count > 0 || Checkpoints.SetAside().Count > 0) return null;
        using var metrics = OpenMetrics();
        return metrics is null ? null : MetricsLine.Read(metrics).Where(l => l.Kind == "checkpoint").Select(l => (long?)l.Step).LastOrDefault();
    }

    /// <summary>In words.</summary>
    /// <param name="steps">Of the last one.</param>
    public string SayLost(long steps) => $"{Checkpoints.Path} has no checkpoint, and metrics.jsonl tells of one after step {steps}: mount or restore the folder";

    /// <summary>What happened, of events.jsonl; empty when there is none.</summary>
    /// <exception cref="RunException">It cannot be read.</exception>
    public IReadOnlyList<JsonObject> ReadEvents() => Reading(Events, EventLog.Read);

    static T Reading<T>(string file, Func<string, T> read)
    {
        try
        {
            return read(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RunException($"{file} cannot be read: {Hocon.OneLine(e.Message)}");
        }
    }

    /// <summary>The run's resolved recipe, with settings laid over it.</summary>
    /// <exception cref="RunException">The file is not what the run was started with, or cannot be read.</exception>
    public Recipe ReadRecipe(RunManifest manifest, Settings settings)
    {
        if (RecipeText.Digest(ReadRecipeText()) != manifest.RecipeDigest)
            throw new RunException($"the {RunManifest.RecipeName} of {Path} is not the one its run was started with: restore it");
        return RecipeReader.Read(RecipeFile.Load(In(RunManifest.RecipeName)) with { Name = manifest.Recipe }, settings);
    }
}

/// <summary>A run folder that this process alone trains into, until it is disposed.</summary>
/// <param name="file">Locked.</param>
/// <param name="takenOver">Whether another process still believes that the folder is its own.</param>
sealed class RunLock(FileStream file, bool takenOver) : IDisposable
{
    public bool TakenOver => takenOver;

    public void Dispose() => file.Dispose();
}

/// <summary>Another process trains into the run folder.</summary>
/// <param name="message">As of every wrong use.</param>
/// <param name="owner">What it calls itself: in a cluster the node's name; else empty.</param>
sealed class FolderHeldException(string message, string owner) : UsageException(message)
{
    public string Owner => owner;
}
