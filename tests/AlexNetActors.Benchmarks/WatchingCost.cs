using System.Globalization;
using System.Net;
using System.Text;
using AlexNetActors.App;

namespace AlexNetActors.Benchmarks;

/// <summary>
/// What watching costs: the full network trained with nobody looking, and with the dashboard, one page that follows it, TensorBoard's files and a
/// collector of OpenTelemetry, alternating.
/// </summary>
static class WatchingCost
{
    static readonly TimeSpan RetryInterval = TimeSpan.FromMilliseconds(200);

    /// <param name="args">A data set of 256-pixel records; how many rounds; a markdown file for the result.</param>
    public static int Run(string[] args)
    {
        if (args.Length != 3 || !int.TryParse(args[1], out int rounds) || rounds < 1)
        {
            Console.Error.WriteLine("expected: watching DATA ROUNDS OUT");
            return 2;
        }
        var (alone, watched) = (new List<double>(), new List<double>());
        for (int round = 1; round <= rounds; round++)
        {
            alone.Add(ImagesPerSecond(new TrainRun(args[0])));
            watched.Add(Watched(args[0]));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"round {round}: alone {alone[^1]:F2} images/s, watched {watched[^1]:F2}, {watched[^1] / alone[^1]:F4}"));
        }
        string report = Report(alone, watched);
        File.WriteAllText(args[2], report);
        Console.WriteLine(report);
        return 0;
    }

    static double ImagesPerSecond(TrainRun run)
    {
        using (run)
        {
            run.Train(Ours.Steps, Ours.AsBuilt);
            return Median.Of(run.Steps().Skip(Ours.WarmSteps).Select(s => s.ImagesPerSecond));
        }
    }

    static double Watched(string data)
    {
        var (page, collector) = (FreePorts.Take(), FreePorts.Take());
        using var listener = new HttpListener { Prefixes = { $"http://127.0.0.1:{collector}/" } };
        listener.Start();
        using var end = new CancellationTokenSource();
        var taking = Take(listener);
        var following = Follow(page, end.Token);
        double speed = ImagesPerSecond(new TrainRun(data, "--dashboard", $"{page}", "--tensorboard", "--otlp", $"http://127.0.0.1:{collector}"));
        end.Cancel();
        listener.Stop();
        Task.WaitAll(taking, following);
        if (taking.Result == 0 || following.Result == 0) throw new InvalidOperationException($"the collector got {taking.Result} requests and the page {following.Result} bytes: nobody watched");
        return speed;
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

    static string Report(List<double> alone, List<double> watched)
    {
        static string Each(IEnumerable<double> values, string format) => string.Join(", ", values.Select(v => v.ToString(format, CultureInfo.InvariantCulture)));
        double[] ratios = [.. watched.Zip(alone, (w, a) => w / a)];
        var report = new StringBuilder();
        report.AppendLine("# What watching costs");
        report.AppendLine();
        report.AppendLine(string.Create(CultureInfo.InvariantCulture, $"{Machine.Description}; full network, batch {FullNetwork.Batch}, real pictures, two towers on the processor; {alone.Count} alternating rounds, medians of {Ours.Steps - Ours.WarmSteps} steady steps. Watched: `--dashboard` with one page that follows it, `--tensorboard`, `--otlp` with a collector, all on the same cores."));
        report.AppendLine();
        report.AppendLine("| | images/s, median | rounds |");
        report.AppendLine("|---|---:|---|");
        report.AppendLine(string.Create(CultureInfo.InvariantCulture, $"| nobody looks | {Median.Of(alone):F2} | {Each(alone, "F2")} |"));
        report.AppendLine(string.Create(CultureInfo.InvariantCulture, $"| watched | {Median.Of(watched):F2} | {Each(watched, "F2")} |"));
        report.AppendLine(string.Create(CultureInfo.InvariantCulture, $"| watched / not, in a round | {Median.Of(ratios):F4} | {Each(ratios, "F4")} |"));
        report.AppendLine();
        report.AppendLine($"`dotnet run -c Release --project tests/AlexNetActors.Benchmarks -- watching DATA {alone.Count} OUT`");
        return report.ToString();
    }
}
