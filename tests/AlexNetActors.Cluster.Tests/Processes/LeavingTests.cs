using AlexNetActors.App;
using AlexNetActors.Tests.App;

namespace AlexNetActors.Cluster.Tests;

/// <summary>Nodes that are asked to stop lose nothing; those that are killed cost the steps since the last checkpoint, and no bit.</summary>
public sealed class LeavingTests : IDisposable
{
    const int Steps = 400;

    readonly Workshop _workshop = new();

    public void Dispose() => _workshop.Dispose();

    ProcessCluster Running(out NodeProcess coordinator, out NodeProcess gpu, out NodeProcess loader)
    {
        var cluster = new ProcessCluster(_workshop);
        coordinator = cluster.StartCoordinator(Steps, "coordinator,gpu");
        gpu = cluster.StartGpu("gpu");
        loader = cluster.StartLoader("loader-1");
        return cluster;
    }

    void WaitForSteps(int steps) =>
        Wait.Until(() => _workshop.Metrics("run", "step").Count >= steps, () => $"step {steps} is not reached");

    void ExpectWhole(NodeProcess coordinator)
    {
        Assert.Equal(_workshop.Expected(Steps), coordinator.WaitForEnd().Expect(0).Digest);
        Assert.Equal(Enumerable.Range(1, Steps), _workshop.Metrics("run", "step").Select(l => (int)l["step"]!));
        var ledger = Alexnet.Run("verify", _workshop.In("run"), "--json").Expect(0).Json["ledger"]!; // every sample once, whatever was killed
        Assert.Equal(Steps, (int)ledger["steps"]!);
    }

    [Fact]
    public void A_gpu_node_that_is_asked_to_stop_goes_after_a_checkpoint_and_a_spare_takes_its_tower()
    {
        using var cluster = Running(out var coordinator, out var gpu, out _);
        WaitForSteps(4);
        cluster.StartGpu("spare").WaitFor("is admitted");
        gpu.Signal("TERM");
        Assert.Contains("stopped as asked; the others go on", gpu.WaitForEnd().Expect(1).Err);
        ExpectWhole(coordinator);
    }

    [Fact]
    public void A_gpu_node_that_is_killed_is_replaced_by_a_spare_and_the_bits_stay()
    {
        using var cluster = Running(out var coordinator, out var gpu, out _);
        WaitForSteps(4);
        cluster.StartGpu("spare").WaitFor("is admitted");
        gpu.Kill();
        coordinator.WaitFor("group 2: ");
        ExpectWhole(coordinator);
    }

    [Fact]
    public void Loaders_that_stop_or_are_killed_are_replaced_by_the_others()
    {
        using var cluster = Running(out var coordinator, out _, out var first);
        var second = cluster.StartLoader("loader-2");
        var third = cluster.StartLoader("loader-3");
        foreach (var loader in new[] { first, second, third }) loader.WaitFor("is admitted");
        WaitForSteps(4);
        first.Signal("TERM");
        first.WaitForEnd().Expect(1);
        second.Kill();
        ExpectWhole(coordinator);
    }

    [Fact]
    public void A_coordinator_that_is_asked_to_stop_hands_over_to_another()
    {
        using var cluster = Running(out var coordinator, out var gpu, out _);
        var deputy = cluster.Add("deputy", FreePorts.Take(), "--roles", "coordinator,gpu", "--recipe", _workshop.RecipeFile, "--data", _workshop.Data, "--run", _workshop.In("run"), "--steps", $"{Steps}", "--json");
        foreach (var node in new[] { gpu, deputy }) node.WaitFor("is admitted"); // who is not, knows no seed once the coordinator has gone
        WaitForSteps(4);
        coordinator.Signal("TERM");
        Assert.Contains("stopped after step", coordinator.WaitForEnd().Expect(1).Err);
        ExpectWhole(deputy);
    }

    [Fact]
    public void The_last_one_writes_a_checkpoint_and_a_cluster_goes_on_from_there()
    {
        int steps;
        using (var cluster = Running(out var coordinator, out var gpu, out _))
        {
            WaitForSteps(4);
            coordinator.Signal("TERM");
            var stopped = coordinator.WaitForEnd().Expect(1);
            steps = (int)stopped.Json["step"]!;
            Assert.Equal(steps, (int)stopped.Json["checkpointStep"]!);
            Assert.Contains("stopped as asked", gpu.WaitForEnd().Out + gpu.WaitForEnd().Err);
        }
        using var again = Running(out var next, out _, out _);
        next.WaitFor($"training from step {steps}");
        ExpectWhole(next);
    }

    [Fact]
    public void A_node_that_is_stopped_before_it_is_admitted_goes_and_the_run_goes_on()
    {
        using var cluster = Running(out var coordinator, out _, out _);
        var late = cluster.StartLoader("late");
        late.WaitFor("waiting for a coordinator");
        late.Signal("TERM");
        late.WaitFor("stopped as asked");
        late.WaitForEnd().Expect(1);
        ExpectWhole(coordinator);
    }
}
