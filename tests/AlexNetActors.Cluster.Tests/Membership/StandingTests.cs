using System.Collections.Concurrent;
using Akka.Actor;
using AlexNetActors.Actors;
using AlexNetActors.App;

namespace AlexNetActors.Cluster.Tests;

/// <summary>A node that was put out asks the others how they stand before it thinks of a cluster of its own.</summary>
public sealed class StandingTests
{
    static readonly TimeSpan EndMax = TimeSpan.FromSeconds(60);

    static Address Node(int port) => new("akka.tcp", "alexnet", "127.0.0.1", port);

    static Address? Founder(params (int Port, Standing Standing)[] others) => Founding.Founder(Node(1), [.. others.Select(o => (Node(o.Port), o.Standing))], ["127.0.0.1:9", "127.0.0.1:1", "127.0.0.1:2"]);

    [Fact]
    public void While_anyone_can_let_it_in_it_founds_nothing() =>
        Assert.All([Standing.Member, Standing.Led], s => Assert.Null(Founder((2, Standing.Outside), (3, Standing.Outside), (4, Standing.Dead), (5, s))));

    [Fact]
    public void Most_of_them_are_accounted_for_before_one_begins()
    {
        Assert.Null(Founder((2, Standing.Outside), (3, Standing.Silent), (4, Standing.Silent)));
        Assert.Equal(Node(1), Founder((2, Standing.Outside), (3, Standing.Dead), (4, Standing.Silent)));
        Assert.Equal(Node(1), Founder((2, Standing.Dead), (3, Standing.Dead)));
    }

    [Fact]
    public void The_first_seed_that_is_there_begins_or_the_lowest_address()
    {
        Assert.Equal(Node(9), Founder((2, Standing.Outside), (9, Standing.Outside)));
        Assert.Equal(Node(1), Founder((2, Standing.Outside), (9, Standing.Dead)));
        Assert.Equal(Node(3), Founding.Founder(Node(4), [(Node(3), Standing.Outside)], ["127.0.0.1:9"]));
    }

    [Fact]
    public void Only_who_has_been_without_a_coordinator_for_a_while_goes_to_another_cluster()
    {
        Assert.Equal([Node(2), Node(3)], Reunion.Goals(Reunion.Patience, [Node(2), Node(3)]));
        Assert.Empty(Reunion.Goals(Reunion.Patience / 2, [Node(2)]));
        Assert.Empty(Reunion.Goals(TimeSpan.Zero, [Node(2)])); // one may be in its own
        Assert.Empty(Reunion.Goals(10 * Reunion.Patience, []));
    }

    [Fact]
    public void Of_two_clusters_with_a_coordinator_one_is_stronger_and_only_who_has_waited_for_members_for_long_goes_there()
    {
        ClusterStrength two = new(2, "127.0.0.1:3"), three = new(3, "127.0.0.1:7");
        Assert.True(three.IsMoreThan(two));
        Assert.False(two.IsMoreThan(three));
        Assert.True(two.IsMoreThan(three with { Members = 2 }));
        Assert.False((three with { Members = 2 }).IsMoreThan(two));
        Assert.False(two.IsMoreThan(two));
        Assert.Equal([Node(2)], Reunion.GoalsOfTheIdle(Reunion.PatienceOfTheIdle, [Node(2)]));
        Assert.Empty(Reunion.GoalsOfTheIdle(Reunion.Patience, [Node(2)]));
    }

    [Fact]
    public void A_seed_that_may_stand_still_is_left_alone_for_longer_than_one_that_has_died()
    {
        Assert.True(Reunion.MayAsk(Reunion.Patience, died: true));
        Assert.False(Reunion.MayAsk(Reunion.Patience, died: false));
        Assert.True(Reunion.MayAsk(Reunion.PatienceWithTheSilent, died: false));
    }

