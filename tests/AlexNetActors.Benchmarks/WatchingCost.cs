using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using System.Text;
using AlexNetActors.App;

namespace AlexNetActors.Benchmarks;

/// <summary>
/// What watching costs: the full network trained with nobody looking, and with the dashboard, one page that follows it, TensorBoard's files and a
/// collector of OpenTelemetry. Speeds of shared machines drift within a minute by more than what is looked for, so two runs live side by side and take
/// short turns; who has none is stopped as a whole, by signal, for a run that nobody watches has no button to pause it. And two processes of the same
/// program differ by a percent or two for as long as they live, so there are several pairs, in turn one of them started first.
/// </summary>
static partial class WatchingCost
{
    const int Turns = 4, Steps = 5;

    static readonly TimeSpan RetryInterval = TimeSpan.FromMilliseconds(200), LookInterval = TimeSpan.FromMilliseconds(250), TurnMax = TimeSpan.FromMinutes(5);

    /// <param name="SecondsAStep">Mean of the whole steps, but for those that follow a validation or a checkpoint.</param>
    /// <param name="Beside">Share of the processors that threads other than those that compute took.</param>
    /// <param name="Held">Share of the time in which a compute thread could have run and waited for a processor.</param>
    readonly record struct Cost(double SecondsAStep, double Beside, double Held)
    {
        public static Cost Mean(IReadOnlyList<Cost> turns) => new(turns.Average(c => c.SecondsAStep), turns.Average(c => c.Beside), turns.Average(c => c.Held));
    }

