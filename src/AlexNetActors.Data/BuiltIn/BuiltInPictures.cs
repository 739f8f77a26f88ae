using AlexNetActors.Compute;

namespace AlexNetActors.Data;

/// <summary>How many pictures are drawn, and how large. Equal settings make equal bytes on every machine.</summary>
/// <param name="Training">Training records.</param>
/// <param name="Validation">Validation records.</param>
/// <param name="RecordSize">Side of a record in pixels, at least 16.</param>
/// <param name="Seed">Seed of the drawing, which has nothing to do with a run's.</param>
public sealed record BuiltInSettings(int Training = 4000, int Validation = 500, int RecordSize = 40, ulong Seed = 2012);

/// <summary>
/// The data set that needs no download: ten classes of drawn figures and textures at any place, size, angle and in any colours, on uneven
/// grounds with clutter and noise. Neither a mean nor a colour tells a class; an edge does. Drawn from counter-based random numbers with
/// +, -, *, / and sqrt alone. The first validation picture of each class is a file, too: pictures/CLASS/1.png.
/// </summary>
public static class BuiltInPictures
{
    /// <summary>Class names in the order of labels.</summary>
    public static IReadOnlyList<string> Classes { get; } = Enum.GetNames<Figure>().Select(name => name.ToLowerInvariant()).ToArray();

    const string SourceStart = "built-in pictures", FilesName = "pictures";
    static readonly TimeSpan OtherProcessMax = TimeSpan.FromSeconds(60);

    /// <summary>Opens the pictures in a folder, drawing them first where they are not there yet, are damaged or of other settings. Safe to call from many processes at once.</summary>
    /// <param name="folder">Made if missing.</param>
    /// <param name="settings">What to draw; the defaults if null.</param>
    /// <exception cref="DataException">The folder holds another data set, cannot be written, or another process has written to it for a minute.</exception>
    public static DataFolder Create(string folder, BuiltInSettings? settings = null)
    {
        settings ??= new BuiltInSettings();
        ArgumentOutOfRangeException.ThrowIfLessThan(settings.RecordSize, 16, nameof(settings));
        ArgumentOutOfRangeException.ThrowIfLessThan(settings.Training, 1, nameof(settings));
        ArgumentOutOfRangeException.ThrowIfLessThan(settings.Validation, 1, nameof(settings));
        try
        {
            Directory.CreateDirectory(folder);
            using var ours = FolderLock.Take(folder, OtherProcessMax);
            if (Existing(folder, settings) is { } existing) return existing;
            Draw(folder, settings);
        }
        catch (Exception e) when (Disk.Refusal(e) is { } why)
        {
            throw new DataException($"cannot write the built-in pictures to {folder}: {why}; make room or give access, then run the same command again");
        }
        return DataFolder.Open(folder);
    }

    static string SourceOf(BuiltInSettings s) => $"{SourceStart}, version 1, {s.Training} + {s.Validation} of {s.RecordSize} pixels, seed {s.Seed}";

    /// <summary>The data set if it is there and whole; null if it is ours to draw.</summary>
    static DataFolder? Existing(string folder, BuiltInSettings settings)
    {
        string manifest = Path.Combine(folder, PackManifest.FileName);
        if (!File.Exists(manifest)) return null;
        try
        {
            string source = PackManifest.Read(manifest).Source;
            if (!source.StartsWith(SourceStart, StringComparison.Ordinal))
                throw new DataUnreadableException($"{folder} holds another data set ({source}): name another folder for the built-in pictures, or move it elsewhere");
            if (source != SourceOf(settings) || !Directory.Exists(Path.Combine(folder, FilesName))) return null;
            var data = DataFolder.Open(folder);
            try
            {
                data.Verify();
                return data;
            }
            catch (DataException)
            {
                data.Dispose();
                throw;
            }
        }
        catch (DataException e) when (e is not DataUnreadableException)
        {
            return null; // Damaged, and cheaper to draw again than to ask about.
        }
    }

    static void Draw(string folder, BuiltInSettings settings)
    {
        var statistics = new TrainingStatistics(settings.RecordSize);
        byte[][] training = Pictures(settings, validation: false);
        foreach (byte[] record in training) statistics.Add(record);
        Write(Path.Combine(folder, PackManifest.TrainingName), training, settings.RecordSize);
        byte[][] validation = Pictures(settings, validation: true);
        Write(Path.Combine(folder, PackManifest.ValidationName), validation, settings.RecordSize);
        foreach (var (name, record) in Classes.Zip(validation))
            File.WriteAllBytes(Path.Combine(Directory.CreateDirectory(Path.Combine(folder, FilesName, name)).FullName, "1.png"), RecordPicture.Png(record, settings.RecordSize, settings.RecordSize));
        DataFolder.Describe(folder, SourceOf(settings), Classes, statistics).Write(folder);
    }

    static byte[][] Pictures(BuiltInSettings settings, bool validation)
    {
        var records = new byte[validation ? settings.Validation : settings.Training][];
        int next = -1;
        Workers.Run(Environment.ProcessorCount, "built-in pictures", _ =>
        {
            for (int i = Interlocked.Increment(ref next); i < records.Length; i = Interlocked.Increment(ref next))
            {
                var dice = new Dice(new Philox(settings.Seed, Purpose.BuiltInPictures, (byte)(validation ? 1 : 0), (ulong)i));
                records[i] = Picture.Draw((Figure)(i % Classes.Count), settings.RecordSize, dice);
            }
        });
        return records;
    }

    static void Write(string path, byte[][] records, int recordSize)
    {
        using var pack = new PackWriter(path, recordSize);
        for (int i = 0; i < records.Length; i++) pack.Append(records[i], i % Classes.Count);
        pack.Complete();
    }
}
