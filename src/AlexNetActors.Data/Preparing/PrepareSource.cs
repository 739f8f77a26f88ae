using System.IO.Hashing;
using System.Text;

namespace AlexNetActors.Data;

/// <summary>What is to be prepared: classes and files, in the order of records.</summary>
/// <param name="Description">In words.</param>
/// <param name="Classes">Names, sorted by their bytes; the index is the label.</param>
/// <param name="Training">By class, then by name.</param>
/// <param name="Validation">By class, then by name.</param>
internal sealed record PrepareSource(string Description, IReadOnlyList<string> Classes, IReadOnlyList<SourceFile> Training, IReadOnlyList<SourceFile> Validation)
{
    /// <summary>Finds out what a folder holds: the ILSVRC2012 tars, a train and a validation folder of classes, or just classes.</summary>
    /// <exception cref="DataException">It holds none of them, or fewer than two classes, or a class without files.</exception>
    internal static PrepareSource Detect(string folder, PrepareOptions options)
    {
        if (!Directory.Exists(folder)) throw new DataUseException($"there is no folder {folder}: name a folder of class folders, or one with the ILSVRC2012 tars");
        var source = File.Exists(Path.Combine(folder, ImageNetTars.TrainingName)) ? ImageNetTars.Read(folder)
            : ClassFolders.IsSplit(folder) ? ClassFolders.ReadSplit(folder)
            : ClassFolders.ReadUnsplit(folder, options);
        source.Check(folder);
        return source;
    }

    void Check(string folder)
    {
        if (Classes.Count == 0) throw new DataUseException($"{folder} has no class folders: it needs one folder a class, or train/ and val/ with one folder a class each, or the ILSVRC2012 tars");
        if (Classes.Count == 1) throw new DataUseException($"{folder} has only one class, {Classes[0]}: a classifier needs two or more");
        var filled = Training.Select(file => file.Label).ToHashSet();
        for (int label = 0; label < Classes.Count; label++)
            if (!filled.Contains(label)) throw new DataUseException($"class {Classes[label]} of {folder} has no training files: add pictures or remove the class");
        if (Validation.Count == 0) throw new DataUseException($"{folder} has no validation pictures: put some in its val folder");
    }

    /// <summary>Equal for the same files and options, so that interrupted work is gone on with and finished work is known.</summary>
    internal string Fingerprint(int recordSize)
    {
        var hash = new XxHash128();
        void Add(string text) => hash.Append(Encoding.UTF8.GetBytes(text + "\n"));
        Add($"{recordSize} {Training.Count} {Validation.Count}");
        foreach (string name in Classes) Add(name);
        foreach (var file in Training.Concat(Validation)) Add($"{file.Name}\t{file.Label}\t{file.Offset}\t{file.Length}\t{file.Stamp}");
        return Convert.ToHexStringLower(hash.GetCurrentHash());
    }
}
