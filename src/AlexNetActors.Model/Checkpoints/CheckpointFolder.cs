using System.Globalization;
using AlexNetActors.Data;

namespace AlexNetActors.Model;

/// <summary>
/// The checkpoints of a run: folders "step-00000340" with a safetensors file a tower and a manifest. A checkpoint is written
/// under a temporary name, flushed and renamed, and loses its name before it is removed: under its own name it is always whole,
/// whenever the process is killed. Kept are the newest two and the best of each.
/// </summary>
public sealed class CheckpointFolder(string path)
{
    const string Prefix = "step-";

    /// <summary>Behind the name of what is not whole yet, or not any more: the next checkpoint removes it.</summary>
    const string PartialSuffix = ".partial";

    /// <summary>
    /// Before it: a coordinator that was stopped while it wrote, and goes on when another has long taken over, does not find that one's half of the
    /// same checkpoint under its own name.
    /// </summary>
    readonly string _writer = $".{Random.Shared.NextInt64():x16}";

    /// <summary>Behind the name of an earlier checkpoint of the same step, while the new one takes its name.</summary>
    const string ReplacedSuffix = ".replaced";

    /// <summary>Behind the name of one that was found damaged and passed over.</summary>
    const string DamagedSuffix = ".damaged";

    const int KeptNewest = 2; // the newest, and one to fall back to when it turns out damaged

    public static string TowerFile(TowerId tower) => $"tower-{tower}.safetensors";

    public string Path { get; } = path;

