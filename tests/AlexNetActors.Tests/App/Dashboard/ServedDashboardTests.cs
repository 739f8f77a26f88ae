using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using AlexNetActors.App;
using AlexNetActors.Data;

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
        string token = Reach(process);

        var run = await Until(r => (int?)r["checkpointAt"] >= 3);
        Assert.Equal("training", (string)run["doing"]!);
        Assert.Equal(["tower A on cpu", "tower B on cpu", "batches"], run["members"]![0]!["roles"]!.AsArray().Select(r => (string)r!));
        Assert.InRange((long)run["members"]![0]!["residentBytes"]!, 20_000_000, 4_000_000_000);
        Assert.NotEmpty(run["lanes"]!.AsArray());
        foreach (var step in run["lanes"]!.AsArray())
            foreach (var lane in Lanes(step!))
            {
                double ms = (double)step!["ms"]!, sum = lane!["spans"]!.AsArray().Sum(s => (double)s!["to"]! - (double)s["from"]!);
                Assert.InRange(sum, 0.95 * ms, 1.05 * ms);
            }

        var history = JsonNode.Parse(await _http.GetStringAsync("/api/history"))!;
        Assert.InRange(history["step"]!.AsArray().Count, 3, int.MaxValue);
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

        Assert.Equal(HttpStatusCode.Unauthorized, (await Post("stop", "guess")).StatusCode);
        Assert.Equal(HttpStatusCode.Accepted, (await Post("stop", token)).StatusCode);
        var ended = Alexnet.Wait(process).Expect(1);
        Assert.Contains("as asked; go on with `alexnet train --run ", ended.Err);
        Assert.Equal((long)ended.Json["step"]!, (long)ended.Json["checkpointStep"]!);
    }

    static JsonArray Lanes(JsonNode step)
    {
        Assert.Equal(["A", "B"], step["lanes"]!.AsArray().Select(l => (string)l!["towers"]!));
        return step["lanes"]!.AsArray();
    }

    [Fact]
    public async Task A_run_that_is_paused_and_saved_in_the_middle_ends_with_the_same_bits()
    {
        string[] steps = ["--steps", "800", "--set", "schedule.patience=1000000"];
        var process = Alexnet.Start(_workshop.Train("paused", [.. steps, "--set", "checkpoint-steps=1000000", "--dashboard", "0"]));
        string token = Reach(process);
        await Until(r => (int?)r["step"] >= 4);
        Assert.Equal(HttpStatusCode.Unauthorized, (await Post("pause", "guess")).StatusCode);
        Assert.Equal(HttpStatusCode.Accepted, (await Post("pause", token)).StatusCode);
        long paused = (long)(await Until(r => (bool?)r["paused"] == true))["step"]!;
        Assert.InRange(paused, 4, 799);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await _http.GetAsync("/health/ready")).StatusCode);
        Assert.Equal(HttpStatusCode.Accepted, (await Post("checkpoint", token)).StatusCode);
        Assert.Equal(paused, (long)(await Until(r => (long?)r["checkpointAt"] == (long)r["step"]!))["step"]!);
        Assert.Equal(HttpStatusCode.Accepted, (await Post("continue", token)).StatusCode);
        string digest = Alexnet.Wait(process).Expect(0).Digest;
        Assert.Equal(_workshop.TrainTo("undisturbed", 800, steps[2..]).Digest, digest);
        Assert.Equal(Enumerable.Range(1, 800), _workshop.Metrics("paused", "step").Select(l => (int)l["step"]!));
    }

    [Fact]
    public async Task A_run_that_goes_on_shows_the_curves_of_before()
    {
        var before = _workshop.TrainTo("run", 12);
        var process = Alexnet.Start(_workshop.Resume("run", "--steps", "1000000", "--dashboard", "0"));
        string token = Reach(process);
        await Until(r => (int?)r["step"] > 12);
        var history = JsonNode.Parse(await _http.GetStringAsync("/api/history"))!;
        Assert.Equal(Enumerable.Range(1, 13), history["step"]!.AsArray().Take(13).Select(s => (int)s!));
        Assert.Equal((double)_workshop.Metrics("run", "step")[0]["loss"]!, (double)history["loss"]![0]!, 4);
        var validations = history["validations"]!.AsArray().Where(v => (int)v!["steps"]! <= 12).ToArray();
        Assert.Equal([3, 5, 8, 10, 12], validations.Select(v => (int)v!["steps"]!));
        Assert.Equal((double)before.Json["top1Error"]!, (double)validations[^1]!["top1"]!, 4);
        Assert.Equal(HttpStatusCode.Accepted, (await Post("stop", token)).StatusCode);
        Alexnet.Wait(process).Expect(1);
    }

    [Fact]
    public async Task A_study_begins_when_this_page_asks_for_it_and_refuses_a_data_set_that_was_replaced_while_the_run_goes_on()
    {
        var process = Alexnet.Start(_workshop.Train("run", "--steps", "1000000", "--set", "schedule.patience=1000000", "--dashboard", "0"));
        string token = Reach(process);
        await Until(r => (int?)r["checkpointAt"] >= 3);
        Assert.Equal(HttpStatusCode.Accepted, (await Post("pause", token)).StatusCode);
        long step = (long)(await Until(r => (bool?)r["paused"] == true))["step"]!; // its checkpoints stay
        Directory.Move(_workshop.Data, _workshop.In("moved"));
        BuiltInPictures.Create(_workshop.Data, new BuiltInSettings(Workshop.Records, Workshop.ValidationRecords, RecordSize: 24)).Dispose();

        async Task<JsonNode> Study() => JsonNode.Parse(await _http.GetStringAsync("/api/study"))!;
        Assert.Equal(("", false), await Study() is var read ? ((string)read["said"]!, (bool)read["busy"]!) : default);
        using (var elsewhere = new HttpRequestMessage(HttpMethod.Post, "/api/study") { Headers = { { "Origin", "http://elsewhere.example" } } })
            Assert.Equal(HttpStatusCode.Forbidden, (await _http.SendAsync(elsewhere)).StatusCode);
        Assert.Equal("", (string)(await Study())["said"]!);
        using (var page = new HttpRequestMessage(HttpMethod.Post, "/api/study") { Headers = { { "Origin", $"{_http.BaseAddress}".TrimEnd('/') } } })
            Assert.Equal(HttpStatusCode.OK, (await _http.SendAsync(page)).StatusCode);
        var study = await Study();
        using (var late = new CancellationTokenSource(Deadline))
            for (; (bool)study["busy"]!; study = await Study()) await Task.Delay(20, late.Token);
        Assert.Matches("^The checkpoint after step [0-9]+ cannot be looked at: .+ is another data set now .digest [0-9a-f]{8}. than the one it was trained on", (string)study["said"]!);
        Assert.Null(study["study"]);

        Assert.Equal(HttpStatusCode.Accepted, (await Post("continue", token)).StatusCode);
        await Until(r => (long)r["step"]! > step);
        Assert.Equal(HttpStatusCode.Accepted, (await Post("stop", token)).StatusCode);
        Alexnet.Wait(process).Expect(1);
    }

    [Fact]
    public async Task A_pause_that_is_accepted_while_the_run_starts_is_not_lost()
    {
        var process = Alexnet.Start(_workshop.Train("run", "--steps", "1000000", "--set", "schedule.patience=1000000", "--dashboard", "0"));
        string token = Reach(process);
        using (var late = new CancellationTokenSource(Deadline))
            while ((await Post("pause", token)).StatusCode != HttpStatusCode.Accepted) await Task.Delay(1, late.Token);
        await Until(r => (bool?)r["paused"] == true);
        Assert.Equal(HttpStatusCode.Accepted, (await Post("stop", token)).StatusCode);
        Alexnet.Wait(process).Expect(1);
    }

    [Fact]
    public async Task Connections_that_only_stand_are_bounded_and_leave_the_run_its_files()
    {
        using var server = DashboardServer.StartIfAsked("0", new Output(json: false))!;
        var address = new Uri(server.Address);
        var standing = new List<TcpClient>();
        try
        {
            int answered = 0;
            for (int n = 0; n < 2 * DashboardServer.ConnectionsMax; n++)
            {
                standing.Add(new TcpClient());
                await standing[^1].ConnectAsync(address.Host, address.Port);
                var stream = standing[^1].GetStream();
                try
                {
                    await stream.WriteAsync("GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"u8.ToArray());
                    if (await stream.ReadAsync(new byte[1]).AsTask().WaitAsync(Deadline) == 1) answered++;
                }
                catch (IOException)
                {
                    // Reset: one too many.
                }
            }
            Assert.Equal(DashboardServer.ConnectionsMax, answered);
        }
        finally
        {
            foreach (var c in standing) c.Dispose();
        }
        using var late = new CancellationTokenSource(Deadline);
        _http.BaseAddress = address;
        while (true)
            try
            {
                Assert.Equal("live", (await _http.GetStringAsync("/health/live", late.Token)).Trim());
                break;
            }
            catch (HttpRequestException) // the server has not heard yet that the others are gone
            {
                await Task.Delay(20, late.Token);
            }
    }

    [Theory]
    [InlineData("localhost", true)]
    [InlineData("LOCALHOST", true)]
    [InlineData("10.1.2.3", true)]
    [InlineData("[::1]", true)]
    [InlineData("elsewhere.example", false)]
    public async Task Who_asks_for_this_machine_is_answered(string host, bool answered)
    {
        using var server = DashboardServer.StartIfAsked("0", new Output(json: false))!;
        async Task<HttpStatusCode> Ask(string name)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"{server.Address}/health/live") { Headers = { Host = name } };
            return (await _http.SendAsync(request)).StatusCode;
        }
        Assert.Equal(answered ? HttpStatusCode.OK : HttpStatusCode.BadRequest, await Ask(host));
        Assert.Equal(HttpStatusCode.OK, await Ask($"{Environment.MachineName.ToUpperInvariant()}:80"));
    }

    [Fact]
    public async Task A_coordinator_that_takes_up_a_run_and_waits_for_its_towers_shows_the_last_validation_of_before()
    {
        var before = _workshop.TrainTo("run", 12);
        int port = FreePort();
        var process = Alexnet.Start("node", "--roles", "coordinator", "--listen", $"127.0.0.1:{port}", "--recipe", _workshop.RecipeFile, "--data", _workshop.Data, "--run", _workshop.In("run"), "--steps", "20", "--dashboard", "0");
        try
        {
            Reach(process);
            var run = await Until(r => r["recipe"] is not null);
            Assert.Equal((12, 12), ((int)run["step"]!, (int)run["validatedAt"]!));
            Assert.Equal((double)before.Json["top1Error"]!, (double)run["validation"]!["top1"]!, 4);
            Assert.Null(run["imagesPerSecond"]);
        }
        finally
        {
            Alexnet.Kill(process);
        }
    }

    static int FreePort()
    {
        using var free = new TcpListener(IPAddress.Loopback, 0);
        free.Start();
        return ((IPEndPoint)free.LocalEndpoint).Port;
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

    /// <returns>The token.</returns>
    string Reach(System.Diagnostics.Process process)
    {
        var said = Regex.Match(process.StandardError.ReadLine()!, "^dashboard on (?<address>http://127.0.0.1:[0-9]+), token for its buttons (?<token>[0-9a-f]+)$");
        Assert.True(said.Success);
        _http.BaseAddress = new Uri(said.Groups["address"].Value);
        return said.Groups["token"].Value;
    }

    Task<HttpResponseMessage> Post(string order, string token) =>
        _http.SendAsync(new HttpRequestMessage(HttpMethod.Post, $"/api/{order}") { Headers = { Authorization = new("Bearer", token) } });

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
