using System.Diagnostics;
using System.Globalization;
using AlexNetActors.Data;

namespace AlexNetActors.Tests.Data;

/// <summary>Tests that measure the whole process and so run alone.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public class Alone;

/// <summary>
/// Odd and broken files, as pictures from the wild are, written by tests/fixtures/odd_files.py: none may crash or bloat a preparation, and what
/// is a picture comes out upright and in its colours, as another decoder (Pillow 9.4) sees it.
/// </summary>
[Collection(nameof(Alone))]
public class OddFilesTests(ITestOutputHelper output)
{
    const int RecordSize = 64;
    const long MemoryMax = 1L << 30;
    const double ToleranceOfMeans = 1.5; // grey levels: Pillow rounds CMYK otherwise, cuts quarters between pixels, and does not shrink while it decodes

    static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "fixtures", "odd");

    /// <summary>What is no picture, or not the whole of one, and the reason in the report. Everything else must decode.</summary>
    static readonly Dictionary<string, string> Skipped = new()
    {
        ["12_bits.jpg"] = "12 bits",
        ["lossless.jpg"] = "lossless",
        ["hierarchical.jpg"] = "hierarchical",
        ["cut_60.JPEG"] = "cut short",
        ["cut_by_two.jpg"] = "cut short",
        ["cut_in_header.jpg"] = "header is damaged",
        ["cut.png"] = "cut short",
        ["damaged.png"] = "damaged",
        ["empty.JPEG"] = "empty",
        ["html_named.JPEG"] = "HTML",
        ["tiff_named.jpg"] = "not a picture in a known format",
        ["header_bomb.jpg"] = "65500 x 65500",
        ["header_bomb.png"] = "65500 x 65500",
        ["no_height.jpg"] = "0 pixels",
    };

    [Fact]
    public void NoneCrashesOrTakesMuchMemoryAndPicturesAreWhatAnotherDecoderSees()
    {
        string[][] rows = [.. File.ReadLines(Path.Combine(Folder, "expected.tsv")).Skip(1).Select(line => line.Split('\t'))];
        Assert.Equal(Directory.GetFiles(Folder).Select(Path.GetFileName).Order(), rows.Select(row => row[0]).Append("expected.tsv").Order());
        using var decoder = new ImageDecoder(RecordSize);
        byte[] record = new byte[RecordSize * RecordSize * 3];
        long before = ResetPeak();
        Assert.All(rows, row =>
        {
            string? reason = decoder.Decode(File.ReadAllBytes(Path.Combine(Folder, row[0])), record);
            output.WriteLine($"{row[0]}: {reason ?? string.Join(' ', Means(record).Select(m => m.ToString("F1")))}");
            if (Skipped.TryGetValue(row[0], out string? expected)) Assert.Contains(expected, Assert.IsType<string>(reason));
            else Assert.All(Means(record).Zip(row[3..].Select(mean => double.Parse(mean, CultureInfo.InvariantCulture)), (ours, theirs) => ours - theirs), off => Assert.InRange(off, -ToleranceOfMeans, ToleranceOfMeans));
        });
        long grown = Process.GetCurrentProcess().PeakWorkingSet64 - before;
        output.WriteLine($"peak memory {grown >> 20} MiB above the start");
        Assert.InRange(grown, 0, MemoryMax);
    }

    /// <summary>Of red, green and blue in the record's quarters: top left, top right, bottom left, bottom right.</summary>
    static double[] Means(byte[] record)
    {
        const int Half = RecordSize / 2;
        var pixels = Enumerable.Range(0, Half * Half);
        return [.. from quarter in Enumerable.Range(0, 4) from c in Enumerable.Range(0, 3)
            select pixels.Average(i => record[3 * ((quarter / 2 * Half + i / Half) * RecordSize + quarter % 2 * Half + i % Half) + c])];
    }

    /// <summary>Lets the peak begin at the present size, where the system can.</summary>
    static long ResetPeak()
    {
        if (!OperatingSystem.IsLinux()) return 0;
        File.WriteAllText("/proc/self/clear_refs", "5");
        return Process.GetCurrentProcess().WorkingSet64;
    }
}
