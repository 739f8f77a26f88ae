using AlexNetActors.Tests.Compute;

namespace AlexNetActors.Tests.App;

/// <summary>A run's weights depend on recipe, data set, seed and kind of device alone.</summary>
public sealed class SameBitsTests : IDisposable
{
    const int Steps = 20;

    readonly Workshop _workshop = new();

    public void Dispose() => _workshop.Dispose();

    [Theory]
    [InlineData("cpu", 1, "auto")]
    [InlineData("cpu,cpu", 1, "auto")]
    [InlineData("cpu,cpu", 3, "1")]
    [InlineData("cpu,cpu", 1, "2")]
    public void Devices_loaders_and_threads_do_not_change_a_bit(string devices, int loaders, string threads)
    {
        var result = _workshop.TrainTo("run", Steps, "--device", devices, "--set", $"alexnet.loaders={loaders}", "--set", $"alexnet.threads={threads}");
        Assert.Equal(_workshop.Expected(Steps), result.Digest);
    }

    [Theory]
    [InlineData("opencl:0")]
    [InlineData("opencl:0,opencl:0")]
    [InlineData("cuda:0")]
    [InlineData("cuda:0,cuda:0")]
    public void GPU_actors_of_one_GPU_train_to_the_bits_of_the_sequential_trainer_on_it(string devices)
    {
        using var device = IlgpuDevices.Open(devices.Split(',')[0]);
        foreach (string run in new[] { "first", "second" }) // and the second time to the same
            Assert.Equal(_workshop.Expected(Steps, device), _workshop.TrainTo(run, Steps, "--device", devices).Digest);
    }

    [Fact]
    public void A_run_killed_again_and_again_ends_with_the_bits_of_an_undisturbed_one()
    {
        string metrics = Path.Combine(_workshop.In("run"), "metrics.jsonl"), manifest = Path.Combine(_workshop.In("run"), "run.json");
        string[] start = _workshop.Train("run", "--steps", $"{Steps}"), resume = _workshop.Resume("run");
        // The moments: as soon as there is a run, then after so many more lines of metrics and milliseconds.
        KillWhen(start, () => File.Exists(manifest), 0);
        foreach (var (lines, ms) in new[] { (1, 0), (4, 1), (2, 7), (5, 3) })
        {
            long before = Lines(metrics);
            KillWhen(resume, () => Lines(metrics) >= before + lines || Lines(metrics) < before, ms);
        }

        Assert.Equal(_workshop.Expected(Steps), Alexnet.Run(resume).Expect(0).Digest);
        Assert.Equal(Enumerable.Range(1, Steps), _workshop.Metrics("run", "step").Select(l => (int)l["step"]!));
        Assert.Equal([3, 5, 8, 10, 13, 15, 18, 20], _workshop.Metrics("run", "validation").Select(l => (int)l["step"]!)); // 20 records in batches of 8
    }

    static void KillWhen(string[] args, Func<bool> reached, int thenMs)
    {
        var process = Alexnet.Start(args);
        Alexnet.WaitUntil(process, reached);
        Thread.Sleep(thenMs);
        Alexnet.Kill(process);
    }

    static long Lines(string file)
    {
        if (!File.Exists(file)) return 0;
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().Count(c => c == '\n');
    }

    [Fact]
    public void A_run_asked_to_stop_saves_its_last_step_and_goes_on_from_there()
    {
        var process = Alexnet.Start(_workshop.Train("run", "--steps", "100000"));
        string metrics = Path.Combine(_workshop.In("run"), "metrics.jsonl");
        Alexnet.WaitUntil(process, () => Lines(metrics) >= 4);
        Alexnet.StartProcess("/bin/kill", "-TERM", $"{process.Id}").WaitForExit();
        var stopped = Alexnet.Wait(process).Expect(1);
        Assert.Contains("as asked; go on with `alexnet train --run ", stopped.Err);
        int step = (int)stopped.Json["step"]!;
        Assert.Equal(step, (int)stopped.Json["checkpointStep"]!);
        Assert.Equal(_workshop.Expected(step + 2), Alexnet.Run(_workshop.Resume("run", "--steps", $"{step + 2}")).Expect(0).Digest);
    }
}
