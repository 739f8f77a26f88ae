using AlexNetActors.Actors;
using AlexNetActors.Compute;
using AlexNetActors.Model;
using AlexNetActors.Tests.Model;

namespace AlexNetActors.Tests.Actors;

/// <summary>A peer that stands still, in each state: the others say who, where and at which step, and do not wait for ever.</summary>
public sealed class DeadlineTests : IDisposable
{
    const int Layers = 8, Step = 2;
    static readonly TimeSpan Deadline = TimeSpan.FromSeconds(10); // no healthy step takes so long, also on a machine that is busy

    readonly TinyRun _run = new();
    readonly ManualResetEventSlim _thaw = new();

    public void Dispose()
    {
        _thaw.Set();
        _run.Dispose();
    }

    static readonly DeviceFactory Reference = new("reference", "reference", "reference", () => new ReferenceDevice());

    /// <summary>Stands still after this operation, the how-manieth of its kind.</summary>
    DeviceFactory Frozen(Operation operation, long call) => new("frozen", "reference", "reference", () => new DisturbedDevice(new ReferenceDevice(), operation, (n, _, _) =>
    {
        if (n == call) _thaw.Wait(TimeSpan.FromSeconds(60));
    }));

    /// <summary>The first line that says what is wrong: the run's end, or why the group is no more.</summary>
    string Said(string run, params DeviceFactory[] devices)
    {
        static string? Line(IRunEvent e) => e switch { RunFailed m => m.Reason, GroupBroken m => m.Why, _ => null };
        return Line(_run.RunGroup(_run.Settings(9, run: run) with { StepDeadline = Deadline }, _run.Means(devices), until: e => Line(e) is not null)[^1])!;
    }

    static string OtherTower(string exchange) => $"tower A on reference, step {Step}: tower A waited 5 s for tower B's {exchange} at step {Step}";

    /// <summary>All at once: each of them only waits.</summary>
    [Fact]
    public async Task A_tower_that_stands_still_is_named_with_layer_and_step_wherever_it_does()
    {
        const int each = Layers - 1; // conv1 gives no gradient by the pictures
        (string Where, Func<string, string> Said, string Expected)[] cases =
        [
            // Forward, the gather that follows the layer is missing.
            ("conv2 forward", w => Said(w, Reference, Frozen(Operation.Convolve, Step * Layers + 1)), OtherTower("gather before conv3-conv5")),
            ("conv5 forward", w => Said(w, Reference, Frozen(Operation.Convolve, Step * Layers + 4)), OtherTower("gather before fc6")),
            ("fc6 forward", w => Said(w, Reference, Frozen(Operation.Convolve, Step * Layers + 5)), OtherTower("gather before fc7")),
            ("fc7 forward", w => Said(w, Reference, Frozen(Operation.Convolve, Step * Layers + 6)), OtherTower("gather before fc8")),
            ("fc8 forward", w => Said(w, Reference, Frozen(Operation.Convolve, Step * Layers + 7)), OtherTower("gather before the loss")),
            // Backward, the sum of the gradients before the layer.
            ("fc8 backward", w => Said(w, Reference, Frozen(Operation.ConvolveBackwardInput, Step * each)), OtherTower("gradient sum before fc8")),
            ("fc7 backward", w => Said(w, Reference, Frozen(Operation.ConvolveBackwardInput, Step * each + 1)), OtherTower("gradient sum before fc7")),
            ("fc6 backward", w => Said(w, Reference, Frozen(Operation.ConvolveBackwardInput, Step * each + 2)), OtherTower("gradient sum before fc6")),
            ("conv3 backward", w => Said(w, Reference, Frozen(Operation.ConvolveBackwardInput, Step * each + 5)), OtherTower("gradient sum before conv3-conv5")),
            // After the last exchange nobody but the coordinator waits.
            ("conv1 backward", w => Said(w, Frozen(Operation.ConvolveBackwardWeights, Step * Layers + Layers - 1), Reference), $"waited 10 s for tower A to finish step {Step}"),
            // Behind step 2 an epoch ends.
            ("validation", w => Said(w, Reference, Frozen(Operation.Convolve, (Step + 1) * Layers)), "tower A on reference, evaluation batch 3: tower A waited 5 s for tower B's gather before conv3-conv5 at evaluation batch 3"),
        ];
        var said = await Task.WhenAll(cases.Select(c => Task.Factory.StartNew(() => (c.Where, c.Said(c.Where)), TaskCreationOptions.LongRunning)));
        Assert.Equal(cases.Select(c => (c.Where, c.Expected)), said);
    }
}
