using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using AlexNetActors.App;

namespace AlexNetActors.Benchmarks;

/// <summary>
/// What watching costs: the full network trained with nobody looking, and with the dashboard, one page that follows it, TensorBoard's files and a
/// collector of OpenTelemetry. Speeds of shared machines drift within a minute by more than what is looked for, so both runs live all the while and take
/// short turns; who has none is stopped as a whole, by signal, for a run that nobody watches has no button to pause it.
/// </summary>
static partial class WatchingCost
{
    /// <summary>Steps of a turn, and those before the first: until then the runtime still compiles what they need.</summary>
    const int Steps = 5, FirstSteps = 40;

    static readonly TimeSpan RetryInterval = TimeSpan.FromMilliseconds(200), LookInterval = TimeSpan.FromMilliseconds(250), TurnMax = TimeSpan.FromMinutes(5);

    /// <param name="SecondsAStep">Mean of the turn's whole steps, but for those that follow a validation or a checkpoint.</param>
    /// <param name="Beside">Share of the processors that threads other than those that compute took.</param>
    /// <param name="Held">Share of the time in which a compute thread could have run and waited for a processor.</param>
    readonly record struct Cost(double SecondsAStep, double Beside, double Held);

    /// <param name="args">A data set of 256-pixel records; how many rounds; a markdown file for the result.</param>
    public static int Run(string[] args)
    {
        if (args.Length != 3 || !int.TryParse(args[1], out int rounds) || rounds < 1)
        {
            Console.Error.WriteLine("expected: watching DATA ROUNDS OUT");
            return 2;
        }
        var (page, collector) = (FreePorts.Take(), FreePorts.Take());
        using var listener = new HttpListener { Prefixes = { $"http://127.0.0.1:{collector}/" } };
        listener.Start();
        using var end = new CancellationTokenSource();
        var (taking, following) = (Take(listener), Follow(page, end.Token));
        var (alone, watched) = (new List<Cost>(), new List<Cost>());
        using (var inAlone = new TrainRun(args[0]))
        using (var inWatched = new TrainRun(args[0], "--dashboard", $"{page}", "--tensorboard", "--otlp", $"http://127.0.0.1:{collector}"))
        {
            foreach (var run in new[] { inAlone, inWatched })
            {
                run.Start(int.MaxValue);
                Turn(run, FirstSteps);
            }
            for (int round = 1; round <= rounds; round++)
            {
                if (round % 2 == 0) watched.Add(Turn(inWatched, Steps));
                alone.Add(Turn(inAlone, Steps));
                if (round % 2 == 1) watched.Add(Turn(inWatched, Steps));
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"round {round}: alone {alone[^1].SecondsAStep:F3} s a step, beside {alone[^1].Beside:P2}, held up {alone[^1].Held:P2}; watched {watched[^1].SecondsAStep:F3}, {watched[^1].Beside:P2}, {watched[^1].Held:P2}"));
            }
        }
        end.Cancel();
        listener.Stop();
        Task.WaitAll(taking, following);
        if (taking.Result == 0 || following.Result == 0) throw new InvalidOperationException($"the collector got {taking.Result} requests and the page {following.Result} bytes: nobody watched");
        string report = Report(alone, watched);
        File.WriteAllText(args[2], report);
        Console.WriteLine(report);
        return 0;
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
        var after = Look(run.ProcessId);
        return new Cost(seconds.Take(steps).Average(), (after.Used - before.Used) / 100.0 / turn / Environment.ProcessorCount, (after.Held - before.Held) / 1e9 / turn / after.Threads);
    }

    /// <summary>What each step took that follows another in the lines after so many: the time of the first has the stop in it.</summary>
    static double[] WholeSteps(TrainRun run, int had)
    {
        string[] turn = MetricsFile.WholeLines(run.Folder)[had..];
        return [.. turn.Zip(turn.Skip(1)).Where(pair => MetricsFile.IsStep(pair.First) && MetricsFile.IsStep(pair.Second)).Select(pair => FullNetwork.Batch / JsonDocument.Parse(pair.Second).RootElement.GetProperty("imagesPerSecond").GetDouble())];
    }

    /// <summary>What its threads have come to by now.</summary>
    /// <returns>By those that do not compute: hundredths of a second, user and system. Of those that do: nanoseconds in which they waited for a processor, and how many they are.</returns>
    static (long Used, long Held, int Threads) Look(int process)
    {
        var (used, held, threads) = (Ticks($"/proc/{process}"), 0L, 0);
        foreach (string thread in Directory.EnumerateDirectories($"/proc/{process}/task").Where(t => Read(t, "comm").StartsWith("compute", StringComparison.Ordinal)))
            (used, held, threads) = (used - Ticks(thread), held + long.Parse(Read(thread, "schedstat").Split(' ')[1]), threads + 1);
        return (used, held, threads);
    }

    /// <param name="of">A process, those of its threads that have ended included, or a thread.</param>
    static long Ticks(string of) => Read(of, "stat").Split(") ")[1].Split(' ')[11..13].Sum(long.Parse);

    /// <returns>Empty for a thread that has just ended.</returns>
    static string Read(string of, string what)
    {
        try
        {
            return File.ReadAllText(Path.Combine(of, what));
        }
        catch (IOException)
        {
            return "";
        }
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

    static string Report(List<Cost> alone, List<Cost> watched)
    {
        static string Each(IEnumerable<double> values, string format) => string.Join(", ", values.Select(v => v.ToString(format, CultureInfo.InvariantCulture)));
        string Speeds(string name, IEnumerable<double> values, string format) => string.Create(CultureInfo.InvariantCulture, $"| {name} | {Median.Of(values).ToString(format, CultureInfo.InvariantCulture)} | {Each(values, format)} |");
        var report = new StringBuilder();
        report.AppendLine("# What watching costs");
        report.AppendLine();
        report.AppendLine(string.Create(CultureInfo.InvariantCulture, $"{Machine.Description}; full network, batch {FullNetwork.Batch}, real pictures, two towers on the processor; two runs that live all the while and take {alone.Count} turns of {Steps} steps each, after {FirstSteps} first ones; means of a turn. Watched: `--dashboard` with one page that follows it, `--tensorboard`, `--otlp` with a collector, all on the same cores."));
        report.AppendLine();
        report.AppendLine("| | median | turns |");
        report.AppendLine("|---|---:|---|");
        report.AppendLine(Speeds("s a step, nobody looks", alone.Select(c => c.SecondsAStep), "F3"));
        report.AppendLine(Speeds("s a step, watched", watched.Select(c => c.SecondsAStep), "F3"));
        report.AppendLine(Speeds("throughput watched / not", watched.Zip(alone, (w, a) => a.SecondsAStep / w.SecondsAStep), "F3"));
        report.AppendLine(Speeds("processor time beside computing, nobody looks", alone.Select(c => c.Beside), "P2"));
        report.AppendLine(Speeds("processor time beside computing, watched", watched.Select(c => c.Beside), "P2"));
        report.AppendLine(Speeds("compute threads ready and without a processor, nobody looks", alone.Select(c => c.Held), "P2"));
        report.AppendLine(Speeds("compute threads ready and without a processor, watched", watched.Select(c => c.Held), "P2"));
        report.AppendLine();
        report.AppendLine($"`dotnet run -c Release --project tests/AlexNetActors.Benchmarks -- watching DATA {alone.Count} OUT`");
        return report.ToString();
    }
}
