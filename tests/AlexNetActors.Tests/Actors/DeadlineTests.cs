using AlexNetActors.Actors;
using AlexNetActors.Compute;
using AlexNetActors.Model;
using AlexNetActors.Tests.Model;

namespace AlexNetActors.Tests.Actors;

/// <summary>A peer that stands still, in each state: the others say who, where and at which step, and do not wait for ever.</summary>
public sealed class DeadlineTests : IDisposable
{
    const int Layers = 8, Step = 2;
    static readonly TimeSpan Deadline = TimeSpan.FromSeconds(2);

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
    string Said(params DeviceFactory[] devices)
    {
        static string? Line(IRunEvent e) => e switch { RunFailed m => m.Reason, GroupBroken m => m.Why, _ => null };
        return Line(_run.RunGroup(_run.Settings(9) with { StepDeadline = Deadline }, _run.Means(devices), until: e => Line(e) is not null)[^1])!;
    }

    // Forward, the gather that follows a segment is missing; backward, the sum of the gradients before the layer that stands still.
    [Theory]
    [InlineData(Operation.Convolve, 1, "gather before conv3-conv5")]
    [InlineData(Operation.Convolve, 4, "gather before fc6")]
    [InlineData(Operation.Convolve, 5, "gather before fc7")]
    [InlineData(Operation.Convolve, 6, "gather before fc8")]
    [InlineData(Operation.Convolve, 7, "gather before the loss")]
    [InlineData(Operation.ConvolveBackwardInput, 0, "gradient sum before fc8")]
    [InlineData(Operation.ConvolveBackwardInput, 1, "gradient sum before fc7")]
    [InlineData(Operation.ConvolveBackwardInput, 2, "gradient sum before fc6")]
    [InlineData(Operation.ConvolveBackwardInput, 5, "gradient sum before conv3-conv5")]
    public void A_tower_that_stands_still_before_an_exchange_is_named_by_the_other_with_layer_and_step(object operation, int layer, string exchange)
    {
        int each = (Operation)operation == Operation.ConvolveBackwardInput ? Layers - 2 + 1 : Layers; // conv1 gives no gradient by the pictures
        string line = Said(Reference, Frozen((Operation)operation, Step * each + layer));
        Assert.Equal($"tower A on reference, step {Step}: tower A waited 1.6 s for tower B's {exchange} at step {Step}", line);
    }

    [Fact]
    public void A_tower_that_stands_still_after_its_last_exchange_is_named_by_the_coordinator()
    {
        string line = Said(Frozen(Operation.ConvolveBackwardWeights, Step * Layers + Layers - 1), Reference);
        Assert.Equal($"waited 2 s for tower A to finish step {Step}", line);
    }

    [Fact]
    public void A_tower_that_stands_still_in_the_validation_is_named()
    {
        string line = Said(Reference, Frozen(Operation.Convolve, 3 * Layers)); // behind step 2, an epoch
        Assert.Matches("^tower A on reference, evaluation batch 3: tower A waited 1.6 s for tower B's gather before conv3-conv5 at evaluation batch 3$", line);
    }
}