    [Fact]
    public async Task A_coordinator_counts_in_another_cluster_only()
    {
        using var cluster = new TestCluster(encrypted: false);
        var settings = cluster.Settings(FreePorts.Take(), null);
        var first = ClusterSystem.Start(settings with { Seeds = [$"127.0.0.1:{settings.Port}"], Roles = ["coordinator"] }, TestCluster.Node);
        var founder = TestCluster.Cluster(first).SelfAddress;
        var second = ClusterSystem.Start(cluster.Settings(0, null) with { Seeds = [Majority.NodeName(founder)] }, TestCluster.Node);
        foreach (var system in (ActorSystem[])[first, second, .. cluster.Members]) system.ActorOf(Says(), StandingActor.Name);
        Wait.Until(() => StandingActor.IsMember(TestCluster.Cluster(second)), () => "it is not let in");

        Assert.Equal(Standing.Led, await StandingActor.Of(cluster.Members[0], founder, null));
        Assert.Equal(Standing.Led, await StandingActor.Of(cluster.Members[0], TestCluster.Cluster(second).SelfAddress, null));
        Assert.Equal(Standing.Member, await StandingActor.Of(second, founder, null)); // its own
        Assert.Equal(Standing.Member, await StandingActor.Of(first, cluster.Address, null)); // has none
        await Task.WhenAll(second.Terminate(), first.Terminate()).WaitAsync(EndMax);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Of_two_clusters_the_one_without_a_coordinator_hears_of_the_other_whoever_knows_whom(bool seedIsLed)
    {
        using var cluster = new TestCluster(encrypted: false);
        var settings = cluster.Settings(FreePorts.Take(), null);
        var coordinator = ClusterSystem.Start(settings with { Seeds = [$"127.0.0.1:{settings.Port}"], Roles = ["coordinator"] }, TestCluster.Node);
        var led = TestCluster.Cluster(coordinator).SelfAddress;
        ConcurrentQueue<object> heard = [];
        IActorRef Observe(ActorSystem of) => of.ActorOf(Props.Create(() => new Observer(heard)));
        cluster.Members[0].ActorOf(StandingActor.Props(seedIsLed ? [led] : [], null, Observe(cluster.Members[0])), StandingActor.Name).Tell(new NodeDied(led)); // before this one came
        coordinator.ActorOf(StandingActor.Props(seedIsLed ? [] : [cluster.Address], null, Observe(coordinator)), StandingActor.Name).Tell(new NodeDied(cluster.Address));
        Wait.Until(() => !heard.IsEmpty, () => "nothing was heard");
        Assert.All(heard, h => Assert.Equal([led], Assert.IsType<CoordinatorElsewhere>(h).Through));
        coordinator.Terminate();
        Wait.Until(() => coordinator.WhenTerminated.IsCompleted, () => "it does not end");
    }

    sealed class Observer : ReceiveActor
    {
        public Observer(ConcurrentQueue<object> heard) => ReceiveAny(heard.Enqueue);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_node_says_whether_it_is_in_a_cluster(bool encrypted)
    {
        using var cluster = new TestCluster(encrypted);
        cluster.Members[0].ActorOf(Says(), StandingActor.Name);
        var asks = cluster.Certify("asks");
        int seedless = FreePorts.Take();
        var lone = Lone(cluster, "lone", FreePorts.Take(), seedless);
        lone.ActorOf(Says(), StandingActor.Name);
        Assert.Equal(Standing.Member, await StandingActor.Of(lone, cluster.Address, asks));
        Assert.Equal(Standing.Outside, await StandingActor.Of(cluster.Members[0], TestCluster.Cluster(lone).SelfAddress, asks));
        Assert.Equal(Standing.Silent, await StandingActor.Of(lone, TestCluster.Cluster(cluster.Members[1]).SelfAddress, asks)); // has nobody to ask
        Assert.Equal(Standing.Dead, await StandingActor.Of(lone, cluster.Address.WithPort(seedless), asks));
        await lone.Terminate().WaitAsync(EndMax);
    }

    /// <summary>Over TLS one in ten got its first answer after 4 s, when something else was sent: node.conf, batching.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Whoever_connects_is_answered_at_once(bool encrypted)
    {
        using var cluster = new TestCluster(encrypted);
        cluster.Members[0].ActorOf(Says(), StandingActor.Name);
        var asks = cluster.Certify("asks");
        int seedless = FreePorts.Take();
        List<Task> ends = [];
        for (int i = 0; i < 20; i++)
        {
            var lone = Lone(cluster, $"lone-{i}", 0, seedless);
            Assert.Equal(Standing.Member, await StandingActor.Of(lone, cluster.Address, asks)); // or Silent, after the 2 s that it waits for an answer
            ends.Add(lone.Terminate());
        }
        await Task.WhenAll(ends).WaitAsync(EndMax);
    }

    /// <summary>Akka ends the actor system of whoever dials by TLS and meets none.</summary>
    [Fact]
    public async Task A_stranger_at_a_nodes_port_is_a_dead_node_whom_Akka_does_not_dial()
    {
        using var cluster = new TestCluster(encrypted: true);
        using var hangsUp = new FalseNode();
        using var saysNothing = new FalseNode();
        hangsUp.HangUpOnAll();
        var asks = cluster.Certify("asks");
        Assert.Equal(Standing.Dead, await StandingActor.Of(cluster.Members[1], cluster.Address.WithPort(hangsUp.Port), asks));
        Assert.Equal(1, hangsUp.Calls);
        Assert.Equal(Standing.Silent, await StandingActor.Of(cluster.Members[1], cluster.Address.WithPort(saysNothing.Port), asks));
        cluster.WaitUntilWhole();
        Assert.All(cluster.Members, m => Assert.False(m.WhenTerminated.IsCompleted));
    }

    static Props Says(params Address[] seeds) => StandingActor.Props(seeds, null, ActorRefs.Nobody);

    /// <summary>A node that joins nobody, as nobody listens where its seed should be.</summary>
    static ActorSystem Lone(TestCluster cluster, string name, int port, int seedless) =>
        ClusterSystem.Start(cluster.Settings(port, cluster.Certify(name)) with { Seeds = [$"127.0.0.1:{seedless}"] }, TestCluster.Node);
}
