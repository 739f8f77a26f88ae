using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace AlexNetActors.Tests.App;

/// <summary>The dashboard of a real run, over real HTTP.</summary>
public sealed class ServedDashboardTests : IDisposable
{
    static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    readonly Workshop _workshop = new();
    readonly HttpClient _http = new() { Timeout = Deadline };

    public void Dispose()
    {
        _http.Dispose();
        _workshop.Dispose();
    }

    [Fact]
    public async Task A_run_can_be_watched_and_stopped_by_who_has_the_token()
    {
        var process = Alexnet.Start(_workshop.Train("run", "--steps", "1000000", "--set", "schedule.patience=1000000", "--dashboard", "0"));
        var said = Regex.Match((await process.StandardError.ReadLineAsync())!, "^dashboard on (?<address>http://127.0.0.1:[0-9]+), token for its buttons (?<token>[0-9a-f]+)$");
        Assert.True(said.Success);
        _http.BaseAddress = new Uri(said.Groups["address"].Value);

        var run = await Until(r => (int?)r["checkpointAt"] >= 3);
        Assert.Equal("training", (string)run["doing"]!);
        Assert.Equal(["tower A on cpu", "tower B on cpu", "batches"], run["members"]![0]!["roles"]!.AsArray().Select(r => (string)r!));
        foreach (var step in run["lanes"]!.AsArray())
            foreach (var lane in step!["lanes"]!.AsArray())
            {
                double ms = (double)step["ms"]!, sum = lane!["spans"]!.AsArray().Sum(s => (double)s!["to"]! - (double)s["from"]!);
                Assert.True(sum > 0.95 * ms, $"a lane of {sum} ms in a step of {ms} ms");
            }

        var history = JsonNode.Parse(await _http.GetStringAsync("/api/history"))!;
        Assert.Equal(history["step"]!.AsArray().Count, history["loss"]!.AsArray().Count);
        Assert.Equal("training", (await _http.GetStringAsync("/health/ready")).Trim());
        var metrics = Metrics(await _http.GetStringAsync("/metrics"));
        Assert.InRange(metrics["alexnet_steps"], 3, 1_000_000);
        Assert.Equal(0.01, metrics["alexnet_learning_rate"]);
        Assert.True(metrics["alexnet_tower_compute_seconds_total{tower=\"B\"}"] > 0);

        var page = await _http.GetAsync("/");
        Assert.StartsWith("default-src 'self';", page.Headers.GetValues("Content-Security-Policy").Single());
        Assert.Equal("text/html", page.Content.Headers.ContentType!.MediaType);
        using (var events = new StreamReader(await _http.GetStreamAsync("/api/events")))
            Assert.Equal("event: run", await events.ReadLineAsync());
        using var stranger = new HttpRequestMessage(HttpMethod.Get, "/api/run") { Headers = { Host = "elsewhere.example" } };
        Assert.Equal(HttpStatusCode.BadRequest, (await _http.SendAsync(stranger)).StatusCode);

        Assert.Equal(HttpStatusCode.Unauthorized, (await Stop("guess")).StatusCode);
        Assert.Equal(HttpStatusCode.Accepted, (await Stop(said.Groups["token"].Value)).StatusCode);
        var ended = Alexnet.Wait(process).Expect(1);
        Assert.Contains("as asked; go on with --resume", ended.Err);
        Assert.Equal((long)ended.Json["step"]!, (long)ended.Json["checkpointStep"]!);
    }

    [Fact]
    public void A_port_that_is_taken_is_one_line()
    {
        using var taken = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        int port = ((IPEndPoint)taken.LocalEndpoint).Port;
        var refused = Alexnet.Run(_workshop.Train("run", "--dashboard", $"{port}")).Expect(2);
        Assert.Equal($"alexnet: --dashboard {port}: address already in use; name another port, or 0 for any free one", refused.Err.Trim());
    }

    Task<HttpResponseMessage> Stop(string token) =>
        _http.SendAsync(new HttpRequestMessage(HttpMethod.Post, "/api/stop") { Headers = { Authorization = new("Bearer", token) } });

    async Task<JsonNode> Until(Func<JsonNode, bool> holds)
    {
        using var late = new CancellationTokenSource(Deadline);
        while (true)
        {
            var run = JsonNode.Parse(await _http.GetStringAsync("/api/run", late.Token))!;
            if (holds(run)) return run;
            await Task.Delay(20, late.Token);
        }
    }

    /// <summary>Prometheus' text format, read by its definition: each family has its help and type before its samples, each sample a number.</summary>
    static Dictionary<string, double> Metrics(string text)
    {
        var samples = new Dictionary<string, double>();
        string family = "";
        Assert.EndsWith("\n", text);
        foreach (string line in text.TrimEnd('\n').Split('\n'))
        {
            if (Regex.Match(line, "^# (?<what>HELP|TYPE) (?<name>[a-zA-Z_:][a-zA-Z0-9_:]*) (?<rest>.+)$") is { Success: true } comment)
            {
                family = comment.Groups["name"].Value;
                if (comment.Groups["what"].Value == "TYPE") Assert.Contains(comment.Groups["rest"].Value, new[] { "gauge", "counter" });
                continue;
            }
            var sample = Regex.Match(line, "^(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?<labels>\\{[a-z0-9]+=\"[^\"]*\"\\})? (?<value>\\S+)$");
            Assert.True(sample.Success, line);
            Assert.Equal(family, sample.Groups["name"].Value);
            samples.Add(sample.Groups["name"].Value + sample.Groups["labels"].Value, double.Parse(sample.Groups["value"].Value, CultureInfo.InvariantCulture));
        }
        return samples;
    }
}
