using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using AlexNetActors.Data;

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
    public const int CurrentFormat = 2;

    internal const string FileName = "manifest.json";

    static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        NewLine = "\n", // a manifest is read on any system, byte by byte
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    /// <summary>Of everything else here; filled in when the checkpoint is committed.</summary>
    public string Sha256 { get; init; } = "";

    /// <exception cref="CheckpointException">It is missing, damaged, cannot be read or is of another format.</exception>
    public static CheckpointManifest Read(string folder)
    {
        string file = Path.Combine(folder, FileName);
        if (!File.Exists(file)) throw new CheckpointException($"{folder} is not a checkpoint: it has no {FileName}");
        byte[] bytes;
        CheckpointManifest? manifest;
        try
        {
            bytes = OrdinaryFile.Read(file);
            manifest = JsonSerializer.Deserialize<CheckpointManifest>(bytes, Json);
        }
        catch (JsonException e)
        {
            throw new CheckpointException($"{file} is damaged: {e.Message}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointUnreadableException($"{file} cannot be read: {e.Message}");
        }
        bool isOfCurrent = manifest is not null && manifest.Sha256 == HashOf(manifest with { Format = CurrentFormat }); // then a flipped bit changed no more than the number
        if (manifest is not null && manifest.Format != CurrentFormat && !isOfCurrent)
            throw new CheckpointUnreadableException($"{file} has format {manifest.Format}, this version reads {CurrentFormat}: use the version that wrote it");
        if (manifest is not { Progress: not null, RecipeDigest: not null, DataDigest: not null, DeviceKind: not null, TowerSha256.Count: 2, WeightsSha256: not null }
            || manifest.Sha256 != HashOf(manifest) || !bytes.AsSpan().SequenceEqual(BytesOf(manifest)))
            throw new CheckpointException($"{file} is damaged: it does not match its own SHA-256");
        if (CheckpointFolder.StepsOf(folder) is { } steps && steps != manifest.Progress.Steps)
            throw new CheckpointException($"{file} is of step {manifest.Progress.Steps}, its folder's name says step {steps}: give the folder its name back");
        return manifest;
    }

    /// <summary>The file's bytes, with the hash.</summary>
    internal byte[] Sealed() => BytesOf(this with { Sha256 = HashOf(this) });

    /// <summary>Of the values, whatever their order in the file.</summary>
    static string HashOf(CheckpointManifest manifest) => Convert.ToHexStringLower(SHA256.HashData(BytesOf(manifest with { Sha256 = "" })));

    static byte[] BytesOf(CheckpointManifest manifest) => JsonSerializer.SerializeToUtf8Bytes(manifest, Json);
}
