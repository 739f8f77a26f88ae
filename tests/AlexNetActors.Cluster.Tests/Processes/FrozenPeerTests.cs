using AlexNetActors.Tests.App;

namespace AlexNetActors.Cluster.Tests;

/// <summary>
/// A process that stands still (SIGSTOP) in a state of the group: the others say within their deadlines who, in which exchange or for which
/// batch, and at which step.
/// </summary>
public sealed class FrozenPeerTests : IDisposable
{
    const int Steps = 100_000; // it is never done

    static readonly string[] Deadlines =
    [
        "--set", "alexnet.cluster.idle-deadline=2s", "--set", "alexnet.cluster.handshake-deadline=2s", "--set", "alexnet.cluster.connect-deadline=4s",
        "--set", "alexnet.batch-deadline=2s", "--set", "alexnet.step-deadline=10s",
    ];

    readonly Workshop _workshop = new();
    readonly Dictionary<string, NodeProcess> _peers = [];
    readonly ProcessCluster _cluster;

    public FrozenPeerTests() => _cluster = new ProcessCluster(_workshop) { Common = Deadlines };

    public void Dispose()
    {
        _cluster.Dispose();
        _workshop.Dispose();
    }

    void Start(params string[] peers)
    {
        foreach (string peer in peers)
            _peers[peer] = peer switch
            {
                "coordinator" => _cluster.StartCoordinator(Steps),
                "loader" => _cluster.StartLoader(peer),
                _ => _cluster.StartGpu(peer, "--towers", peer[^1..]),
            };
    }

    /// <summary>host:port by which the others call it: "HOST:PORT joins the cluster".</summary>
    string NameOf(string peer) => _peers[peer].WaitFor(" joins the cluster").Split(' ')[0];

    void WaitForSteps(int steps) =>
        Wait.Until(() => _workshop.Metrics("run", "step").Count >= steps, () => $"step {steps} is not reached:\n{_cluster}");

    /// <summary>Waits for a line of any other peer that fits.</summary>
    void ExpectFromTheOthers(string frozen, string pattern)
    {
        bool Said() => _peers.Where(p => p.Key != frozen).SelectMany(p => p.Value.Lines).Any(l => System.Text.RegularExpressions.Regex.IsMatch(l, pattern));
        Wait.Until(Said, () => $"nobody has said '{pattern}':\n{_cluster}");
    }

    const string Standing = @"; tower {0} was (in (exchange|forward|backward) \S+( forward| backward)? of|in (loss|update) of|done with|waiting for the batch of) (step|evaluation batch) \d+$";

    [Theory]
    [InlineData("tower-A", 2)]
    [InlineData("tower-B", 9)]
    public void A_tower_that_freezes_in_a_step_is_named_with_the_exchange_and_the_step(string peer, int step)
    {
        Start("coordinator", "loader", "tower-A", "tower-B");
        WaitForSteps(step);
        _peers[peer].Signal("STOP");
        string other = peer == "tower-A" ? "B" : "A", name = NameOf(peer);
        ExpectFromTheOthers(peer, $"{name} .*sent nothing for 2 s: its process hangs.*{string.Format(null, Standing, other)}"); // whoever noticed, the other tower says where
        ExpectFromTheOthers(peer, $"{name} is gone (in (step|evaluation batch) \\d+|while the checkpoint after step \\d+ was written): ");
    }

    [Fact]
    public void A_loader_that_freezes_is_named_with_the_batch()
    {
        Start("coordinator", "loader", "tower-A", "tower-B");
        WaitForSteps(8);
        _peers["loader"].Signal("STOP");
        string name = NameOf("loader");
        ExpectFromTheOthers("loader", $"lost a connection: {name} at .* sent nothing for 2 s: .*{string.Format(null, Standing, "[AB]")}");
        ExpectFromTheOthers("loader", $@"waiting for {name} to bring the batch of (step|evaluation batch) \d+|{name} serves no more: .*");
    }

    [Fact]
    public void A_coordinator_that_freezes_is_named_by_the_towers_with_the_step()
    {
        Start("coordinator", "loader", "tower-A", "tower-B");
        WaitForSteps(5);
        _peers["coordinator"].Signal("STOP");
        ExpectFromTheOthers("coordinator", $"lost a connection: archive at 127.0.0.1:.* sent nothing for 2 s: .*{string.Format(null, Standing, "[AB]")}");
    }

    [Theory]
    [InlineData("tower-A")]
    [InlineData("tower-B")]
    [InlineData("loader")]
    public void A_member_that_freezes_before_the_group_forms_is_named(string peer)
    {
        string last = peer == "tower-B" ? "tower-A" : "tower-B";
        Start([.. new[] { "coordinator", "loader", "tower-A", "tower-B" }.Where(p => p != last)]);
        foreach (var early in _peers.Values) early.WaitFor("is admitted");
        _peers[peer].Signal("STOP");
        Start(last);
        string name = NameOf(peer);
        ExpectFromTheOthers(peer, peer == "loader"
            ? $@"{name}.* (serves no more|leaves): |waited 10 s for tower A and tower B to open"
            : $@"{name} (leaves: |.*took too long to come to terms)|waited 10 s for tower {peer[^1]} to open its device and its connections");
    }

    /// <summary>Akka's defaults shut the joining node out for good, and put out all when the frozen one was not removed within 7 s.</summary>
    [Fact]
    public void A_machine_that_stands_still_while_one_node_is_frozen_and_one_joins_puts_no_other_out()
    {
        Start("coordinator", "loader", "tower-A");
        foreach (var early in _peers.Values) early.WaitFor("is admitted");
        _peers["tower-A"].Signal("STOP");
        Start("tower-B");
        _peers["tower-B"].WaitFor("is admitted");
        NodeProcess[] others = [_peers["coordinator"], _peers["loader"], _peers["tower-B"]];
        foreach (var other in others) other.Signal("STOP");
        Thread.Sleep(4000); // longer than the cluster's patience
        foreach (var other in others) other.Signal("CONT");
        _peers["coordinator"].WaitFor("this process stood still for ");
        _peers["coordinator"].WaitFor($"{NameOf("tower-A")} leaves: ");
        Assert.DoesNotContain(others.SelectMany(o => o.Lines), l => l.Contains("has put this node out"));
        _peers["spare"] = _cluster.StartGpu("spare", "--towers", "A");
        WaitForSteps(1);
    }

    [Fact]
    public void A_run_of_a_cluster_that_learns_nothing_is_told_so()
    {
        _peers["coordinator"] = _cluster.StartCoordinator(Steps, "coordinator,gpu,loader", "--set", "schedule.rate=0.000001", "--set", "network.fc8.deviation=0.0001");
        Start("tower-B");
        _peers["coordinator"].WaitFor("the loss has sat at 2.30 = ln(10) for 300 steps");
    }
}
