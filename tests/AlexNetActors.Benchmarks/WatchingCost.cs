using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using AlexNetActors.App;

namespace AlexNetActors.Benchmarks;

/// <summary>
/// What watching costs: the full network trained with nobody looking, and with the dashboard, one page that follows it, TensorBoard's files and a
/// collector of OpenTelemetry, in turn one of them first. Speeds of shared machines move by more than what is looked for, so two things are told, too:
/// the processor time that the process spends beside its compute threads, and how long those were ready to run and did not, which is what is lost to
/// all that shares the processors with them, the collector and the page included.
/// </summary>
static class WatchingCost
{
    /// <summary>Steps of a run, within an epoch; those before do not count: the runtime still compiles what they need.</summary>
    const int Steps = 33, WarmSteps = 16;

    static readonly TimeSpan RetryInterval = TimeSpan.FromMilliseconds(200), LookInterval = TimeSpan.FromSeconds(1);

    /// <param name="ImagesPerSecond">Median of the steady steps.</param>
    /// <param name="Beside">Share of the processors that threads other than those that compute took.</param>
    /// <param name="Held">Share of the time in which a compute thread could have run and waited for a processor.</param>
    readonly record struct Cost(double ImagesPerSecond, double Beside, double Held);

    /// <param name="args">A data set of 256-pixel records; how many rounds; a markdown file for the result.</param>
    public static int Run(string[] args)
    {
        if (args.Length != 3 || !int.TryParse(args[1], out int rounds) || rounds < 1)
        {
            Console.Error.WriteLine("expected: watching DATA ROUNDS OUT");
            return 2;
        }
        var (alone, watched) = (new List<Cost>(), new List<Cost>());
        for (int round = 1; round <= rounds; round++)
        {
            if (round % 2 == 0) watched.Add(Watched(args[0]));
            alone.Add(Measure(new TrainRun(args[0])));
            if (round % 2 == 1) watched.Add(Watched(args[0]));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"round {round}: alone {alone[^1].ImagesPerSecond:F2} images/s, beside {alone[^1].Beside:P2}, held up {alone[^1].Held:P2}; watched {watched[^1].ImagesPerSecond:F2}, {watched[^1].Beside:P2}, {watched[^1].Held:P2}"));
        }
        string report = Report(alone, watched);
        File.WriteAllText(args[2], report);
        Console.WriteLine(report);
        return 0;
    }

    static Cost Measure(TrainRun run)
    {
        using (run)
        {
            var (used, held) = (new Dictionary<string, long>(), new Dictionary<string, long>());
            (long Used, long Held, long At)? first = null;
            var last = (Used: 0L, Held: 0L, At: 0L);
            run.Train(Steps, Ours.AsBuilt, process =>
            {
                if (last.At != 0 && Stopwatch.GetElapsedTime(last.At) < LookInterval) return;
                Look(process, used, held);
                last = (used.Values.Sum(), held.Values.Sum(), Stopwatch.GetTimestamp());
                if (first is null && run.Steps().Count >= WarmSteps) first = last;
            });
            double seconds = Stopwatch.GetElapsedTime(first!.Value.At, last.At).TotalSeconds;
            return new Cost(
                Median.Of(run.Steps().Skip(WarmSteps).Select(s => s.ImagesPerSecond)),
                (last.Used - first.Value.Used) / 100.0 / seconds / Environment.ProcessorCount,
                (last.Held - first.Value.Held) / 1e9 / seconds / held.Count);
        }
    }

    /// <summary>What the threads have come to by now; one that has ended keeps what it was last seen with.</summary>
    /// <param name="process">Whose threads.</param>
    /// <param name="used">By those that do not compute: hundredths of a second, user and system.</param>
    /// <param name="held">Of those that do: nanoseconds in which they waited for a processor.</param>
    static void Look(int process, Dictionary<string, long> used, Dictionary<string, long> held)
    {
        try
        {
            foreach (string thread in Directory.EnumerateDirectories($"/proc/{process}/task"))
                if (File.ReadAllText(Path.Combine(thread, "comm")).StartsWith("compute", StringComparison.Ordinal))
                    held[thread] = long.Parse(File.ReadAllText(Path.Combine(thread, "schedstat")).Split(' ')[1]);
                else used[thread] = File.ReadAllText(Path.Combine(thread, "stat")).Split(") ")[1].Split(' ')[11..13].Sum(long.Parse);
        }
        catch (IOException)
        {
            // It has just ended.
        }
    }

    static Cost Watched(string data)
    {
        var (page, collector) = (FreePorts.Take(), FreePorts.Take());
        using var listener = new HttpListener { Prefixes = { $"http://127.0.0.1:{collector}/" } };
        listener.Start();
        using var end = new CancellationTokenSource();
        var taking = Take(listener);
        var following = Follow(page, end.Token);
        var cost = Measure(new TrainRun(data, "--dashboard", $"{page}", "--tensorboard", "--otlp", $"http://127.0.0.1:{collector}"));
        end.Cancel();
        listener.Stop();
        Task.WaitAll(taking, following);
        if (taking.Result == 0 || following.Result == 0) throw new InvalidOperationException($"the collector got {taking.Result} requests and the page {following.Result} bytes: nobody watched");
        return cost;
    }

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
        report.AppendLine(string.Create(CultureInfo.InvariantCulture, $"{Machine.Description}; full network, batch {FullNetwork.Batch}, real pictures, two towers on the processor; {alone.Count} alternating rounds, steps {WarmSteps + 1} to {Steps}, which is within an epoch. Watched: `--dashboard` with one page that follows it, `--tensorboard`, `--otlp` with a collector, all on the same cores."));
        report.AppendLine();
        report.AppendLine("| | median | rounds |");
        report.AppendLine("|---|---:|---|");
        report.AppendLine(Speeds("images/s, nobody looks", alone.Select(c => c.ImagesPerSecond), "F2"));
        report.AppendLine(Speeds("images/s, watched", watched.Select(c => c.ImagesPerSecond), "F2"));
        report.AppendLine(Speeds("watched / not, in a round", watched.Zip(alone, (w, a) => w.ImagesPerSecond / a.ImagesPerSecond), "F4"));
        report.AppendLine(Speeds("processor time beside computing, nobody looks", alone.Select(c => c.Beside), "P2"));
        report.AppendLine(Speeds("processor time beside computing, watched", watched.Select(c => c.Beside), "P2"));
        report.AppendLine(Speeds("compute threads ready and without a processor, nobody looks", alone.Select(c => c.Held), "P2"));
        report.AppendLine(Speeds("compute threads ready and without a processor, watched", watched.Select(c => c.Held), "P2"));
        report.AppendLine();
        report.AppendLine($"`dotnet run -c Release --project tests/AlexNetActors.Benchmarks -- watching DATA {alone.Count} OUT`");
        return report.ToString();
    }
}
