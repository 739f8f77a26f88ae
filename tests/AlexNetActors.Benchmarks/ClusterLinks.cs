using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using AlexNetActors.App;

namespace AlexNetActors.Benchmarks;

/// <summary>
/// The two processes on two hosts (network namespaces with a cable between), at several rates of the cable: the time of a step against what
/// it cannot be under. Needs root, for tests/cluster-lab/netns.sh.
/// </summary>
static class ClusterLinks
{
    const int Steps = 30, WarmSteps = 15;
    static readonly string?[] Rates = [null, "10gbit", "1gbit"];

    /// <summary>What a cable of a nominal 1 Gbit/s carries of payload: TCP, IP and Ethernet headers take the rest.</summary>
    const double PayloadShare = 0.94;

    /// <param name="args">A data set of 256-pixel records; how many rounds; the repository's folder; a markdown file for the result.</param>
    public static int Run(string[] args)
    {
        if (args.Length != 4 || !int.TryParse(args[1], out int rounds) || rounds < 1)
        {
            Console.Error.WriteLine("expected: cluster-links DATA ROUNDS REPOSITORY OUT");
            return 2;
        }
        string script = Path.Combine(args[2], "tests", "cluster-lab", "netns.sh");
        var found = Rates.Select(_ => (Seconds: new List<double>(), Steps: new List<JsonElement>())).ToArray();
        Netns(script, "up", "2");
        try
        {
            for (int round = 1; round <= rounds; round++)
                for (int r = 0; r < Rates.Length; r++)
                {
                    foreach (string host in new[] { "1", "2" })
                        if (Rates[r] is { } rate) Netns(script, "rate", host, rate);
                        else Netns(script, "norate", host);
                    using var cluster = new ClusterRun(args[0], ("10.20.12.1:2012", "10.20.12.2:2012"), host => [script, "exec", $"{host + 1}"], "--unencrypted");
                    var steady = cluster.Train(Steps).Skip(WarmSteps).ToArray();
                    found[r].Seconds.Add(Median.Of(steady.Select(s => FullNetwork.Batch / s.GetProperty("imagesPerSecond").GetDouble())));
                    found[r].Steps.AddRange(steady);
                    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"round {round}: {Rates[r] ?? "as fast as memory"}: {found[r].Seconds[^1]:F3} s a step"));
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

    static void Netns(string script, params string[] arguments)
    {
        using var process = Process.Start(script, arguments);
        process.WaitForExit();
        if (process.ExitCode != 0) throw new InvalidOperationException($"{script} {string.Join(' ', arguments)} ended with {process.ExitCode}");
    }

    static string Report((List<double> Seconds, List<JsonElement> Steps)[] found, int rounds)
    {
        double compute = Median.Of(found[0].Steps.Select(s => s.GetProperty("towers").EnumerateArray().Max(t => t.GetProperty("computeMs").GetDouble()))) / 1000;
        double rest = Median.Of(found[0].Seconds) - compute; // of a step with a cable that costs nothing: what the towers wait for each other and the coordinator
        var report = new StringBuilder();
        report.AppendLine("# Two hosts and a cable");
        report.AppendLine();
        report.AppendLine(string.Create(CultureInfo.InvariantCulture, $"{Machine.Description}; full network, batch {FullNetwork.Batch}, real pictures, one compute thread a tower; {rounds} alternating rounds of {Steps - WarmSteps} steady steps; medians. Coordinator, loader and tower A on one host, tower B on the other; the cable's rate by tc."));
        report.AppendLine(string.Create(CultureInfo.InvariantCulture, $"The bound: the slower of computing ({compute:F3} s) and all that crosses the cable one way ({BytesOneWay / 1e6:F1} MB: exchanges and tower B's batch), and to computing is added what cannot overlap: the gathers, which nothing hides, and what is lost with any cable ({rest:F3} s: the towers wait for each other and for the coordinator)."));
        report.AppendLine();
        report.AppendLine("| cable | s a step | rounds | bound s | measured / bound |");
        report.AppendLine("|---|---|---|---|---|");
        foreach (var ((seconds, _), rate) in found.Zip(Rates))
        {
            double measured = Median.Of(seconds), bound = Bound(compute, rest, rate);
            string each = string.Join(", ", seconds.Select(s => s.ToString("F3", CultureInfo.InvariantCulture)));
            report.AppendLine(string.Create(CultureInfo.InvariantCulture, $"| {rate ?? "as fast as memory"} | {measured:F3} | {each} | {bound:F3} | {measured / bound:F3} |"));
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

    static double Bound(double compute, double rest, string? rate)
    {
        if (rate is null) return compute + rest;
        double bytesPerSecond = double.Parse(rate.Replace("gbit", ""), CultureInfo.InvariantCulture) * 1e9 / 8 * PayloadShare;
        return Math.Max(compute + FullNetwork.GatherBytes / bytesPerSecond + rest, BytesOneWay / bytesPerSecond);
    }
}
