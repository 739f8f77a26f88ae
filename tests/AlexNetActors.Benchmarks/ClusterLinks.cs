using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using AlexNetActors.App;

namespace AlexNetActors.Benchmarks;

/// <summary>
/// The two processes on two hosts (network namespaces with a cable between), at several rates of the cable: the time of a step against what
/// it cannot be under. One run lives all the while, and its cable takes turns of a few steps at each rate, since the speed of shared machines
/// drifts within a minute. Needs root, for tests/cluster-lab/netns.sh.
/// </summary>
static class ClusterLinks
{
    /// <summary>Steps of a turn, and those of them that do not count: the cable is another than before.</summary>
    const int Steps = 8, WarmSteps = 3;

    /// <summary>The runtime still compiles what they need.</summary>
    const int FirstSteps = 15;

    static readonly TimeSpan TurnMax = TimeSpan.FromMinutes(5), LookInterval = TimeSpan.FromMilliseconds(100);
    static readonly string?[] Rates = [null, "10gbit", "1gbit"];

    /// <summary>What a cable of a nominal 1 Gbit/s carries of payload: TCP, IP and Ethernet headers take the rest.</summary>
    const double PayloadShare = 0.94;

    /// <summary>Seconds of a step, of the slower tower's computing in it, and what it cannot be under, all of one turn.</summary>
    readonly record struct Turn(double Seconds, double Compute, double Bound);

