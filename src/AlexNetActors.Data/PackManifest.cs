using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace AlexNetActors.Data;

/// <summary>The file <c>pack.json</c>, which makes two packs and a mean image one data set. It is written last: without it a folder holds no data set.</summary>
/// <param name="Format">Version of the folder's format.</param>
/// <param name="Source">Where the pictures came from, in words.</param>
/// <param name="RecordSize">Side of a record in pixels.</param>
/// <param name="Classes">Names in the order of labels.</param>
/// <param name="Training">The training pack.</param>
/// <param name="Validation">The validation pack.</param>
/// <param name="Mean">Checksum of the mean image.</param>
/// <param name="ColourValues">Eigenvalues, [3].</param>
/// <param name="ColourVectors">Eigenvectors, [3][3].</param>
/// <param name="Digest">Identity of the data set: of its size, class names and packs; mean and axes follow from them, and the source's words do not matter.</param>
/// <param name="Checksum">Of this file's values.</param>
internal sealed record PackManifest(
    int Format, string Source, int RecordSize, string[] Classes, PackEntry Training, PackEntry Validation,
    string Mean, double[] ColourValues, double[][] ColourVectors, string Digest, string Checksum)
{
    internal const int CurrentFormat = 1;
    internal const string FileName = "pack.json", MeanName = "mean.f32", TrainingName = "train.pack", ValidationName = "validation.pack";

    static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        NewLine = "\n", // the file is compared byte by byte, on any system
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals, // 1e999 reads as infinity, which is then damage like any other
    };

    internal static string MeanChecksum(ReadOnlySpan<float> mean) => Hex(XxHash3.HashToUInt64(MemoryMarshal.AsBytes(mean)));

    internal static string Hex(ulong checksum) => checksum.ToString("x16");

    internal static string DigestOf(int recordSize, IEnumerable<string> classes, PackEntry training, PackEntry validation) =>
        HashOf(Encoding.UTF8.GetBytes($"{recordSize}\n{string.Join('\n', classes)}\n{training.Records} {training.Checksum}\n{validation.Records} {validation.Checksum}\n"));

    internal PackManifest Sealed()
    {
        var sealing = this with { Digest = DigestOf(RecordSize, Classes, Training, Validation) };
        return sealing with { Checksum = ChecksumOf(sealing) };
    }

    /// <summary>Of the values, whatever their order in the file.</summary>
    static string ChecksumOf(PackManifest manifest) => HashOf(BytesOf(manifest with { Checksum = "" }));

    static byte[] BytesOf(PackManifest manifest) => JsonSerializer.SerializeToUtf8Bytes(manifest, Json);

    internal void Write(string folder) => WholeFile.Put(Path.Combine(folder, FileName), BytesOf(this));

    internal static PackManifest Read(string path)
    {
        byte[] text = OrdinaryFile.Read(path);
        PackManifest? manifest;
        try
        {
            using var document = JsonDocument.Parse(text);
            if (document.RootElement.TryGetProperty("format", out var format) && format.TryGetInt32(out int version) && version != CurrentFormat)
                throw new DataUnreadableException($"{path} has format version {version}, this program reads version {CurrentFormat}: use the version that wrote it, or prepare the data set into another folder");
            manifest = document.Deserialize<PackManifest>(Json);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new DataException($"{path} is damaged: {OneLine.Of(e)}; prepare the data set again or restore the file");
        }
        if (manifest is null || manifest.Checksum != ChecksumOf(manifest) || !text.AsSpan().SequenceEqual(BytesOf(manifest)))
            throw new DataException($"{path} is damaged: its values do not match its checksum; prepare the data set again or restore the file");
        return manifest;
    }

    static string HashOf(byte[] bytes) => Convert.ToHexStringLower(XxHash128.Hash(bytes));
}

/// <summary>A pack as its manifest knows it.</summary>
internal sealed record PackEntry(int Records, string Checksum)
{
    internal static PackEntry Of(Pack pack) => new(pack.Count, PackManifest.Hex(pack.Checksum));
}
