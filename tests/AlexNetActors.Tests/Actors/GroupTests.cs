using AlexNetActors.Actors;
using AlexNetActors.Compute;
using AlexNetActors.Model;

namespace AlexNetActors.Tests.Actors;

/// <summary>Real actors, real loaders, every message serialized: the bits are those of the sequential trainer.</summary>
public sealed class GroupTests : IDisposable
{
    const int Steps = 9; // 20 records in batches of 8: more than three epochs, cut across the seams

    static readonly DeviceFactory Reference = new("reference", "reference", "reference", () => new ReferenceDevice());

    readonly TinyRun _run = new();

    public void Dispose() => _run.Dispose();

    IReadOnlyList<IRunEvent> Run(RunSettings settings, IReadOnlyList<DeviceFactory> devices, int loaders = 1) => _run.RunGroup(settings, _run.Means(devices, loaders));

    static string Digest(IReadOnlyList<IRunEvent> events)
    {
        Assert.IsType<RunFinished>(events[^1]);
        return events.OfType<CheckpointWritten>().Last().WeightsSha256;
    }

    string Sequential(long steps)
    {
        using var device = new ReferenceDevice();
        var trainer = _run.Sequential(steps, device);
        trainer.Run();
        return trainer.Digest();
    }

    [Fact]
    public void Two_devices_one_device_and_any_number_of_loaders_give_the_bits_of_the_sequential_trainer()
    {
        string expected = Sequential(Steps);
        Assert.Equal(expected, Digest(Run(_run.Settings(Steps, loaders: 1, "two"), [Reference, Reference], 1)));
        Assert.Equal(expected, Digest(Run(_run.Settings(Steps, loaders: 2, "one"), [Reference], 2)));
        Assert.Equal(expected, Digest(Run(_run.Settings(Steps, loaders: 3, "three-loaders"), [Reference, Reference], 3)));
    }

    [Fact]
    public void Training_changes_the_bits() => Assert.NotEqual(Sequential(1), Sequential(2));

    [Fact]
    public void A_run_that_goes_on_from_a_checkpoint_ends_with_the_same_bits()
    {
        Run(_run.Settings(4), [Reference, Reference]);
        var folder = new CheckpointFolder(Path.Combine(_run.Folder, "run"));
        var (manifest, _, checkpoint) = folder.NewestWhole(_ => { })!.Value;
        Assert.Equal(4, manifest.Progress.Steps);
        var resumed = Run(_run.Settings(Steps) with { Resume = checkpoint, Progress = manifest.Progress }, [Reference, Reference]);
        Assert.Equal(Sequential(Steps), Digest(resumed));
        Assert.Equal(Enumerable.Range(4, Steps - 4).Select(n => (long)n), resumed.OfType<StepCompleted>().Select(e => e.Step));
    }

    [Fact]
    public void A_device_that_cannot_be_opened_ends_the_run_with_its_reason()
    {
        var broken = new DeviceFactory("broken", "reference", "reference", () => throw new InvalidOperationException("no such device: use another"));
        var events = Run(_run.Settings(Steps), [Reference, broken]);
        Assert.Equal("tower B on broken, open broken: no such device: use another", Assert.IsType<RunFailed>(events[^1]).Reason);
    }

    [Fact]
    public void A_loader_without_its_data_ends_the_run_with_its_reason()
    {
        var events = _run.RunGroup(_run.Settings(Steps), _run.Means([Reference]) with { DataPath = Path.Combine(_run.Folder, "nothing") });
        Assert.Contains("there is no folder", Assert.IsType<RunFailed>(events[^1]).Reason);
    }

    [Fact]
    public void A_tower_that_never_answers_is_named_when_the_deadline_passes()
    {
        using var forever = new ManualResetEventSlim();
        var stuck = new DeviceFactory("stuck", "reference", "reference", () => { forever.Wait(TimeSpan.FromSeconds(30)); return new ReferenceDevice(); });
        var events = Run(_run.Settings(Steps) with { StepDeadline = TimeSpan.FromSeconds(1) }, [Reference, stuck]);
        forever.Set();
        Assert.Equal("waited 1 s for tower B to open its device and its connections", Assert.IsType<RunFailed>(events[^1]).Reason);
    }

    [Fact]
    public void Checkpoints_that_cannot_be_written_end_the_run_with_the_place()
    {
        File.WriteAllText(Path.Combine(_run.Folder, "run"), "a file where the folder should be");
        var events = Run(_run.Settings(Steps), [Reference]);
        Assert.Contains("cannot write the checkpoint", Assert.IsType<RunFailed>(events[^1]).Reason);
    }

    [Fact]
    public void An_archive_that_fails_in_a_way_that_nobody_thought_of_is_tried_once_more_and_then_named()
    {
        var events = Run(_run.Settings(1) with { Checkpoints = "no\0path", StepDeadline = TimeSpan.FromSeconds(10) }, [Reference]);
        string reason = Assert.IsType<RunFailed>(events[^1]).Reason;
        Assert.StartsWith("archive, Null character in path", reason);
        Assert.Equal(reason, Assert.Single(events.OfType<GroupBroken>()).Why);
    }
}
