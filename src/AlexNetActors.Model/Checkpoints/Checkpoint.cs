using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace AlexNetActors.Model;

/// <summary>What a checkpoint says of itself; written last, so that a folder with a manifest is whole.</summary>
/// <param name="Format">Version of this layout.</param>
/// <param name="Progress">How far the run had come.</param>
/// <param name="RecipeDigest">Of the resolved recipe: a run goes on only with the same one.</param>
/// <param name="DataDigest">Of the data set.</param>
/// <param name="DeviceKind">The kind of device whose bits these are: "cpu", "reference".</param>
/// <param name="TowerSha256">Of the file of tower A and of tower B.</param>
/// <param name="WeightsSha256">Of the weights: <see cref="WeightsDigest"/>.</param>
public sealed record CheckpointManifest(
    int Format, RunProgress Progress, string RecipeDigest, string DataDigest, string DeviceKind,
    IReadOnlyList<string> TowerSha256, string WeightsSha256)
{
    public const int CurrentFormat = 1;

    /// <summary>Of everything else here; filled in when the checkpoint is committed.</summary>
    public string Sha256 { get; init; } = "";
}

/// <summary>
/// The checkpoints of a run: folders "step-00000340" with a safetensors file a tower and a manifest. A checkpoint is written
/// under a temporary name, flushed and renamed: under its own name it is always whole. Kept are the newest two and the best.
/// </summary>
public sealed class CheckpointFolder(string path)
{
    const string ManifestName = "manifest.json", PartialSuffix = ".partial";
    const int KeptNewest = 2; // the newest, and one to fall back to when it turns out damaged

    static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    public static string TowerFile(TowerId tower) => $"tower-{tower}.safetensors";

    public string Path { get; } = path;

    /// <summary>Makes the folder in which the towers write their files for the checkpoint after <paramref name="steps"/> steps.</summary>
    public string Begin(long steps)
    {
        string partial = FolderOf(steps) + PartialSuffix;
        Guard(() =>
        {
            Directory.CreateDirectory(Path);
            foreach (string left in Directory.EnumerateDirectories(Path, "step-*" + PartialSuffix)) Directory.Delete(left, recursive: true); // of a process that was killed
            Directory.CreateDirectory(partial);
        }, partial);
        return partial;
    }

    /// <summary>Writes one tower's file into the folder that <see cref="Begin"/> made; returns its SHA-256.</summary>
    public static string WriteTower(string partial, TowerState state)
    {
        string file = System.IO.Path.Combine(partial, TowerFile(state.Tower)), sha256 = "";
        Guard(() => sha256 = SafeTensors.Write(file, state.Values, new Dictionary<string, string> { ["tower"] = state.Tower.ToString() }), file);
        return sha256;
    }

    /// <summary>Writes the manifest, gives the checkpoint its name and drops what need not be kept.</summary>
    public string Commit(CheckpointManifest manifest)
    {
        long steps = manifest.Progress.Steps;
        string partial = FolderOf(steps) + PartialSuffix, final = FolderOf(steps);
        Guard(() =>
        {
            using (var file = File.Create(System.IO.Path.Combine(partial, ManifestName)))
            {
                JsonSerializer.Serialize(file, manifest with { Sha256 = HashOf(manifest) }, Json);
                file.Flush(flushToDisk: true);
            }
            Disk.FlushDirectory(partial);
            if (Directory.Exists(final)) Directory.Delete(final, recursive: true);
            Directory.Move(partial, final);
            Disk.FlushDirectory(Path);
            Prune(manifest.Progress.BestSteps);
        }, final);
        return final;
    }

    /// <summary>Checkpoints by steps, newest first.</summary>
    public IReadOnlyList<(long Steps, string Folder)> List() =>
        !Directory.Exists(Path) ? [] :
        [.. Directory.EnumerateDirectories(Path, "step-*")
            .Where(f => !f.EndsWith(PartialSuffix, StringComparison.Ordinal))
            .Select(f => (long.TryParse(System.IO.Path.GetFileName(f).AsSpan(5), out long n) ? n : -1, f))
            .Where(f => f.Item1 >= 0)
            .OrderByDescending(f => f.Item1)];

    /// <summary>The newest checkpoint that is whole. Damaged ones are reported and passed over; null when there is none.</summary>
    public (CheckpointManifest Manifest, TowerState[] Towers, string Folder)? NewestWhole(Action<string> report)
    {
        foreach (var (_, folder) in List())
        {
            try
            {
                var (manifest, towers) = Load(folder);
                return (manifest, towers, folder);
            }
            catch (CheckpointException e)
            {
                report($"{e.Message}; the checkpoint before it is used");
            }
        }
        return null;
    }

    /// <exception cref="CheckpointException">A file is missing, damaged or of another format.</exception>
    public static CheckpointManifest ReadManifest(string folder)
    {
        string file = System.IO.Path.Combine(folder, ManifestName);
        if (!File.Exists(file)) throw new CheckpointException($"{folder} is not a checkpoint: it has no {ManifestName}");
        CheckpointManifest? manifest;
        try
        {
            manifest = JsonSerializer.Deserialize<CheckpointManifest>(File.ReadAllBytes(file), Json);
        }
        catch (JsonException e)
        {
            throw new CheckpointException($"{file} is damaged: {e.Message}");
        }
        if (manifest is not null && manifest.Format != CheckpointManifest.CurrentFormat)
            throw new CheckpointException($"{file} has format {manifest.Format}, this version reads {CheckpointManifest.CurrentFormat}: use the version that wrote it");
        if (manifest is null || manifest.Sha256 != HashOf(manifest)) throw new CheckpointException($"{file} is damaged: it does not match its own SHA-256");
        return manifest;
    }

    /// <summary>Reads a checkpoint whole, every hash checked.</summary>
    /// <exception cref="CheckpointException">A file is missing, damaged or of another format.</exception>
    public static (CheckpointManifest Manifest, TowerState[] Towers) Load(string folder)
    {
        var manifest = ReadManifest(folder);
        TowerState[] towers = [.. TowerIds.Both.Select(t => new TowerState(t, SafeTensors.Read(System.IO.Path.Combine(folder, TowerFile(t)), manifest.TowerSha256[(int)t])))];
        string digest = WeightsDigest.Of(towers[0], towers[1]);
        if (digest != manifest.WeightsSha256) throw new CheckpointException($"{folder} is damaged: its weights have digest {digest[..16]}..., the manifest says {manifest.WeightsSha256}");
        return (manifest, towers);
    }

    /// <summary>Of the values, not the bytes: white space and the order of fields do not count.</summary>
    static string HashOf(CheckpointManifest manifest) =>
        Convert.ToHexStringLower(SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(manifest with { Sha256 = "" }, Json)));

    string FolderOf(long steps) => System.IO.Path.Combine(Path, $"step-{steps:D8}");

    void Prune(long bestSteps)
    {
        foreach (var (steps, folder) in List().Skip(KeptNewest))
            if (steps != bestSteps) Directory.Delete(folder, recursive: true);
    }

    static void Guard(Action write, string where)
    {
        try
        {
            write();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException($"cannot write the checkpoint {where}: {e.Message.TrimEnd('.')}; the checkpoints before it are untouched: make room or give access, then train again with --resume");
        }
    }
}
