using System.Diagnostics;
using AlexNetActors.Actors;
using AlexNetActors.App;
using AlexNetActors.Data;
using AlexNetActors.Model;

namespace AlexNetActors.Tests.App;

/// <summary>/metrics before Prometheus' own judge, which also knows how metrics ought to be named.</summary>
public sealed class PrometheusTextTests
{
    [Fact]
    public async Task Promtool_accepts_it()
    {
        string? promtool = Environment.GetEnvironmentVariable("PATH")?.Split(Path.PathSeparator).Select(d => Path.Combine(d, "promtool")).FirstOrDefault(File.Exists);
        Assert.SkipWhen(promtool is null, "there is no promtool: install prometheus");
        var limits = new RunLimits(1000, 8, 100, 1000, TinyRun.Recipe.Schedule);
        var state = new BoardState(new RunFacts("tiny", 1, 8, "data", 1000, 10, "run", ["conv1", "conv3", "fc6", "loss"]), RunStatus.Start(limits, new RunStart(RunProgress.Start(limits), null, null)));
        IRunEvent[] events =
        [
            new NodeJoined("one:2012", "cpu"),
            new NodeMemory("one:2012", 300_000_000),
            new StepCompleted(0, 0.01f, new Score(8, 16, 4, 2), [new("A", 10, 1, 2, 0, []), new("B", 10, 1, 2, 0, [])], new StepRecords(0, [])),
            new ValidationCompleted(1, 0, new Score(10, 20, 5, 1), Best: true, 0.01f),
        ];
        foreach (var e in events) state = state.After(e, state.Status.After(e, default, new ProcessMeter(0.01, 0)), DateTimeOffset.UnixEpoch);

        using var process = Process.Start(new ProcessStartInfo(promtool!, ["check", "metrics"]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!;
        process.StandardInput.Write(PrometheusText.Of(state));
        process.StandardInput.Close();
        string[] said = await Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync()).WaitAsync(TimeSpan.FromSeconds(60));
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Equal("", string.Concat(said));
        Assert.Equal(0, process.ExitCode);
    }
}
