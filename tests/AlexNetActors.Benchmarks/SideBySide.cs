using System.Globalization;
using System.Text;
using AlexNetActors.App;

namespace AlexNetActors.Benchmarks;

/// <summary>What a contender reached in one round.</summary>
readonly record struct Sample(double ImagesPerSecond, double PeakMebibytes);

/// <summary>A program that does the same work as the others.</summary>
sealed record Contender(string Name, Func<Sample> Run);

/// <summary>Lets contenders run in turn, round by round, and tells their medians, ratios and memory: a machine's drift meets all of them.</summary>
static class SideBySide
{
    /// <param name="title">First line of the report.</param>
    /// <param name="conditions">What was measured and how.</param>
    /// <param name="contenders">Ours first.</param>
    /// <param name="rounds">How often each runs.</param>
    /// <param name="command">What makes this report.</param>
    /// <param name="output">A markdown file for the report.</param>
    public static void Run(string title, string conditions, IReadOnlyList<Contender> contenders, int rounds, string command, string output)
    {
        var samples = contenders.Select(_ => new List<Sample>()).ToArray();
        for (int round = 1; round <= rounds; round++)
            foreach (var (contender, found) in contenders.Zip(samples))
            {
                var sample = contender.Run();
                found.Add(sample);
                Console.WriteLine($"round {round}: {contender.Name}: {sample.ImagesPerSecond:F1} images/s, at most {sample.PeakMebibytes:F0} MiB");
            }

        var report = new StringBuilder();
        report.AppendLine($"# {title}");
        report.AppendLine();
        report.AppendLine($"{Machine.Description}; {rounds} alternating round{(rounds == 1 ? "" : "s")}. {conditions} Memory is the highest resident, mapped files included.");
        report.AppendLine();
        report.AppendLine("| | images/s, median | rounds | ours / this | in a round | memory, MiB |");
        report.AppendLine("|---|---|---|---|---|---|");
        foreach (var (contender, found) in contenders.Zip(samples)) report.AppendLine(Row(contender.Name, found, ours: samples[0]));
        report.AppendLine();
        report.AppendLine($"`dotnet run -c Release --project tests/AlexNetActors.Benchmarks -- {command}`");
        File.WriteAllText(output, report.ToString());
        Console.WriteLine(report);
    }

    static string Row(string name, List<Sample> found, List<Sample> ours)
    {
        double[] speeds = [.. found.Select(s => s.ImagesPerSecond)], ratios = [.. ours.Zip(found, (o, s) => o.ImagesPerSecond / s.ImagesPerSecond)];
        double median = Median.Of(speeds), ratio = Median.Of(ours.Select(s => s.ImagesPerSecond)) / median;
        string rounds = string.Join(", ", speeds.Select(s => s.ToString("F1", CultureInfo.InvariantCulture)));
        return string.Create(CultureInfo.InvariantCulture, $"| {name} | {median:F1} | {rounds} | {ratio:F2} | {ratios.Min():F2} to {ratios.Max():F2} | {found.Max(s => s.PeakMebibytes):F0} |");
    }
}
