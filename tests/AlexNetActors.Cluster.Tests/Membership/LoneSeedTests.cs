using AlexNetActors.App;
using AlexNetActors.Model;
using AlexNetActors.Tests.App;

namespace AlexNetActors.Cluster.Tests;

/// <summary>The one seed that all nodes know, or the one that answers, is killed and started again: it founds a cluster anew, and those who need each other come together.</summary>
public sealed class LoneSeedTests : IDisposable
{
    const int Steps = 100;

    /// <summary>What the nodes remember is newer than what lies on the disk.</summary>
    static readonly string[] Snapshots = ["--set", "alexnet.snapshot-steps=1", "--set", "checkpoint-steps=1000"];

    readonly Workshop _workshop = new();

    public void Dispose() => _workshop.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_others_come_to_a_coordinator_that_was_killed_and_the_run_goes_on_from_their_memory(bool encrypted)
    {
        if (encrypted) Alexnet.Run("certificates", _workshop.In("certificates"), "--nodes", "127.0.0.1").Expect(0);
        using var cluster = new ProcessCluster(_workshop) { Common = encrypted ? ["--certificates", Path.Combine(_workshop.In("certificates"), "127.0.0.1")] : [] };
        var coordinator = cluster.StartCoordinator(Steps, "coordinator", Snapshots);
        int Port() => encrypted ? FreePorts.Take() : 0;
        NodeProcess[] others = [
            cluster.Add("gpu-1", Port(), "--roles", "gpu"), cluster.Add("gpu-2", Port(), "--roles", "gpu"),
            cluster.Add("loader-1", Port(), "--roles", "loader", "--data", _workshop.Data), cluster.Add("loader-2", Port(), "--roles", "loader", "--data", _workshop.Data)];
        WaitForSteps(cluster, 20);

        coordinator.Kill();
        var again = cluster.StartCoordinator(Steps, "coordinator", Snapshots);
        again.WaitFor("founds a cluster");
        foreach (var other in others) other.WaitFor($"this cluster has no coordinator, that of 127.0.0.1:{cluster.SeedPort} has; this node goes there");
        again.WaitFor("group 101: "); // not 1 again, which they have heard before
        Assert.Matches(@"^training from step [1-9]\d*, with the weights of the memory of ", again.WaitFor("training from step "));
        ExpectWhole(again);
        foreach (var other in others) other.WaitForEnd().Expect(0);
    }

    [Fact]
    public void A_seed_that_is_no_coordinator_comes_back_to_the_cluster_that_has_one()
    {
        using var cluster = new ProcessCluster(_workshop);
        NodeProcess StartSeed() => cluster.Add("seed", cluster.SeedPort, "--roles", "gpu");
        var seed = StartSeed();
        var coordinator = cluster.Add("coordinator", 0, ["--roles", "coordinator", "--recipe", _workshop.RecipeFile, "--data", _workshop.Data, "--run", _workshop.In("run"), "--steps", $"{Steps}", "--json", .. Snapshots]);
        cluster.Add("gpu", 0, "--roles", "gpu");
        cluster.Add("loader", 0, "--roles", "loader", "--data", _workshop.Data);
        WaitForSteps(cluster, 20);

        seed.Kill();
        var again = StartSeed();
        again.WaitFor("founds a cluster");
        again.WaitFor("this cluster has no coordinator, that of ");
        again.WaitFor("is admitted");
        ExpectWhole(coordinator);
        again.WaitForEnd().Expect(0);
    }

    NodeProcess StartFirst(ProcessCluster cluster) => cluster.StartCoordinator(Steps, "coordinator,gpu", Snapshots);

    /// <summary>Each may be coordinator and has a tower; the first leads, some steps are done.</summary>
    (NodeProcess First, NodeProcess Second, NodeProcess Loader) StartTwoSeeds(ProcessCluster cluster, int port)
    {
        var first = StartFirst(cluster);
        var second = cluster.Add("second", port, ["--roles", "coordinator,gpu", "--recipe", _workshop.RecipeFile, "--data", _workshop.Data, "--run", _workshop.In("run"), "--steps", $"{Steps}", "--json", .. Snapshots]);
        var loader = cluster.Add("loader", 0, "--roles", "loader", "--data", _workshop.Data);
        WaitForSteps(cluster, 20);
        return (first, second, loader);
    }

