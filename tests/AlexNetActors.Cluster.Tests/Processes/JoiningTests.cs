using System.Diagnostics;
using AlexNetActors.App;
using AlexNetActors.Data;
using AlexNetActors.Tests.App;

namespace AlexNetActors.Cluster.Tests;

/// <summary>Nodes start in any order; those that do not belong to the run are told what differs.</summary>
public sealed class JoiningTests : IDisposable
{
    readonly Workshop _workshop = new();

    public void Dispose() => _workshop.Dispose();

    /// <summary>c: coordinator, g: gpu, l: loader; together in one process without a space between.</summary>
    [Theory]
    [InlineData("cgl g")]
    [InlineData("g cgl")]
    [InlineData("cl g g")]
    [InlineData("g g cl")]
    [InlineData("g cl g")]
    [InlineData("c g g l l")]
    [InlineData("l l g g c")]
    [InlineData("g l c l g")]
    public void Nodes_start_in_any_order(string order)
    {
        using var cluster = new ProcessCluster(_workshop);
        NodeProcess? coordinator = null;
        foreach (var (node, i) in order.Split(' ').Select((n, i) => (n, i)))
        {
            if (i > 0) cluster.Nodes[^1].WaitFor("waiting for a coordinator"); // it is up; that nobody is there to join yet may be
            if (node.StartsWith('c')) coordinator = cluster.StartCoordinator(3, string.Join(',', node.Select(Role)));
            else if (node == "g") cluster.StartGpu($"gpu-{i}");
            else cluster.StartLoader($"loader-{i}");
        }
        coordinator!.WaitForEnd().Expect(0);
    }

    [Fact]
    public void A_node_that_stood_still_while_all_waited_for_a_coordinator_joins_again()
    {
        using var cluster = new ProcessCluster(_workshop);
        cluster.Add("seed", cluster.SeedPort, "--roles", "loader", "--data", _workshop.Data).WaitFor("founds a cluster");
        var gpu = cluster.StartGpu("gpu-1");
        foreach (var node in new[] { gpu, cluster.StartGpu("gpu-2") }) node.WaitFor("joins the cluster");
        gpu.Signal("STOP");
        var coordinator = cluster.Add("coordinator", 0, "--roles", "coordinator", "--recipe", _workshop.RecipeFile, "--data", _workshop.Data, "--run", _workshop.In("run"), "--steps", "3", "--json");
        coordinator.WaitFor("is admitted"); // no sooner than the other has been removed
        gpu.Signal("CONT");
        gpu.WaitFor("the cluster has put this node out");
        coordinator.WaitForEnd().Expect(0);
        gpu.WaitForEnd().Expect(0);
    }

    /// <summary>Akka.Remote never has them hear each other where one stood still while the other first dialled it: another actor system is heard.</summary>
    [Fact]
    public void A_node_that_stood_still_while_its_seed_came_is_let_in()
    {
        int port = FreePorts.Take();
        using var cluster = new ProcessCluster(_workshop) { MoreSeedPorts = [port] };
        var gpu = cluster.Add("gpu", port, "--roles", "gpu,loader", "--data", _workshop.Data);
        gpu.WaitFor(" asks ");
        gpu.Signal("STOP");
        var coordinator = cluster.StartCoordinator(3, "coordinator,gpu"); // dials it, as it is a seed, too
        coordinator.WaitFor("founds a cluster");
        Thread.Sleep(9000); // longer than Akka waits for an answer when it dials
        gpu.Signal("CONT");
        coordinator.WaitForEnd().Expect(0);
        gpu.WaitForEnd().Expect(0);
    }

    static string Role(char c) => c switch { 'c' => "coordinator", 'g' => "gpu", _ => "loader" };

