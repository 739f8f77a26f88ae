using System.Globalization;
using System.Text;
using System.Text.Json;
using AlexNetActors.App;

namespace AlexNetActors.Benchmarks;

/// <summary>
/// What a snapshot costs: the full network in two processes, with snapshots and without, alternating. They are taken more often than by
/// default, so that what one costs stands out of the noise; the default's share is that cost over the default's steps.
/// </summary>
static class SnapshotCost
{
    const int Steps = 30, WarmSteps = 10, Interval = 5, FirstPort = 22032;

    /// <param name="args">A data set of 256-pixel records; how many rounds; a markdown file for the result.</param>
    public static int Run(string[] args)
    {
        if (args.Length != 3 || !int.TryParse(args[1], out int rounds) || rounds < 1)
        {
            Console.Error.WriteLine("expected: snapshots DATA ROUNDS OUT");
            return 2;
        }
        int standard = NodeSettings.Read(Settings.None).SnapshotSteps;
        var (without, with, shares) = (new List<double>(), new List<double>(), new List<double>());
        for (int round = 1; round <= rounds; round++)
        {
            without.Add(SecondsAStep(args[0], 0));
            with.Add(SecondsAStep(args[0], Interval));
            shares.Add((with[^1] - without[^1]) * Interval / (standard * without[^1]));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"round {round}: without {without[^1]:F3} s a step, one in {Interval} steps {with[^1]:F3} s; one in {standard} costs {shares[^1]:P2}"));
        }
        string report = Report(without, with, shares, rounds, standard);
        File.WriteAllText(args[2], report);
        Console.WriteLine(report);
        return 0;
    }

    /// <summary>The mean of whole intervals: a median would not see what happens in one step of several.</summary>
    static double SecondsAStep(string data, int snapshotSteps)
    {
        using var cluster = new ClusterRun(data, ($"127.0.0.1:{FirstPort}", $"127.0.0.1:{FirstPort + 1}"), _ => [], "--set", $"alexnet.snapshot-steps={snapshotSteps}");
        return cluster.Train(Steps).Skip(WarmSteps).Average(s => FullNetwork.Batch / s.GetProperty("imagesPerSecond").GetDouble());
    }

    static string Report(List<double> without, List<double> with, List<double> shares, int rounds, int standard)
    {
        static string Each(List<double> values, string format) => string.Join(", ", values.Select(v => v.ToString(format, CultureInfo.InvariantCulture)));
        var report = new StringBuilder();
        report.AppendLine("# What snapshots cost");
        report.AppendLine();
        report.AppendLine(string.Create(CultureInfo.InvariantCulture, $"{Machine.Description}; full network, batch {FullNetwork.Batch}, real pictures, one compute thread a tower, two processes on loopback; {rounds} alternating rounds, means of {Steps - WarmSteps} steps."));
        report.AppendLine();
        report.AppendLine("| | median | rounds |");
        report.AppendLine("|---|---:|---|");
        report.AppendLine(string.Create(CultureInfo.InvariantCulture, $"| s a step without snapshots | {Median.Of(without):F3} | {Each(without, "F3")} |"));
        report.AppendLine(string.Create(CultureInfo.InvariantCulture, $"| s a step with one every {Interval} steps | {Median.Of(with):F3} | {Each(with, "F3")} |"));
        report.AppendLine(string.Create(CultureInfo.InvariantCulture, $"| share of the time that one every {standard} steps, the default, takes | {Median.Of(shares):P2} | {Each(shares, "P2")} |"));
        report.AppendLine();
        report.AppendLine($"`dotnet run -c Release --project tests/AlexNetActors.Benchmarks -- snapshots DATA {rounds} OUT`");
        return report.ToString();
    }
}
