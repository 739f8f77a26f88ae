using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using AlexNetActors.Actors;
using AlexNetActors.App;
using AlexNetActors.Compute.Cpu;
using AlexNetActors.Data;
using AlexNetActors.Model;

namespace AlexNetActors.Tests.App;

/// <summary>--otlp: what a collector gets, and what a run does without one.</summary>
public sealed class OtlpTests : IDisposable
{
    static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60); // for a hang: a busy machine may take long

    readonly Workshop _workshop = new();

    public void Dispose() => _workshop.Dispose();

    [Fact]
    public async Task Traces_and_metrics_of_a_run_arrive_while_it_goes_on()
    {
        using var run = new TinyRun();
        DeviceFactory device = new("cpu", "cpu", "cpu", () => new CpuDevice(1));
        var events = run.RunGroup(run.Settings(7, checkpointSteps: 3), run.Means([device, device]));
        using var collector = new Collector();
        using var sink = Sink(collector.Address);
        var status = Status;
        for (int n = 0; n < events.Count; n++)
        {
            status = status.After(events[n], new ProcessMeter(0.01 * n, 0), new ProcessMeter(0.01 * (n + 1), 0));
            sink.Hear(events[n], status);
        }
        await Until(() => collector.Metrics.GetValueOrDefault("alexnet_loss_nats{set=validation}") == status.Validation!.Score.Loss
            && collector.Spans.Count(s => s is { Name: "step" or "validation" or "checkpoint" }) == events.Count(e => e is StepCompleted or ValidationCompleted or CheckpointWritten));

        Assert.Equal(["alexnet"], collector.Services);
        var spans = collector.Spans;
        Assert.Equal(7, spans.Count(s => s.Name == "step"));
        Assert.Equal(events.Count(e => e is CheckpointWritten), spans.Count(s => s.Name == "checkpoint"));
        foreach (var step in spans.Where(s => s.Name == "step"))
        {
            Assert.Equal("", step.Parent);
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
        Assert.Equal(status.Rate!.Value, (float)metrics["alexnet_learning_rate"]);
        Assert.Equal(7 * TinyRun.Recipe.Batch, metrics["alexnet_trained_images_total"]);
        Assert.True(metrics["alexnet_tower_compute_seconds_total{tower=B}"] > 0);
    }

    static async Task Until(Func<bool> holds)
    {
        using var late = new CancellationTokenSource(Deadline);
        while (!holds()) await Task.Delay(50, late.Token);
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

    [Fact]
    public async Task A_recovery_is_a_span_from_the_loss_to_the_first_new_step()
    {
        using var collector = new Collector();
        using var sink = Sink(collector.Address);
        foreach (var e in new IRunEvent[] { Step, new GroupBroken(1, "its process has ended"), new RunStarted(0, 0, ["cpu"], null, Ledger.Empty), Step })
            sink.Hear(e, Status.After(e, default, new ProcessMeter(0.01, 0)));
        await Until(() => collector.Spans.Any(s => s.Name == "recovery"));
        var steps = collector.Spans.Where(s => s.Name == "step").OrderBy(s => s.To).ToList();
        var recovery = Assert.Single(collector.Spans, s => s.Name == "recovery");
        Assert.Equal(2, steps.Count);
        Assert.InRange(recovery.From, steps[0].To, steps[1].To);
        Assert.Equal(steps[1].To, recovery.To);
    }

    [Fact]
    public async Task A_collector_that_takes_the_connection_and_never_answers_does_not_keep_a_run_from_its_end()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        var sink = Sink($"http://127.0.0.1:{((IPEndPoint)silent.LocalEndpoint).Port}");
        sink.Hear(Step, Status.After(Step, default, new ProcessMeter(0.01, 0)));
        long from = Stopwatch.GetTimestamp();
        await Task.Run(sink.Dispose).WaitAsync(Deadline);
        TestContext.Current.SendDiagnosticMessage($"given up after {Stopwatch.GetElapsedTime(from).TotalSeconds:0.00} s");
    }

    static readonly RunLimits Limits = new(1000, 8, 100, 1000, TinyRun.Recipe.Schedule);
    static readonly RunStatus Status = RunStatus.Start(Limits, new RunStart(RunProgress.Start(Limits), null, null));
    static readonly StepCompleted Step = new(0, 0.01f, new Score(8, 8, 4, 2), [new("A+B", 10, 0, 0, 0, [])], new StepRecords(0, []));

    static OtlpSink Sink(string collector) => new(new Uri(collector), new RunFacts("tiny", 1, 8, "data", 1000, 10, "run", RunFacts.PlacesOf(TinyRun.Network)), Status, _ => { });

    [Fact]
    public void An_address_that_is_none_is_wrong_use()
    {
        var refused = Alexnet.Run(_workshop.Train("run", "--otlp", "localhost:4318")).Expect(2);
        Assert.Equal("alexnet: --otlp has 'localhost:4318': wanted the address of a collector that takes OTLP over HTTP, such as http://localhost:4318", refused.Err.Trim());
    }
}
