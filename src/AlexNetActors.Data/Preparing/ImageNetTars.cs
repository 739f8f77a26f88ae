using System.Globalization;

namespace AlexNetActors.Data;

/// <summary>
/// The ILSVRC2012 files as they are downloaded: a tar of one tar a synset, a flat tar of validation pictures, and the development kit, which
/// says what they show. They are read where they lie; nothing is unpacked.
/// </summary>
internal static class ImageNetTars
{
    internal const string TrainingName = "ILSVRC2012_img_train.tar", ValidationName = "ILSVRC2012_img_val.tar";

    internal static PrepareSource Read(string folder)
    {
        string trainingPath = Path.Combine(folder, TrainingName), validationPath = Path.Combine(folder, ValidationName);
        if (!File.Exists(validationPath)) throw new DataUseException($"{folder} has {TrainingName} but not {ValidationName}: download it too");
        try
        {
            var key = DevelopmentKit.Read(folder);
            var inner = TarIndex.Of(trainingPath).Where(tar => tar.Name.EndsWith(".tar", StringComparison.Ordinal))
                .OrderBy(tar => SynsetOf(tar), StringComparer.Ordinal).ToList();
            string[] classes = [.. inner.Select(SynsetOf)];
            return new PrepareSource($"ILSVRC2012 tars {Path.GetFullPath(folder)}", classes, Training(trainingPath, inner), Validation(validationPath, classes, key));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"cannot read the ILSVRC2012 files in {folder}: {OneLine.Of(e)}; give access to them, then run the same command again");
        }
    }

    static string SynsetOf(TarFile tar) => Path.GetFileNameWithoutExtension(tar.Name);

    static List<SourceFile> Training(string path, List<TarFile> inner)
    {
        long stamp = File.GetLastWriteTimeUtc(path).Ticks;
        var all = new List<SourceFile>();
        foreach (var (tar, files) in TarIndex.OfInner(path, inner))
        {
            int label = inner.IndexOf(tar);
            all.AddRange(files.OrderBy(file => file.Name, StringComparer.Ordinal)
                .Select(file => new SourceFile(path, file.Offset, file.Length, $"{TrainingName}/{tar.Name}/{file.Name}", label, stamp)));
        }
        return all;
    }

    static List<SourceFile> Validation(string path, string[] classes, IReadOnlyList<string> synsets)
    {
        long stamp = File.GetLastWriteTimeUtc(path).Ticks;
        var all = new List<SourceFile>();
        var numbers = new HashSet<int>();
        foreach (var file in TarIndex.Of(path))
        {
            int number = NumberOf(file.Name);
            if (number < 1 || number > synsets.Count)
                throw new DataException($"{file.Name} in {path} has no line in the ground truth, which has {synsets.Count}: the tar and the development kit do not belong together");
            if (!numbers.Add(number)) throw new DataException($"{file.Name} is in {path} twice: download it again");
            int label = Array.BinarySearch(classes, synsets[number - 1], StringComparer.Ordinal);
            if (label < 0) throw new DataException($"{file.Name} in {path} shows {synsets[number - 1]}, of which {TrainingName} has no pictures: the tars do not belong together");
            all.Add(new SourceFile(path, file.Offset, file.Length, $"{ValidationName}/{file.Name}", label, stamp));
        }
        if (all.Count != synsets.Count) throw new DataException($"{path} has {all.Count} pictures, the ground truth {synsets.Count}: download the tar again");
        all.Sort((a, b) => a.Label != b.Label ? a.Label - b.Label : string.CompareOrdinal(a.Name, b.Name));
        return all;
    }

    /// <summary>ILSVRC2012_val_00000001.JPEG is 1; 0 for any other name.</summary>
    static int NumberOf(string name)
    {
        string stem = Path.GetFileNameWithoutExtension(name);
        return stem.StartsWith("ILSVRC2012_val_", StringComparison.Ordinal)
            && int.TryParse(stem["ILSVRC2012_val_".Length..], NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : 0;
    }
}
