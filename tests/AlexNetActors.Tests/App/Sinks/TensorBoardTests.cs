using System.Text.Json.Nodes;
using AlexNetActors.Actors;
using AlexNetActors.App;
using AlexNetActors.Data;
using AlexNetActors.Model;

namespace AlexNetActors.Tests.App;

/// <summary>--tensorboard: what another parser finds in the event files.</summary>
public sealed class TensorBoardTests : IDisposable
{
    const int NoNamespace = 77;

    readonly Workshop _workshop = new();

    public void Dispose() => _workshop.Dispose();

    string Files => Path.Combine(_workshop.In("run"), "tensorboard");

    [Fact]
    public void Curves_kernels_and_weights_are_there_as_the_run_folder_has_them()
    {
        EventFileReader.SkipUnlessThere();
        _workshop.TrainTo("run", 7, "--tensorboard");
        var events = Assert.Single(EventFileReader.ReadAll(Files));
        Assert.Equal("brain.Event:2", (string)events[0]["version"]!);
        foreach (var (set, kind) in new[] { ("training", "step"), ("validation", "validation") })
            foreach (var (tag, key) in new[] { ("loss", "loss"), ("top1_error", "top1"), ("top5_error", "top5") })
                Assert.Equal(
                    _workshop.Metrics("run", kind).Select(l => ((long)l["step"]!, (float)l[key]!)),
                    EventFileReader.Shown([events], $"{tag}/{set}").Select(p => (p.Step, (float)p.Value)));
        Assert.All(EventFileReader.Shown([events], "learning_rate"), p => Assert.Equal(0.01f, (float)p.Value));
        Assert.Equal(7, EventFileReader.Shown([events], "images_per_second").Count);

        var images = events.Where(e => e["images"] is not null).Select(e => ((long)e["step"]!, e["images"]!.AsObject().Single().Key)).ToList();
        Assert.Equal([(7, "conv1/tower A"), (7, "conv1/tower B")], images.TakeLast(2));

        var (_, towers) = CheckpointFolder.Load(_workshop.Checkpoints("run")[0].Folder);
        foreach (var tower in towers)
            foreach (var values in tower.Values.Where(v => !v.Name.EndsWith("velocity", StringComparison.Ordinal)))
            {
                var histogram = events.Select(e => e["histograms"]?[$"{values.Name}/tower {tower.Tower}"]).OfType<JsonNode>().Last();
                double[] limits = [.. histogram["limits"]!.AsArray().Select(n => (double)n!)];
                Assert.Equal(values.Data.Length, (double)histogram["num"]!);
                Assert.Equal(values.Data.Length, histogram["counts"]!.AsArray().Sum(n => (double)n!));
                Assert.Equal((values.Data.Min(), values.Data.Max()), ((float)histogram["min"]!, (float)histogram["max"]!));
                Assert.Equal(values.Data.Sum(v => (double)v), (double)histogram["sum"]!, 6);
                Assert.Equal(limits.Order(), limits);
                Assert.Equal((double)histogram["max"]!, limits[^1]);
            }
    }

    [Fact]
    public void A_run_that_is_resumed_goes_on_in_a_new_file_and_has_every_step_once()
    {
        EventFileReader.SkipUnlessThere();
        _workshop.TrainTo("run", 4, "--tensorboard");
        Alexnet.Run(_workshop.Resume("run", "--steps", "6", "--tensorboard")).Expect(0);
        var files = EventFileReader.ReadAll(Files);
        Assert.Equal([1, 5], files.Select(f => (int)f[1]["step"]!));
        Assert.Equal(Enumerable.Range(1, 6).Select(n => (long)n), EventFileReader.Shown(files, "loss/training").Select(p => p.Step));
    }

    [Fact]
    public void What_a_group_does_again_counts_once()
    {
        EventFileReader.SkipUnlessThere();
        var said = new List<string>();
        using (var sink = new TensorBoardSink(Files, TinyRun.Network, said.Add))
        {
            foreach (var (from, to) in new[] { (0, 5), (2, 4) })
            {
                sink.Hear(new RunStarted(from, 0, ["cpu"], null, Ledger.Empty), Status);
                for (int n = from; n < to; n++) sink.Hear(new StepCompleted(n, 0.01f, new Score(8, 8 * (from + 1), 4, 2), [], new StepRecords(0, [])), Status);
            }
        }
        Assert.Empty(said);
        Assert.Equal([(1, 1), (2, 1), (3, 3), (4, 3)], EventFileReader.Shown(EventFileReader.ReadAll(Files), "loss/training"));
    }

    static RunStatus Status { get; } = RunStatus.Start(new RunLimits(1000, 8, 100, 1000, TinyRun.Recipe.Schedule), new RunStart(RunProgress.Start(new RunLimits(1000, 8, 100, 1000, TinyRun.Recipe.Schedule)), null, null)) with { LastStep = new StepCost(new Score(8, 8, 4, 2), 0.1, 0, 0) };

    [Fact]
    public void A_disk_that_is_full_ends_the_sink_in_one_line_and_not_the_run()
    {
        EventFileReader.SkipUnlessThere();
        Assert.SkipUnless(OperatingSystem.IsLinux() && File.Exists("/usr/bin/unshare"), "needs Linux and unshare to make a small file system");
        string kept = Directory.CreateDirectory(_workshop.In("kept")).FullName, run = _workshop.In("run"), alexnet = string.Join(' ', Alexnet.Command.Select(c => $"'{c}'"));
        Directory.CreateDirectory(Files);
        var result = Alexnet.Wait(Alexnet.StartProcess("/usr/bin/unshare", "-rm", "/bin/sh", "-c", $"""
            mount -t tmpfs -o size=8k tmpfs '{Files}' || exit {NoNamespace}
            {alexnet} train --recipe '{_workshop.RecipeFile}' --data '{_workshop.Data}' --run '{run}' --steps 60 --json --tensorboard || exit 10
            cp '{Files}'/* '{kept}'
            """));
        Assert.SkipWhen(result.Code == NoNamespace || result.Err.StartsWith("unshare:", StringComparison.Ordinal), $"no file system may be made here: {result.Err}");
        result.Expect(0);
        Assert.Equal(60, (int)result.Json["step"]!);
        Assert.Contains("No space left on device", Assert.Single(result.Err.Split('\n'), l => l.Contains("TensorBoard", StringComparison.Ordinal)));
        Assert.NotEmpty(Assert.Single(EventFileReader.ReadAll(kept))); // whole up to its end
    }
}
