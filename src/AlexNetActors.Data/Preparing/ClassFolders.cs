using AlexNetActors.Compute;

namespace AlexNetActors.Data;

/// <summary>Sources of one folder a class.</summary>
internal static class ClassFolders
{
    /// <summary>A class may be called train; then there is no val beside it, and pictures are in it rather than folders.</summary>
    internal static bool IsSplit(string folder)
    {
        string train = Path.Combine(folder, "train");
        return Directory.Exists(train) && (ValidationOf(folder) is not null || ClassesOf(train).Length > 0);
    }

    static string? ValidationOf(string folder) => ((string[])["val", "validation"]).Select(name => Path.Combine(folder, name)).FirstOrDefault(Directory.Exists);

    /// <summary>train/CLASS/... and val/CLASS/... (or validation/CLASS/...).</summary>
    internal static PrepareSource ReadSplit(string folder)
    {
        string train = Path.Combine(folder, "train");
        string? validation = ValidationOf(folder);
        if (validation is null) throw new DataUseException($"{folder} has a train folder but neither val nor validation: add one, or name the folder of classes {train} to set a share of it aside");
        string[] classes = ClassesOf(train);
        foreach (string name in ClassesOf(validation))
            if (Array.BinarySearch(classes, name, StringComparer.Ordinal) < 0)
                throw new DataUseException($"class {name} is in {validation} but not in {train}: add training pictures or remove it");
        return new PrepareSource($"folders of classes {Path.GetFullPath(folder)}", classes, FilesOf(folder, train, classes), FilesOf(folder, validation, classes));
    }

    /// <summary>CLASS/...; a share of each class, chosen by the seed, becomes validation.</summary>
    internal static PrepareSource ReadUnsplit(string folder, PrepareOptions options)
    {
        string[] classes = ClassesOf(folder);
        List<SourceFile> training = [], validation = [];
        foreach (var group in FilesOf(folder, folder, classes).GroupBy(file => file.Label))
        {
            SourceFile[] files = [.. group];
            var chosen = Chosen(files.Length, options, group.Key);
            for (int i = 0; i < files.Length; i++) (chosen[i] ? validation : training).Add(files[i]);
        }
        return new PrepareSource(
            $"folder of classes {Path.GetFullPath(folder)}, {options.ValidationShare:P0} of each class for validation, split seed {options.SplitSeed}",
            classes, training, validation);
    }

    static bool[] Chosen(int files, PrepareOptions options, int label)
    {
        var random = new Philox(options.SplitSeed, Purpose.Shuffle, 1, (ulong)label);
        int[] order = [.. Enumerable.Range(0, files)];
        var chosen = new bool[files];
        int count = files < 2 ? 0 : Math.Clamp((int)Math.Round(files * options.ValidationShare), 1, files - 1);
        for (int i = 0; i < count; i++)
        {
            int j = i + (int)random.Below((ulong)i, (uint)(files - i));
            (order[i], order[j]) = (order[j], order[i]);
            chosen[order[i]] = true;
        }
        return chosen;
    }

    static string[] ClassesOf(string folder)
    {
        string[] names = [.. new DirectoryInfo(folder).EnumerateDirectories().Select(d => d.Name).Where(name => !name.StartsWith('.'))];
        Array.Sort(names, StringComparer.Ordinal);
        return names;
    }

    static List<SourceFile> FilesOf(string root, string folder, string[] classes)
    {
        var files = new List<SourceFile>();
        for (int label = 0; label < classes.Length; label++)
        {
            string pictures = Path.Combine(folder, classes[label]);
            if (!Directory.Exists(pictures)) continue;
            files.AddRange(PictureFile.In(pictures).Select(file => new SourceFile(file.Path, 0, file.Length, Path.GetRelativePath(root, file.Path).Replace('\\', '/'), label, file.Stamp)));
        }
        return files;
    }
}