    /// <param name="args">A data set of 256-pixel records; how many rounds; the repository's folder; a markdown file for the result.</param>
    public static int Run(string[] args)
    {
        if (args.Length != 4 || !int.TryParse(args[1], out int rounds) || rounds < 1)
        {
            Console.Error.WriteLine("expected: cluster-links DATA ROUNDS REPOSITORY OUT");
            return 2;
        }
        string script = Path.Combine(args[2], "tests", "cluster-lab", "netns.sh");
        var found = Rates.Select(_ => (Turns: new List<Turn>(), Steps: new List<JsonElement>())).ToArray();
        Netns(script, "up", "2");
        try
        {
            using var cluster = new ClusterRun(args[0], ("10.20.12.1:2012", "10.20.12.2:2012"), host => [script, "exec", $"{host + 1}"], "--unencrypted");
            cluster.Start(int.MaxValue);
            Next(cluster, FirstSteps);
            for (int round = 1; round <= rounds; round++)
            {
                Turn free = default;
                for (int r = 0; r < Rates.Length; r++)
                {
                    foreach (string host in new[] { "1", "2" })
                        if (Rates[r] is { } rate) Netns(script, "rate", host, rate);
                        else Netns(script, "norate", host);
                    JsonElement[] steady = [.. Next(cluster, Steps).Skip(WarmSteps)];
                    found[r].Steps.AddRange(steady);
                    var turn = new Turn(SecondsOf(steady), ComputeOf(steady), 0);
                    if (Rates[r] is null) free = turn;
                    turn = turn with { Bound = Bound(free, Rates[r]) };
                    found[r].Turns.Add(turn);
                    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"round {round}: {Rates[r] ?? "as fast as memory"}: {turn.Seconds:F3} s a step, bound {turn.Bound:F3} s"));
                }
            }
        }
        finally
        {
            Netns(script, "down");
        }
        string report = Report(found, rounds);
        File.WriteAllText(args[3], report);
        Console.WriteLine(report);
        return 0;
    }

    /// <returns>The metrics of the next steps to end.</returns>
    static IEnumerable<JsonElement> Next(ClusterRun cluster, int steps)
    {
        int had = cluster.Steps().Length;
        for (long start = Stopwatch.GetTimestamp(); cluster.Steps().Length < had + steps; Thread.Sleep(LookInterval))
            if (Stopwatch.GetElapsedTime(start) > TurnMax) throw new TimeoutException($"waited {TurnMax} for {steps} steps: {string.Concat(cluster.Logs.Select(MetricsFile.ReadShared))}");
        return cluster.Steps().Skip(had).Take(steps);
    }

    static double SecondsOf(JsonElement[] steps) => Median.Of(steps.Select(s => FullNetwork.Batch / s.GetProperty("imagesPerSecond").GetDouble()));

    static double ComputeOf(JsonElement[] steps) => Median.Of(steps.Select(s => s.GetProperty("towers").EnumerateArray().Max(t => t.GetProperty("computeMs").GetDouble()))) / 1000;

    static void Netns(string script, params string[] arguments)
    {
        using var process = Process.Start(script, arguments);
        process.WaitForExit();
        if (process.ExitCode != 0) throw new InvalidOperationException($"{script} {string.Join(' ', arguments)} ended with {process.ExitCode}");
    }

    static string Report((List<Turn> Turns, List<JsonElement> Steps)[] found, int rounds)
    {
        double compute = Median.Of(found[0].Turns.Select(t => t.Compute)), rest = Median.Of(found[0].Turns.Select(t => t.Seconds - t.Compute));
        var report = new StringBuilder();
        report.AppendLine("# Two hosts and a cable");
        report.AppendLine();
        report.AppendLine(string.Create(CultureInfo.InvariantCulture, $"{Machine.Description}; full network, batch {FullNetwork.Batch}, real pictures, one compute thread a tower; coordinator, loader and tower A on one host, tower B on the other; the cable's rate by tc. One run, whose cable takes {rounds} turns of {Steps} steps at each rate, of which the first {WarmSteps} do not count; medians."));
        report.AppendLine(string.Create(CultureInfo.InvariantCulture, $"The bound, from the same round's turn with a cable as fast as memory: the slower of computing ({compute:F3} s) and all that crosses the cable one way ({BytesOneWay / 1e6:F1} MB: exchanges and tower B's batch), and to computing is added what cannot overlap: the gathers, which nothing hides, and what is lost with any cable ({rest:F3} s: the towers wait for each other and for the coordinator)."));
        report.AppendLine();
        report.AppendLine("| cable | s a step | turns | bound s | measured / bound in a round |");
        report.AppendLine("|---|---|---|---|---|");
        foreach (var ((turns, _), rate) in found.Zip(Rates))
        {
            string each = string.Join(", ", turns.Select(t => t.Seconds.ToString("F3", CultureInfo.InvariantCulture)));
            double[] ratios = [.. turns.Select(t => t.Seconds / t.Bound)];
            report.AppendLine(string.Create(CultureInfo.InvariantCulture, $"| {rate ?? "as fast as memory"} | {Median.Of(turns.Select(t => t.Seconds)):F3} | {each} | {Median.Of(turns.Select(t => t.Bound)):F3} | {Median.Of(ratios):F3} ({ratios.Min():F3} to {ratios.Max():F3}) |"));
        }
        foreach (var ((_, steps), rate) in found.Zip(Rates).Skip(1))
        {
            report.AppendLine();
            report.AppendLine($"The time line of a step at {rate}, milliseconds from its beginning, medians:");
            report.AppendLine();
            report.Append(FullNetwork.TimeLine(steps));
        }
        report.AppendLine();
        report.AppendLine($"`dotnet run -c Release --project tests/AlexNetActors.Benchmarks -- cluster-links DATA {rounds} REPOSITORY OUT`");
        return report.ToString();
    }

    /// <summary>Exchanges forward and backward, and the batch of the tower that is not with the loader.</summary>
    static long BytesOneWay => FullNetwork.GatherBytes + FullNetwork.SumBytes + FullNetwork.BatchBytes;

    /// <param name="free">The turn of the same round with a cable that costs nothing.</param>
    /// <param name="rate">Of the cable.</param>
    static double Bound(Turn free, string? rate)
    {
        if (rate is null) return free.Seconds;
        double bytesPerSecond = double.Parse(rate.Replace("gbit", ""), CultureInfo.InvariantCulture) * 1e9 / 8 * PayloadShare;
        return Math.Max(free.Seconds + FullNetwork.GatherBytes / bytesPerSecond, BytesOneWay / bytesPerSecond);
    }
}
