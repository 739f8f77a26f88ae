using System.Globalization;
using System.Text;
using AlexNetActors.App;

namespace AlexNetActors.Benchmarks;

/// <summary>
/// What a snapshot costs: the full network in two processes, with snapshots and without, two runs that live all the while and take turns. They are taken
/// more often than by default, so that what one costs stands out of the noise; the default's share is that cost over the default's steps.
/// </summary>
static class SnapshotCost
{
    const int FirstSteps = 15, Steps = 10, Interval = 5, FirstPort = 22032;

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
        using var plain = Start(args[0], FirstPort, 0);
        using var inPlain = Turns(plain);
        using var saving = Start(args[0], FirstPort + 2, Interval);
        using var inSaving = Turns(saving);
        for (int round = 1; round <= rounds; round++)
        {
            if (round % 2 == 0) with.Add(SecondsAStep(inSaving));
            without.Add(SecondsAStep(inPlain));
            if (round % 2 == 1) with.Add(SecondsAStep(inSaving));
            shares.Add((with[^1] - without[^1]) * Interval / (standard * without[^1]));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"round {round}: without {without[^1]:F3} s a step, one in {Interval} steps {with[^1]:F3} s; one in {standard} costs {shares[^1]:P2}"));
        }
        string report = Report(without, with, shares, rounds, standard);
        File.WriteAllText(args[2], report);
        Console.WriteLine(report);
        return 0;
    }

    static ClusterRun Start(string data, int port, int snapshotSteps)
    {
        var cluster = new ClusterRun(data, ($"127.0.0.1:{port}", $"127.0.0.1:{port + 1}"), _ => [], "--set", $"alexnet.snapshot-steps={snapshotSteps}");
        cluster.Start(int.MaxValue, "--dashboard", "0");
        return cluster;
    }

    static TurnRun Turns(ClusterRun cluster)
    {
        var run = new TurnRun(cluster.Logs[0], cluster.Folder);
        run.Turn(FirstSteps);
        return run;
    }

    /// <summary>
    /// The mean, as a median would not see what happens in one step of several; of <see cref="Steps"/> that follow each other, as those hold their share of
    /// snapshots wherever they begin: the first of a turn, which is not among them, may have one, and the pause after the last, too.
    /// </summary>
    static double SecondsAStep(TurnRun run) => run.Turn(Steps + 1).Take(Steps).Average(s => FullNetwork.Batch / s.GetProperty("imagesPerSecond").GetDouble());

    static string Report(List<double> without, List<double> with, List<double> shares, int rounds, int standard)
    {
        static string Each(List<double> values, string format) => string.Join(", ", values.Select(v => v.ToString(format, CultureInfo.InvariantCulture)));
        var report = new StringBuilder();
        report.AppendLine("# What snapshots cost");
        report.AppendLine();
        report.AppendLine(string.Create(CultureInfo.InvariantCulture, $"{Machine.Description}; full network, batch {FullNetwork.Batch}, real pictures, one compute thread a tower, two processes on loopback; two runs that live all the while and take {rounds} turns of {Steps} steps; means of a turn."));
        report.AppendLine();
        report.AppendLine("| | median | turns |");
        report.AppendLine("|---|---:|---|");
        report.AppendLine(string.Create(CultureInfo.InvariantCulture, $"| s a step without snapshots | {Median.Of(without):F3} | {Each(without, "F3")} |"));
        report.AppendLine(string.Create(CultureInfo.InvariantCulture, $"| s a step with one every {Interval} steps | {Median.Of(with):F3} | {Each(with, "F3")} |"));
        report.AppendLine(string.Create(CultureInfo.InvariantCulture, $"| share of the time that one every {standard} steps, the default, takes | {Median.Of(shares):P2} | {Each(shares, "P2")} |"));
        report.AppendLine();
        report.AppendLine($"`dotnet run -c Release --project tests/AlexNetActors.Benchmarks -- snapshots DATA {rounds} OUT`");
        return report.ToString();
    }
}
