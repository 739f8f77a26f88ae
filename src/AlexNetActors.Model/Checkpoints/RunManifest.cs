using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using AlexNetActors.Data;

namespace AlexNetActors.Model;

/// <summary>
/// What a run folder says of its run, in run.json: its identity, and what was asked for. Beside it lie recipe.conf, the resolved recipe, and mean.f32, the
/// training set's mean image, so that the weights can be used without the data set.
/// </summary>
/// <param name="Format">Version of the folder's layout.</param>
/// <param name="Recipe">Name of the recipe; recipe.conf has the values.</param>
/// <param name="RecipeDigest"><see cref="RecipeText.Digest(Model.Recipe)"/>.</param>
/// <param name="Data">The data set's folder.</param>
/// <param name="DataDigest">Its identity.</param>
/// <param name="RecordSize">Side of its records in pixels.</param>
/// <param name="Classes">Class names in the order of labels.</param>
/// <param name="Devices">Devices of the towers, as the command line names them.</param>
/// <param name="DeviceKind">Devices of one kind give the same bits.</param>
/// <param name="StepsMax">Last step of the run.</param>
/// <param name="Records">Training records of an epoch.</param>
/// <param name="MeanSha256">Of mean.f32.</param>
public sealed record RunManifest(
    int Format, string Recipe, string RecipeDigest, string Data, string DataDigest, int RecordSize, string[] Classes, string[] Devices, string DeviceKind, long StepsMax, int Records, string MeanSha256)
{
    public const int CurrentFormat = 2;

    /// <summary>Files and folders of a run.</summary>
    public const string FileName = "run.json", RecipeName = "recipe.conf", MeanName = "mean.f32", CheckpointsName = "checkpoints";

    static readonly JsonSerializerOptions Json = new() { WriteIndented = true, NewLine = "\n", PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    /// <summary>Of everything else here; filled in when it is written.</summary>
    public string Sha256 { get; init; } = "";

    /// <summary>As run.json has it.</summary>
    public byte[] ToBytes() => BytesOf(this with { Sha256 = Convert.ToHexStringLower(SHA256.HashData(BytesOf(this with { Sha256 = "" }))) });

    static byte[] BytesOf(RunManifest manifest) => JsonSerializer.SerializeToUtf8Bytes(manifest, Json);

    /// <summary>SHA-256 of a mean image.</summary>
    public static string HashOf(ReadOnlySpan<float> mean) => Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes(mean)));

    /// <returns>The run folder that this is, or that has it among its checkpoints; null when it is neither.</returns>
    public static string? FolderOf(string runOrCheckpoint)
    {
        if (HoldsRun(runOrCheckpoint)) return runOrCheckpoint;
        string? above = Path.GetDirectoryName(Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(runOrCheckpoint))));
        return above is not null && HoldsRun(above) ? above : null;
    }

    /// <summary>Whether a folder is a run's.</summary>
    public static bool HoldsRun(string folder) => File.Exists(Path.Combine(folder, FileName));

    /// <param name="folder">The run's.</param>
    /// <exception cref="CheckpointException">It is missing, damaged, cannot be read or is of another format.</exception>
    public static RunManifest Read(string folder)
    {
        string file = Path.Combine(folder, FileName);
        try
        {
            byte[] bytes = OrdinaryFile.Read(file);
            var manifest = JsonSerializer.Deserialize<RunManifest>(bytes, Json);
            if (manifest is not null && manifest.Format != CurrentFormat)
                throw new CheckpointException($"{file} has format {manifest.Format}, this version reads {CurrentFormat}: use the version that wrote it");
            if (manifest is not { Recipe: not null, RecipeDigest: not null, Data: not null, DataDigest: not null, Classes: not null, Devices.Length: 1 or 2, DeviceKind: not null, MeanSha256: not null })
                throw new CheckpointException($"{file} is damaged: fields are missing");
            if (!bytes.AsSpan().SequenceEqual(manifest.ToBytes())) throw new CheckpointException($"{file} is damaged: it does not match its own SHA-256; restore it, or train into another folder with --run");
            return manifest;
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException($"{file} cannot be read: {e.Message.TrimEnd('.')}");
        }
    }

    /// <summary>The layer table of its recipe.</summary>
    /// <param name="folder">The run's.</param>
    /// <exception cref="CheckpointException">recipe.conf is missing, or not the one that the run was started with.</exception>
    public Network ReadNetwork(string folder)
    {
        string text = System.Text.Encoding.UTF8.GetString(ReadFile(folder, RecipeName));
        return RecipeText.Digest(text) == RecipeDigest ? RecipeText.ReadNetwork(text) : throw new CheckpointException($"the {RecipeName} of {folder} is not the one its run was started with: restore it");
    }

    /// <summary>The training set's mean image, [RecordSize, RecordSize, 3].</summary>
    /// <param name="folder">The run's.</param>
    /// <exception cref="CheckpointException">mean.f32 is missing or damaged.</exception>
    public float[] ReadMean(string folder)
    {
        string file = Path.Combine(folder, MeanName);
        byte[] bytes = ReadFile(folder, MeanName);
        if (bytes.LongLength != 12L * RecordSize * RecordSize)
            throw new CheckpointException($"{file} is missing or damaged: it has {bytes.Length} bytes, a mean image of {RecordSize} pixels a side has {12L * RecordSize * RecordSize}");
        float[] mean = MemoryMarshal.Cast<byte, float>(bytes).ToArray();
        return HashOf(mean) == MeanSha256 ? mean : throw new CheckpointException($"{file} is damaged: it does not match its SHA-256 in {FileName}; restore it");
    }

    /// <returns>Nothing where there is none.</returns>
    static byte[] ReadFile(string folder, string name)
    {
        string file = Path.Combine(folder, name);
        try
        {
            return File.Exists(file) ? OrdinaryFile.Read(file) : [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException($"{file} cannot be read: {e.Message.TrimEnd('.')}");
        }
    }
}
