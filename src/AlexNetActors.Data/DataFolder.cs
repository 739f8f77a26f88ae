using System.Runtime.InteropServices;

namespace AlexNetActors.Data;

/// <summary>
/// A data set: a folder made by <c>alexnet prepare</c> or by <see cref="BuiltInPictures"/>, holding a training pack, a validation pack,
/// the mean image and a manifest. Any number of threads may read it at once.
/// </summary>
public sealed class DataFolder : IDisposable
{
    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>The training records.</summary>
    public Pack Train { get; }

    /// <summary>The validation records.</summary>
    public Pack Validation { get; }

    /// <summary>Class names in the order of labels.</summary>
    public IReadOnlyList<string> Classes { get; }

    /// <summary>Side of a record in pixels.</summary>
    public int RecordSize => Train.RecordSize;

    /// <summary>Per-pixel mean of the training records, 0..255, [RecordSize, RecordSize, 3].</summary>
    public ReadOnlyMemory<float> Mean { get; }

    /// <summary>Principal axes of the training pixels' colours.</summary>
    public ColourAxes ColourAxes { get; }

    /// <summary>Identity of the data set, 32 hexadecimal digits: equal if and only if records, labels, order and class names are.</summary>
    public string Digest { get; }

    /// <exception cref="DataUseException">The folder is missing, or holds no finished data set.</exception>
    /// <exception cref="DataException">Something in it is damaged.</exception>
    public static DataFolder Open(string path)
    {
        if (!Directory.Exists(path)) throw new DataUseException($"there is no folder {path}: name with --data the TARGET of an `alexnet prepare SOURCE TARGET`");
        string manifestPath = System.IO.Path.Combine(path, PackManifest.FileName);
        if (!File.Exists(manifestPath))
            throw new DataUseException($"{path} holds no {PackManifest.FileName}, so no finished data set: make one with `alexnet prepare SOURCE TARGET`, and name its TARGET with --data");
        try
        {
            return new DataFolder(path, PackManifest.Read(manifestPath));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DataUnreadableException($"cannot read the data set {path}: {OneLine.Of(e)}; give access to it, then run the same command again");
        }
    }

    DataFolder(string path, PackManifest manifest)
    {
        Path = path;
        Classes = manifest.Classes;
        Digest = manifest.Digest;
        ColourAxes = new ColourAxes(manifest.ColourValues, manifest.ColourVectors);
        Mean = ReadMean(path, manifest);
        Train = OpenPack(path, PackManifest.TrainingName, manifest, manifest.Training);
        try
        {
            Validation = OpenPack(path, PackManifest.ValidationName, manifest, manifest.Validation);
        }
        catch (DataException)
        {
            Train.Dispose();
            throw;
        }
    }

    /// <summary>Reads every record of both packs.</summary>
    /// <exception cref="DataException">A record is damaged.</exception>
    public void Verify(CancellationToken cancellation = default)
    {
        Train.Verify(cancellation);
        Validation.Verify(cancellation);
    }

    /// <summary>Unmaps both packs.</summary>
    public void Dispose()
    {
        Train.Dispose();
        Validation.Dispose();
    }

    /// <summary>Writes the mean image beside two finished packs and describes all three; once the manifest is written too, the folder is a data set.</summary>
    internal static PackManifest Describe(string folder, string source, IReadOnlyList<string> classes, TrainingStatistics statistics)
    {
        using var train = Pack.Open(System.IO.Path.Combine(folder, PackManifest.TrainingName));
        using var validation = Pack.Open(System.IO.Path.Combine(folder, PackManifest.ValidationName));
        float[] mean = statistics.Mean();
        WholeFile.Put(System.IO.Path.Combine(folder, PackManifest.MeanName), MemoryMarshal.AsBytes(mean.AsSpan()).ToArray());
        var axes = statistics.Axes();
        return new PackManifest(
            PackManifest.CurrentFormat, source, train.RecordSize, [.. classes],
            PackEntry.Of(train), PackEntry.Of(validation),
            PackManifest.MeanChecksum(mean), [.. axes.Values], axes.Vectors.Select(v => v.ToArray()).ToArray(), "", "").Sealed();
    }

    static float[] ReadMean(string folder, PackManifest manifest)
    {
        string path = System.IO.Path.Combine(folder, PackManifest.MeanName);
        byte[] bytes;
        try
        {
            bytes = OrdinaryFile.Read(path);
        }
        catch (FileNotFoundException)
        {
            throw new DataException($"{path} is missing: prepare the data set again or restore the file");
        }
        float[] mean = MemoryMarshal.Cast<byte, float>(bytes).ToArray();
        if (bytes.Length != 4 * PackLayout.RecordBytes(manifest.RecordSize) || PackManifest.MeanChecksum(mean) != manifest.Mean)
            throw new DataException($"{path} is damaged: it does not match its checksum; prepare the data set again or restore the file");
        return mean;
    }

    static Pack OpenPack(string folder, string name, PackManifest manifest, PackEntry entry)
    {
        var pack = Pack.Open(System.IO.Path.Combine(folder, name));
        bool isOfManifest = PackEntry.Of(pack) == entry && pack.RecordSize == manifest.RecordSize;
        int stray = Enumerable.Range(0, pack.Count).FirstOrDefault(i => (uint)pack.Label(i) >= manifest.Classes.Length, -1);
        if (isOfManifest && stray < 0) return pack;
        pack.Dispose();
        throw new DataException(!isOfManifest
            ? $"pack {pack.Path} is not the one that {PackManifest.FileName} beside it describes: prepare the data set again or restore the file"
            : $"record {stray} of pack {pack.Path} is of class {pack.Label(stray)}, and {PackManifest.FileName} beside it names {manifest.Classes.Length} classes: prepare the data set again");
    }
}
