using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using AlexNetActors.Actors;
using AlexNetActors.App;
using AlexNetActors.Data;
using AlexNetActors.Model;

namespace AlexNetActors.Tests.App;

/// <summary>--otlp: what a collector gets, and what a run does without one.</summary>
public sealed class OtlpTests : IDisposable
{
    readonly Workshop _workshop = new();

    public void Dispose() => _workshop.Dispose();

    [Fact]
    public void Traces_and_metrics_of_a_run_arrive()
    {
        using var collector = new Collector();
        var result = _workshop.TrainTo("run", 7, "--otlp", collector.Address);
        Assert.Equal(["alexnet"], collector.Services);

        var spans = collector.Spans;
        Assert.Equal(7, spans.Count(s => s is { Name: "step", Parent: "" }));
        Assert.Equal(3, spans.Count(s => s.Name == "validation"));
        Assert.Equal(_workshop.Metrics("run", "checkpoint").Count, spans.Count(s => s.Name == "checkpoint"));
        foreach (var step in spans.Where(s => s.Name == "step"))
        {
            var within = spans.Where(s => s.Parent == step.Id).ToList();
            Assert.All(within, s => Assert.Equal(step.Trace, s.Trace));
            Assert.Equal(["tower A", "tower B"], within.Select(s => s.Name).Where(n => n.StartsWith("tower", StringComparison.Ordinal)).Order());
            Assert.Equal(2, within.Count(s => s.Name == "exchange conv3 forward"));
            Assert.Equal(2, within.Count(s => s.Name == "exchange conv3 backward"));
            foreach (var tower in within.Where(s => s.Name.StartsWith("tower", StringComparison.Ordinal)))
            {
                var parts = spans.Where(s => s.Parent == tower.Id).OrderBy(s => s.From).ThenBy(s => s.To).ToList();
                Assert.Contains(parts, p => p.Name == "compute");
                Assert.All(parts, p => Assert.True(p.Name == "compute" || p.Name.StartsWith("wait for ", StringComparison.Ordinal), p.Name));
                foreach (var (before, after) in parts.Zip(parts.Skip(1))) Assert.True(before.To <= after.From, $"{before.Name} ends after {after.Name} begins");
            }
        }

        var metrics = collector.Metrics;
        Assert.Equal(7, metrics["alexnet_steps"]);
        Assert.Equal(0.01, metrics["alexnet_learning_rate"]);
        Assert.Equal((double)result.Json["loss"]!, metrics["alexnet_loss_nats{set=validation}"]);
        Assert.Equal(7 * Workshop.Batch, metrics["alexnet_trained_images_total"]);
        Assert.True(metrics["alexnet_tower_compute_seconds_total{tower=B}"] > 0);
        Assert.DoesNotContain("the collector", result.Err);
    }

    [Fact]
    public void Without_a_collector_a_run_says_so_once_and_ends_as_ever()
    {
        using var free = new TcpListener(IPAddress.Loopback, 0);
        free.Start();
        int port = ((IPEndPoint)free.LocalEndpoint).Port;
        free.Stop();
        var result = _workshop.TrainTo("run", 7, "--otlp", $"http://127.0.0.1:{port}");
        Assert.Equal(_workshop.Expected(7), result.Digest);
        Assert.Contains("does not take what it is sent", Assert.Single(result.Err.Split('\n'), l => l.Contains("the collector", StringComparison.Ordinal)));
    }

    /// <summary>It takes the connection and never answers. The bound is 2 s; without it the wait would be for the answer's own deadline, and again.</summary>
    [Fact]
    public void A_collector_that_is_silent_holds_the_end_up_for_a_bounded_time()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        var limits = new RunLimits(1000, 8, 100, 1000, TinyRun.Recipe.Schedule);
        var status = RunStatus.Start(limits, RunProgress.Start(limits));
        var sink = new OtlpSink(new Uri($"http://127.0.0.1:{((IPEndPoint)silent.LocalEndpoint).Port}"), new RunFacts("tiny", 1, 8, "data", 1000, 10, "run", ["conv1", "conv3", "fc6", "loss"]), status, _ => { });
        var step = new StepCompleted(0, 0.01f, new Score(8, 8, 4, 2), [new("A+B", 10, 0, 0, 0, [])], new StepRecords(0, []));
        sink.Hear(step, status.After(step, default, new ProcessMeter(0.01, 0)));
        long from = Stopwatch.GetTimestamp();
        sink.Dispose();
        Assert.InRange(Stopwatch.GetElapsedTime(from).TotalSeconds, 0, 4.5);
    }

    [Fact]
    public void An_address_that_is_none_is_wrong_use()
    {
        var refused = Alexnet.Run(_workshop.Train("run", "--otlp", "localhost:4318")).Expect(2);
        Assert.Equal("alexnet: --otlp has 'localhost:4318': wanted the address of a collector that takes OTLP over HTTP, such as http://localhost:4318", refused.Err.Trim());
    }
}