    /// <summary>The second, awake, believes the first to be the coordinator of before and has it hand over, which is another cluster's by then.</summary>
    [Fact]
    public void A_first_seed_that_starts_again_while_the_second_stands_still_comes_back_to_it()
    {
        int port = FreePorts.Take();
        using var cluster = new ProcessCluster(_workshop) { MoreSeedPorts = [port] };
        var (first, second, loader) = StartTwoSeeds(cluster, port);

        second.Signal("STOP");
        first.Kill();
        var again = StartFirst(cluster);
        again.WaitFor("founds a cluster");
        second.Signal("CONT");
        foreach (var node in new[] { again, second, loader }) node.WaitForEnd().Expect(0);
        var (steps, folder) = _workshop.Checkpoints("run")[0];
        Assert.Equal((Steps, _workshop.Expected(Steps)), (steps, CheckpointManifest.Read(folder).WeightsSha256));
    }

    /// <summary>It does not answer, and has the run folder.</summary>
    [Fact]
    public void A_first_seed_that_starts_again_while_the_second_leads_and_stands_still_goes_to_it()
    {
        int port = FreePorts.Take();
        using var cluster = new ProcessCluster(_workshop) { MoreSeedPorts = [port] };
        var (first, second, loader) = StartTwoSeeds(cluster, port);

        first.Kill();
        second.WaitFor("run folder "); // has taken over
        second.Signal("STOP");
        var again = StartFirst(cluster);
        again.WaitFor($"127.0.0.1:{port}, which is of another cluster, trains into this node's run folder; this node goes there");
        second.Signal("CONT");
        Assert.Equal(_workshop.Expected(Steps), second.WaitForEnd().Expect(0).Digest);
        foreach (var node in new[] { again, loader }) node.WaitForEnd().Expect(0);
    }

    [Fact]
    public void A_seed_that_comes_back_while_another_coordinates_and_waits_for_its_device_goes_to_it()
    {
        using var cluster = new ProcessCluster(_workshop);
        NodeProcess StartSeed() => cluster.StartCoordinator(Steps, "coordinator,gpu", Snapshots);
        var seed = StartSeed();
        var deputy = cluster.Add("deputy", 0, ["--roles", "coordinator,gpu", "--recipe", _workshop.RecipeFile, "--data", _workshop.Data, "--run", _workshop.In("run-2"), "--steps", $"{Steps}", "--json", .. Snapshots]);
        cluster.Add("loader", 0, "--roles", "loader", "--data", _workshop.Data);
        WaitForSteps(cluster, 20);

        seed.Kill();
        var again = StartSeed();
        again.WaitFor("founds a cluster");
        again.WaitFor("this cluster's coordinator waits for members, and that of ");
        Assert.Equal(_workshop.Expected(Steps), deputy.WaitForEnd().Expect(0).Digest);
        again.WaitForEnd().Expect(0);
    }

    [Fact]
    public void A_node_that_is_asked_to_stop_while_it_leaves_for_another_cluster_goes_nowhere()
    {
        using var cluster = new ProcessCluster(_workshop);
        var coordinator = cluster.StartCoordinator(Steps);
        var gpu = cluster.Add("gpu", 0, "--roles", "gpu");
        foreach (var node in new[] { gpu, cluster.Add("other", 0, "--roles", "gpu") }) node.WaitFor("is admitted"); // two of three are the majority
        coordinator.Kill();
        cluster.StartCoordinator(Steps);
        gpu.WaitFor("this node goes there");
        gpu.Signal("TERM");
        Assert.Contains("stopped as asked", gpu.WaitForEnd().Expect(1).Err);
    }

    [Fact]
    public void A_coordinator_of_a_run_that_is_over_tells_those_who_come()
    {
        _workshop.TrainTo("run", 3);
        using var cluster = new ProcessCluster(_workshop);
        cluster.StartCoordinator(3).WaitFor("founds a cluster");
        var gpu = cluster.Add("gpu", 0, "--roles", "gpu");
        Assert.Contains("the run is over: all steps are done", gpu.WaitForEnd().Expect(0).Out);
    }

    void WaitForSteps(ProcessCluster cluster, int steps) =>
        Wait.Until(() => _workshop.Metrics("run", "step").Count >= steps, () => $"step {steps} is not reached:\n{cluster}");

    void ExpectWhole(NodeProcess coordinator)
    {
        Assert.Equal(_workshop.Expected(Steps), coordinator.WaitForEnd().Expect(0).Digest);
        Assert.Equal(Enumerable.Range(1, Steps), _workshop.Metrics("run", "step").Select(l => (int)l["step"]!));
    }
}