    [Fact]
    public void A_node_with_another_recipe_is_refused_with_what_differs()
    {
        using var cluster = new ProcessCluster(_workshop);
        var coordinator = cluster.StartCoordinator(3, "coordinator,loader");
        var refused = cluster.StartGpu("gpu", "--recipe", _workshop.RecipeFile, "--set", "schedule.rate=0.02").WaitForEnd().Expect(2);
        Assert.Contains("was given another recipe than the coordinator, it differs in schedule.rate (0.02, here 0.01)", refused.Err);
        coordinator.WaitFor("refused: ");
        foreach (string name in new[] { "gpu-1", "gpu-2" }) cluster.StartGpu(name, "--recipe", _workshop.RecipeFile);
        coordinator.WaitForEnd().Expect(0);
    }

    [Fact]
    public void A_loader_with_other_packs_is_refused_with_their_digests()
    {
        string other = _workshop.In("other");
        BuiltInPictures.Create(other, new BuiltInSettings(Workshop.Records + 1, Workshop.ValidationRecords, RecordSize: 36)).Dispose();
        using var cluster = new ProcessCluster(_workshop);
        var coordinator = cluster.StartCoordinator(3, "coordinator,gpu,loader");
        var refused = cluster.Add("loader", FreePorts.Take(), "--roles", "loader", "--data", other).WaitForEnd().Expect(2);
        Assert.Contains($"has another data set than the coordinator (digest", refused.Err);
        Assert.Contains($"with {Workshop.Records + 1} training records", refused.Err);
        cluster.StartGpu("gpu");
        coordinator.WaitForEnd().Expect(0);
    }

    [Fact]
    public void A_device_of_another_kind_than_the_run_began_on_is_refused()
    {
        _workshop.TrainTo("run", 2);
        using var cluster = new ProcessCluster(_workshop);
        cluster.StartCoordinator(3, "coordinator,loader");
        Assert.Contains("has devices of kind reference, the run was begun on cpu-fast", cluster.StartGpu("gpu", "--device", "reference").WaitForEnd().Expect(2).Err);
    }

    [Theory]
    [InlineData("--roles gpus", "--roles has 'gpus': wanted one or more of coordinator, gpu, loader")]
    [InlineData("--roles gpu --run x", "--run is for nodes with the role coordinator")]
    [InlineData("--roles gpu --data x", "--data is for nodes with the role coordinator or loader")]
    [InlineData("--roles loader --device cpu", "--device is for nodes with the role gpu")]
    [InlineData("--roles gpu --towers C", "--towers is C for 1 device")]
    [InlineData("--roles gpu --listen nowhere", "--listen has 'nowhere': wanted HOST:PORT")]
    [InlineData("--roles gpu --listen 192.0.2.1:2012", "alexnet certificates", 2)]
    [InlineData("--roles gpu --unencrypted --listen 0.0.0.0:2012", "--listen has '0.0.0.0:2012': '0.0.0.0' stands for every address of this machine")]
    [InlineData("--roles gpu --listen [::1]:2012", "--listen has '[::1]:2012': '::1' is an IPv6 address, and nodes talk over IPv4: give a host's name or its IPv4 address")]
    [InlineData("--roles gpu --seeds node-1:2012,[fe80::1]:2012", "--seeds has '[fe80::1]:2012': 'fe80::1' is an IPv6 address")]
    [InlineData("--roles gpu --certificates /nowhere", "/nowhere", 2)]
    [InlineData("--roles gpu --set alexnet.cluster.tensor-prot=1", "did you mean alexnet.cluster.tensor-port")]
    public void Wrong_use_is_one_line(string args, string message, int code = 2)
    {
        var result = NodeProcess.Start("node", args.Split(' ')).WaitForEnd().Expect(code);
        Assert.Contains(message, result.Err);
        Assert.Single(result.Err.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public void A_port_that_is_taken_is_one_line()
    {
        using var cluster = new ProcessCluster(_workshop);
        cluster.StartCoordinator(3).WaitFor("founds a cluster");
        var result = NodeProcess.Start("second", "--roles", "gpu", "--listen", $"127.0.0.1:{cluster.SeedPort}").WaitForEnd().Expect(1);
        Assert.Contains($"cannot listen on 127.0.0.1:{cluster.SeedPort}", result.Err);
        Assert.Single(result.Err.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }
}