    /// <summary>Makes the folder in which the towers write their files for the checkpoint after <paramref name="steps"/> steps.</summary>
    /// <exception cref="CheckpointException">It cannot be made, or the run's folder is not there any more.</exception>
    public string Begin(long steps)
    {
        string partial = PartialOf(steps), run = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(Path))!;
        if (!System.IO.Path.Exists(run)) throw new CheckpointException($"the folder {run} has been removed or unmounted: there is nowhere to write the checkpoint after step {steps}; bring it back and go on with --resume, or train anew");
        Guard(() =>
        {
            Directory.CreateDirectory(Path);
            Disk.FlushDirectory(run);
            Tidy();
            Directory.CreateDirectory(partial);
        }, partial);
        return partial;
    }

    /// <summary>Ends what a process that was killed had begun.</summary>
    void Tidy()
    {
        foreach (string replaced in Folders(ReplacedSuffix))
        {
            string final = replaced[..^ReplacedSuffix.Length];
            if (Directory.Exists(final)) Remove(final, replaced);
            else Disk.Move(replaced, final); // killed before the new one had the name
        }
        foreach (string partial in Folders(PartialSuffix)) Disk.Delete(partial);
    }

    /// <summary>Writes one tower's file into the folder that <see cref="Begin"/> made; returns its SHA-256.</summary>
    /// <exception cref="CheckpointException">It cannot be written; the folder is gone then, so that it takes no room.</exception>
    public static string WriteTower(string partial, TowerState state)
    {
        string file = System.IO.Path.Combine(partial, TowerFile(state.Tower)), sha256 = "";
        Guard(() => sha256 = SafeTensors.Write(file, state.Values, new Dictionary<string, string> { ["tower"] = state.Tower.ToString() }), file, partial);
        return sha256;
    }

    /// <summary>Writes the manifest, gives the checkpoint its name and drops what need not be kept.</summary>
    /// <exception cref="CheckpointException">It cannot be written; the folder is gone then, so that it takes no room.</exception>
    public string Commit(CheckpointManifest manifest)
    {
        long steps = manifest.Progress.Steps;
        string partial = PartialOf(steps), final = FolderOf(steps), replaced = final + ReplacedSuffix;
        Guard(() =>
        {
            using (var file = File.Create(System.IO.Path.Combine(partial, CheckpointManifest.FileName)))
            {
                file.Write(manifest.Sealed());
                file.Flush(flushToDisk: true);
            }
            Disk.FlushDirectory(partial);
            bool again = Directory.Exists(final);
            if (again) Disk.Move(final, replaced); // still listed, until the new one has the name
            Disk.Move(partial, final);
            Disk.FlushDirectory(Path); // only now may others go
            if (again) Remove(final, replaced);
            Prune(manifest);
        }, final, partial);
        return final;
    }

    /// <summary>Checkpoints by steps, newest first.</summary>
    public IReadOnlyList<(long Steps, string Folder)> List() =>
        [.. Folders("").Concat(Folders(ReplacedSuffix).Where(f => !Directory.Exists(f[..^ReplacedSuffix.Length])))
            .Select(f => (Steps: StepsOf(f)!.Value, f))
            .OrderByDescending(f => f.Steps)];

    /// <summary>What was found damaged and set aside, newest first.</summary>
    public IReadOnlyList<(long Steps, string Folder)> SetAside() => [.. Folders(DamagedSuffix).Select(f => (Steps: StepsOf(f)!.Value, f)).OrderByDescending(f => f.Steps)];

    /// <summary>Folders "step-" number suffix.</summary>
    string[] Folders(string suffix) => !Directory.Exists(Path) ? [] :
        [.. Directory.EnumerateDirectories(Path, Prefix + "*" + suffix).Where(f => StepsOf(f) is not null && System.IO.Path.GetExtension(f) == suffix)];

    /// <summary>The number in the name of a folder; null where it is not named so.</summary>
    internal static long? StepsOf(string folder)
    {
        string name = System.IO.Path.GetFileName(System.IO.Path.TrimEndingDirectorySeparator(folder)).Split('.')[0];
        return name.StartsWith(Prefix, StringComparison.Ordinal) && long.TryParse(name.AsSpan(Prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out long steps) ? steps : null;
    }

    /// <summary>Whether a folder is a checkpoint, whole or not, by what is in it or by its name.</summary>
    public static bool LooksLikeOne(string folder) =>
        StepsOf(folder) is not null || new[] { CheckpointManifest.FileName, TowerFile(TowerId.A), TowerFile(TowerId.B) }.Any(name => File.Exists(System.IO.Path.Combine(folder, name)));

    /// <summary>The newest checkpoint that is whole. Damaged ones are reported and passed over; null when there is none.</summary>
    /// <param name="report">Told of each.</param>
    /// <param name="setAside">Whether they lose their name, so that none of them is ever counted among those kept: for the one process that writes here.</param>
    /// <exception cref="CheckpointUnreadableException">One that is to be written after cannot be read, which does not make it damaged.</exception>
    public (CheckpointManifest Manifest, TowerState[] Towers, string Folder)? NewestWhole(Action<string> report, bool setAside = false)
    {
        var listed = List();
        for (int n = 0; n < listed.Count; n++)
        {
            string folder = listed[n].Folder;
            try
            {
                var (manifest, towers) = Load(folder);
                return (manifest, towers, folder);
            }
            catch (CheckpointException e) when (!setAside || e is not CheckpointUnreadableException)
            {
                report($"{e.Message}; {(n + 1 < listed.Count ? "the checkpoint before it is used" : "there is none before it")}");
                if (setAside) PutAside(folder);
            }
        }
        return null;
    }

    /// <summary>The checkpoint of the best validation, where there was one and it is whole; else the newest that is.</summary>
    /// <inheritdoc cref="NewestWhole"/>
    public (CheckpointManifest Manifest, TowerState[] Towers, string Folder)? BestWhole(Action<string> report)
    {
        if (NewestWhole(report) is not { Manifest.Progress: { } progress } newest) return null;
        if (progress.BestSteps <= 0 || progress.BestSteps == progress.Steps) return newest;
        try
        {
            string folder = List().FirstOrDefault(c => c.Steps == progress.BestSteps).Folder ?? throw new CheckpointException($"the best checkpoint of {Path}, after step {progress.BestSteps}, is not there any more");
            var (manifest, towers) = Load(folder);
            return (manifest, towers, folder);
        }
        catch (CheckpointException e)
        {
            report($"{e.Message}; the newest checkpoint is used instead of the best");
            return newest;
        }
    }

    void PutAside(string folder)
    {
        string aside = FolderOf(StepsOf(folder)!.Value) + DamagedSuffix;
        try
        {
            if (Directory.Exists(aside)) Disk.Delete(aside);
            Disk.Move(folder, aside); // lasts from the next checkpoint's name on; until then it is passed over again
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It keeps its name and is passed over again; whoever wants to write here will be told why that cannot be done.
        }
    }

    /// <summary>Reads a checkpoint whole, every hash checked.</summary>
    /// <exception cref="CheckpointException">A file is missing, damaged, cannot be read or is of another format.</exception>
    public static (CheckpointManifest Manifest, TowerState[] Towers) Load(string folder) => Read(folder, e => throw e)!.Value;

    /// <summary>Reads a checkpoint whole, every hash checked.</summary>
    /// <returns>What is wrong with it, a line a file; empty when it is whole.</returns>
    public static IReadOnlyList<string> Damage(string folder)
    {
        var damage = new List<string>();
        Read(folder, e => damage.Add(e.Message));
        return damage;
    }

    static (CheckpointManifest, TowerState[])? Read(string folder, Action<CheckpointException> damaged)
    {
        if (Try(() => CheckpointManifest.Read(folder)) is not { } manifest) return null;
        var (a, b) = (Try(() => StateOf(TowerId.A)), Try(() => StateOf(TowerId.B)));
        if (a is null || b is null) return null;
        string digest = WeightsDigest.Of(a, b);
        if (digest == manifest.WeightsSha256) return (manifest, [a, b]);
        damaged(new CheckpointException($"{folder} is damaged: its weights have digest {digest[..16]}..., the manifest says {manifest.WeightsSha256}"));
        return null;

        TowerState StateOf(TowerId tower) => new(tower, SafeTensors.Read(System.IO.Path.Combine(folder, TowerFile(tower)), manifest.TowerSha256[(int)tower]));

        T? Try<T>(Func<T> read) where T : class
        {
            try
            {
                return read();
            }
            catch (CheckpointException e)
            {
                damaged(e);
                return null;
            }
        }
    }

    string PartialOf(long steps) => FolderOf(steps) + _writer + PartialSuffix;

    string FolderOf(long steps) => System.IO.Path.Combine(Path, $"{Prefix}{steps:D8}");

    /// <summary>
    /// Keeps the newest two, counted from the one just written, and what each of them calls the best: whichever is gone on from has its best.
    /// One behind it, which a run that has gone back to an earlier checkpoint has yet to write again, stays and does not count.
    /// </summary>
    void Prune(CheckpointManifest written)
    {
        var upToIt = List().Where(c => c.Steps <= written.Progress.Steps).ToList();
        long[] best = [written.Progress.BestSteps, .. upToIt.Skip(1).Take(KeptNewest - 1).Select(c => BestOf(c.Folder))];
        foreach (var (steps, folder) in upToIt.Skip(KeptNewest))
            if (!best.Contains(steps)) Remove(FolderOf(steps), folder);
        if (upToIt.Count < KeptNewest) return;
        foreach (var (steps, folder) in SetAside()) // nothing is to be had from them any more
            if (steps < upToIt[KeptNewest - 1].Steps) Remove(FolderOf(steps), folder);
    }

    static long BestOf(string folder)
    {
        try
        {
            return CheckpointManifest.Read(folder).Progress.BestSteps;
        }
        catch (CheckpointException)
        {
            return 0; // damaged meanwhile; whoever wants to go on from it is told so
        }
    }

    /// <summary>Killed half-way it leaves nothing under a name that says whole.</summary>
    void Remove(string final, string folder)
    {
        string partial = final + _writer + PartialSuffix;
        if (Directory.Exists(partial)) Disk.Delete(partial);
        Disk.Move(folder, partial);
        Disk.Delete(partial);
    }

    /// <param name="write">What to do.</param>
    /// <param name="where">The file or folder, for the error.</param>
    /// <param name="partial">What to remove when it fails: a full disk has room again.</param>
    static void Guard(Action write, string where, string? partial = null)
    {
        try
        {
            write();
        }
        catch (Exception e) when (Disk.Refusal(e) is not null)
        {
            if (partial is not null) RemoveIfPossible(partial);
            throw new CheckpointException($"cannot write the checkpoint {where}: {Disk.Refusal(e)}; the checkpoints before it are untouched: make room or give access, then train again with --resume");
        }
    }

    static void RemoveIfPossible(string partial)
    {
        try
        {
            if (Directory.Exists(partial)) Disk.Delete(partial);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The next checkpoint tries again; what is wrong is said by the error that led here.
        }
    }
}
