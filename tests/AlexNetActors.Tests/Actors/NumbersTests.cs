using AlexNetActors.Actors;
using AlexNetActors.Compute;
using AlexNetActors.Compute.Cpu;
using AlexNetActors.Model;
using AlexNetActors.Tests.Model;

namespace AlexNetActors.Tests.Actors;

/// <summary>NaN and infinity in a group of real actors: the step is stopped, done once more, and then it was the machine or it is the recipe.</summary>
public sealed class NumbersTests : IDisposable
{
    const int Steps = 9, Layers = 8;

    readonly TinyRun _run = new();

    public void Dispose() => _run.Dispose();

    public static TheoryData<string> Kinds => ["reference", "cpu"];

    static IDevice Open(string kind) => kind == "cpu" ? new CpuDevice(1) : new ReferenceDevice();

    static DeviceFactory Healthy(string kind) => new(kind, kind, kind, () => Open(kind));

    /// <summary>Its calls go on counting when the group goes back: wrong once, unless asked for more.</summary>
    static DeviceFactory Poisoned(string kind, Operation operation, params long[] calls) => new(kind, kind, kind, () => DisturbedDevice.Poisoned(Open(kind), operation, (call, _) => calls.Contains(call)));

    string Expected(string kind)
    {
        using var device = Open(kind);
        var trainer = _run.Sequential(Steps, device);
        trainer.Run();
        return trainer.Digest();
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void What_goes_wrong_once_is_done_again_and_the_bits_stay(string kind)
    {
        var events = _run.RunGroup(_run.Settings(Steps), _run.Means([Healthy(kind), Poisoned(kind, Operation.Convolve, Layers * (4 + 1) + 1)])); // step 4; after step 2 there was a validation of one batch
        Assert.IsType<RunFinished>(events[^1]);
        var wrong = events.OfType<NumbersWentWrong>().Single();
        Assert.Equal($"step 4 was stopped before its update: NaN or infinity in the outputs of conv2 on tower B ({kind})", $"{wrong}"); // not conv3 on tower A, which it went on to
        Assert.Equal([0L, 1, 2, 3, 3, 4, 5, 6, 7, 8], events.OfType<StepCompleted>().Select(s => s.Step)); // back to the checkpoint behind that validation
        Assert.Equal(Expected(kind), events.OfType<CheckpointWritten>().Last().WeightsSha256);
        Assert.Equal(TinyRun.Recipe.Batch, wrong.Records.Length);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_gradient_that_goes_wrong_on_one_tower_stops_both(string kind)
    {
        var events = _run.RunGroup(_run.Settings(Steps), _run.Means([Poisoned(kind, Operation.ConvolveBackwardWeights, Layers * 2 - 1), Healthy(kind)]));
        Assert.Equal((TowerId.A, "conv1", "the gradient by the biases"), events.OfType<NumbersWentWrong>().Select(w => (w.Tower, w.Layer, w.What)).Single());
        Assert.Equal(Expected(kind), events.OfType<CheckpointWritten>().Last().WeightsSha256);
    }

    [Fact]
    public void One_device_of_both_towers_recovers_too()
    {
        var events = _run.RunGroup(_run.Settings(Steps), _run.Means([Poisoned("reference", Operation.ConvolveBackwardInput, 20)]));
        Assert.Single(events.OfType<NumbersWentWrong>());
        Assert.Equal(Expected("reference"), events.OfType<CheckpointWritten>().Last().WeightsSha256);
    }

    [Fact]
    public void A_recipe_that_blows_up_ends_the_run_at_the_second_time_with_a_remedy()
    {
        var settings = _run.Settings(Steps);
        var schedule = settings.Limits.Schedule with { InitialRate = 1e25f };
        var limits = settings.Limits with { Schedule = schedule };
        var events = _run.RunGroup(settings with { Limits = limits, Progress = RunProgress.Start(limits) }, _run.Means([Healthy("reference"), Healthy("reference")]));
        var wrong = events.OfType<NumbersWentWrong>().ToList();
        Assert.Equal(2, wrong.Count);
        Assert.Equal((wrong[0].Pass.Number, wrong[0].Found), (wrong[1].Pass.Number, wrong[1].Found)); // the same bits go wrong the same way
        Assert.Equal($"{wrong[1]}, again after the same steps were done anew, so it is the recipe's doing: lower schedule.rate (now 1E+25) or use recipe robust, in a new run; the records of its batch are in {wrong[1].FileName} of the run folder",
            Assert.IsType<RunFailed>(events[^1]).Reason);
    }

    [Fact]
    public void A_device_that_goes_wrong_again_and_again_ends_the_run()
    {
        // The group goes back to the start each time, so that a later call is an earlier step.
        var events = _run.RunGroup(_run.Settings(Steps), _run.Means([Healthy("reference"), Poisoned("reference", Operation.ConvolveBackwardWeights, Layers * 2, Layers * (3 + 1), Layers * (3 + 2))]));
        Assert.Equal([2L, 1, 0], events.OfType<NumbersWentWrong>().Select(w => w.Pass.Number));
        Assert.Contains("for the 3rd time since the last checkpoint", Assert.IsType<RunFailed>(events[^1]).Reason);
    }
}
