using System.Diagnostics;
using System.Runtime.CompilerServices;
using AlexNetActors.Data;

namespace AlexNetActors.Tests.Data;

/// <summary>Tests that measure the whole process and so run alone.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public class Alone;

/// <summary>Forty odd and broken files from the wild, where they are at hand: none may crash, hang or bloat a preparation.</summary>
[Collection(nameof(Alone))]
public class OddFilesTests(ITestOutputHelper output)
{
    const int RecordSize = 256;
    const long MemoryMax = 1L << 30;
    static readonly TimeSpan OneFileMax = TimeSpan.FromSeconds(20);

    /// <summary>What is no picture, or not the whole of one. Everything else must decode.</summary>
    static readonly Dictionary<string, string> Skipped = new()
    {
        ["24_12bit.jpg"] = "12 bits",
        ["25_lossless_sof3.jpg"] = "lossless",
        ["32_truncated_60pct.JPEG"] = "cut short",
        ["33_truncated_pillow.jpg"] = "cut short",
        ["34_truncated.png"] = "cut short",
        ["35_broken_data_stream.png"] = "damaged",
        ["36_zero_bytes.JPEG"] = "empty",
        ["37_html_named.JPEG"] = "HTML",
        ["39_header_bomb_65500.jpg"] = "65535 x 65535",
        ["40_null_height.jpg"] = "0 x 800",
    };

    [Fact]
    public void NoneCrashesHangsOrTakesMuchMemory()
    {
        string folder = Folder();
        using var decoder = new ImageDecoder(RecordSize);
        byte[] record = new byte[RecordSize * RecordSize * 3];
        long before = ResetPeak();
        foreach (string[] row in File.ReadLines(Path.Combine(folder, "expected.tsv")).Skip(1).Select(line => line.Split('\t')))
        {
            byte[] file = File.ReadAllBytes(Path.Combine(folder, row[0]));
            var clock = Stopwatch.StartNew();
            string? reason = decoder.Decode(file, record);
            Assert.True(clock.Elapsed < OneFileMax, row[0]);
            var mean = Enumerable.Range(0, 3).Select(c => Enumerable.Range(0, RecordSize * RecordSize).Average(i => record[3 * i + c])).ToArray();
            output.WriteLine($"{row[0]}: {reason ?? string.Join(" ", mean.Select(m => m.ToString("F1")))}");
            Assert.Equal(Skipped.ContainsKey(row[0]), reason is not null);
            if (reason is not null) Assert.Contains(Skipped[row[0]], reason);
            else if (row[4] is not ("RGBA" or "P") && row[5] == row[6]) AssertMean(row, mean);
        }
        long grown = Process.GetCurrentProcess().PeakWorkingSet64 - before;
        output.WriteLine($"peak memory {grown >> 20} MiB above the start");
        Assert.InRange(grown, 0, MemoryMax);
    }

    /// <summary>Lets the peak begin at the present size, where the system can.</summary>
    static long ResetPeak()
    {
        if (!OperatingSystem.IsLinux()) return 0;
        File.WriteAllText("/proc/self/clear_refs", "5");
        return Process.GetCurrentProcess().WorkingSet64;
    }

    /// <summary>Square files lose nothing to the crop, so their mean is that of another decoder (Pillow 9.4), CMYK included.</summary>
    static void AssertMean(string[] row, double[] mean)
    {
        for (int c = 0; c < 3; c++) Assert.InRange(mean[c] - double.Parse(row[8 + c]), -1, 1);
    }

    static string Folder([CallerFilePath] string here = "")
    {
        string folder = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "..", "..", "shared", "data", "odd"));
        if (!Directory.Exists(folder)) Assert.Skip($"the odd files are not at {folder}");
        return folder;
    }
}