    /// <param name="args">
    /// A data set of 256-pixel records; how many pairs; steps of each run before its first turn, 40 if what a process does only in its first minute is not
    /// to count; a markdown file for the result.
    /// </param>
    public static int Run(string[] args)
    {
        if (args.Length != 4 || !int.TryParse(args[1], out int pairs) || pairs < 1 || !int.TryParse(args[2], out int firstSteps) || firstSteps < 1)
        {
            Console.Error.WriteLine("expected: watching DATA PAIRS FIRST OUT");
            return 2;
        }
        var (alone, watched) = (new List<Cost>(), new List<Cost>());
        for (int pair = 1; pair <= pairs; pair++)
        {
            var (one, other) = Pair(args[0], firstSteps, watchedFirst: pair % 2 == 0);
            alone.Add(one);
            watched.Add(other);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"pair {pair}: alone {one.SecondsAStep:F3} s a step, beside {one.Beside:P2}, held up {one.Held:P2}; watched {other.SecondsAStep:F3}, {other.Beside:P2}, {other.Held:P2}"));
        }
        string report = Report(alone, watched, firstSteps);
        File.WriteAllText(args[3], report);
        Console.WriteLine(report);
        return 0;
    }

    static (Cost Alone, Cost Watched) Pair(string data, int firstSteps, bool watchedFirst)
    {
        var (page, collector) = (FreePorts.Take(), FreePorts.Take());
        using var listener = new HttpListener { Prefixes = { $"http://127.0.0.1:{collector}/" } };
        listener.Start();
        using var end = new CancellationTokenSource();
        var (taking, following) = (Take(listener), Follow(page, end.Token));
        var (alone, watched) = (new List<Cost>(), new List<Cost>());
        using (var inAlone = new TrainRun(data))
        using (var inWatched = new TrainRun(data, "--dashboard", $"{page}", "--tensorboard", "--otlp", $"http://127.0.0.1:{collector}"))
        {
            (TrainRun Run, List<Cost> Costs)[] order = watchedFirst ? [(inWatched, watched), (inAlone, alone)] : [(inAlone, alone), (inWatched, watched)];
            foreach (var (run, _) in order)
            {
                run.Start(int.MaxValue);
                Turn(run, firstSteps);
            }
            for (int turn = 0; turn < Turns; turn++, Array.Reverse(order))
                foreach (var (run, costs) in order)
                    costs.Add(Turn(run, Steps));
        }
        end.Cancel();
        listener.Stop();
        Task.WaitAll(taking, following);
        if (taking.Result == 0 || following.Result == 0) throw new InvalidOperationException($"the collector got {taking.Result} requests and the page {following.Result} bytes: nobody watched");
        return (Cost.Mean(alone), Cost.Mean(watched));
    }

    static Cost Turn(TrainRun run, int steps)
    {
        int had = MetricsFile.WholeLines(run.Folder).Length;
        var before = Look(run.ProcessId);
        long start = Stopwatch.GetTimestamp();
        Signal(run.ProcessId, Continue);
        double[] seconds;
        while ((seconds = WholeSteps(run, had)).Length < steps)
        {
            if (Stopwatch.GetElapsedTime(start) > TurnMax) throw new TimeoutException($"waited {TurnMax} for {steps} steps of {run.Folder}");
            Thread.Sleep(LookInterval);
        }
        Signal(run.ProcessId, Stop);
        double turn = Stopwatch.GetElapsedTime(start).TotalSeconds;
        var spent = Look(run.ProcessId).Select(t => (t.Value.Computes, Used: t.Value.Used - before.GetValueOrDefault(t.Key).Used, Held: t.Value.Held - before.GetValueOrDefault(t.Key).Held)).ToLookup(t => t.Computes);
        return new Cost(seconds.Take(steps).Average(), spent[false].Sum(t => t.Used) / 1e9 / turn / Environment.ProcessorCount, spent[true].Average(t => t.Held) / 1e9 / turn);
    }

    /// <summary>What each step took that follows another in the lines after so many: the time of the first has the stop in it.</summary>
    static double[] WholeSteps(TrainRun run, int had) =>
        [.. MetricsFile.StepsAfterSteps(MetricsFile.WholeLines(run.Folder)[had..]).Select(s => FullNetwork.Batch / s.GetProperty("imagesPerSecond").GetDouble())];

    /// <summary>What each thread that lives has come to by now, in nanoseconds, as the scheduler has it: its clock's ticks do not see what is shorter than they are.</summary>
    static Dictionary<string, (bool Computes, long Used, long Held)> Look(int process)
    {
        var threads = new Dictionary<string, (bool, long, long)>();
        foreach (string thread in Directory.EnumerateDirectories($"/proc/{process}/task"))
            try
            {
                bool computes = File.ReadAllText(Path.Combine(thread, "comm")).StartsWith("compute", StringComparison.Ordinal);
                long[] spent = [.. File.ReadAllText(Path.Combine(thread, "schedstat")).Split(' ').Select(long.Parse)];
                threads[thread] = (computes, spent[0], spent[1]);
            }
            catch (IOException)
            {
                // It has just ended.
            }
        return threads;
    }

    const int Continue = 18, Stop = 19;

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Signal(int process, int signal);

    /// <returns>How many requests came.</returns>
    static async Task<int> Take(HttpListener listener)
    {
        for (int requests = 0; ; requests++)
            try
            {
                var context = await listener.GetContextAsync();
                await context.Request.InputStream.CopyToAsync(Stream.Null);
                context.Response.Close();
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException) // it was stopped
            {
                return requests;
            }
    }

    /// <summary>What an open page asks for: all events, from when the server is up.</summary>
    /// <returns>Bytes that came.</returns>
    static async Task<long> Follow(int port, CancellationToken end)
    {
        using var http = new HttpClient();
        long bytes = 0;
        var buffer = new byte[64 * 1024];
        while (!end.IsCancellationRequested)
            try
            {
                await using var events = await http.GetStreamAsync($"http://127.0.0.1:{port}/api/events", end);
                while (await events.ReadAsync(buffer, end) is > 0 and int read) bytes += read;
            }
            catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
            {
                await Task.Delay(RetryInterval, CancellationToken.None); // not up yet, or not any more
            }
        return bytes;
    }

    static string Report(List<Cost> alone, List<Cost> watched, int firstSteps)
    {
        static string Each(IEnumerable<double> values, string format) => string.Join(", ", values.Select(v => v.ToString(format, CultureInfo.InvariantCulture)));
        string Speeds(string name, IEnumerable<double> values, string format) => string.Create(CultureInfo.InvariantCulture, $"| {name} | {Median.Of(values).ToString(format, CultureInfo.InvariantCulture)} | {Each(values, format)} |");
        var report = new StringBuilder();
        report.AppendLine("# What watching costs");
        report.AppendLine();
        report.AppendLine(string.Create(CultureInfo.InvariantCulture, $"{Machine.Description}; full network, batch {FullNetwork.Batch}, real pictures, two towers on the processor; {alone.Count} pairs of runs that live side by side and take {Turns} turns of {Steps} steps each, after {firstSteps} first ones; means of a run. Watched: `--dashboard` with one page that follows it, `--tensorboard`, `--otlp` with a collector, all on the same cores."));
        report.AppendLine();
        report.AppendLine("| | median | pairs |");
        report.AppendLine("|---|---:|---|");
        report.AppendLine(Speeds("s a step, nobody looks", alone.Select(c => c.SecondsAStep), "F3"));
        report.AppendLine(Speeds("s a step, watched", watched.Select(c => c.SecondsAStep), "F3"));
        report.AppendLine(Speeds("throughput watched / not", watched.Zip(alone, (w, a) => a.SecondsAStep / w.SecondsAStep), "F3"));
        report.AppendLine(Speeds("processor time beside computing, nobody looks", alone.Select(c => c.Beside), "P2"));
        report.AppendLine(Speeds("processor time beside computing, watched", watched.Select(c => c.Beside), "P2"));
        report.AppendLine(Speeds("compute threads ready and without a processor, nobody looks", alone.Select(c => c.Held), "P2"));
        report.AppendLine(Speeds("compute threads ready and without a processor, watched", watched.Select(c => c.Held), "P2"));
        report.AppendLine();
        report.AppendLine($"`dotnet run -c Release --project tests/AlexNetActors.Benchmarks -- watching DATA {alone.Count} {firstSteps} OUT`");
        return report.ToString();
    }
}
