using AlexNetActors.Data;

namespace AlexNetActors.Tests.Data;

/// <summary>Small data sets of known bytes.</summary>
static class SmallData
{
    /// <summary>Byte i of record r; one formula for training and validation.</summary>
    public static byte Byte(int record, int i) => (byte)(record * 31 + i * 7 + i / 11);

    public static byte[] Record(int record, int recordSize) => [.. Enumerable.Range(0, recordSize * recordSize * 3).Select(i => Byte(record, i))];

    public static void WritePack(string path, int records, int recordSize, int classes)
    {
        using var pack = new PackWriter(path, recordSize);
        for (int i = 0; i < records; i++) pack.Append(Record(i, recordSize), i % classes);
        pack.Complete();
    }

    public static DataFolder Create(string folder, int training, int validation, int recordSize, int classes = 3, int? named = null)
    {
        Directory.CreateDirectory(folder);
        WritePack(Path.Combine(folder, "train.pack"), training, recordSize, classes);
        WritePack(Path.Combine(folder, "validation.pack"), validation, recordSize, classes);
        var statistics = new TrainingStatistics(recordSize);
        for (int i = 0; i < training; i++) statistics.Add(Record(i, recordSize));
        DataFolder.Describe(folder, "made by a test", [.. Enumerable.Range(0, named ?? classes).Select(c => $"class{c}")], statistics).Write(folder);
        return DataFolder.Open(folder);
    }
}
