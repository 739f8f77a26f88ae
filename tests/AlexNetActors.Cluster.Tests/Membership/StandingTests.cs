using Akka.Actor;
using AlexNetActors.Actors;
using AlexNetActors.App;

namespace AlexNetActors.Cluster.Tests;

/// <summary>A node that was put out asks the others how they stand before it thinks of a cluster of its own.</summary>
public sealed class StandingTests
{
    /// <summary>Who is in no cluster waits 10 s to leave it.</summary>
    static readonly TimeSpan EndMax = TimeSpan.FromSeconds(60);

    static Address Node(int port) => new("akka.tcp", "alexnet", "127.0.0.1", port);

    static Address? Founder(params (int Port, Standing Standing)[] others) => Founding.Founder(Node(1), [.. others.Select(o => (Node(o.Port), o.Standing))], ["127.0.0.1:9", "127.0.0.1:1", "127.0.0.1:2"]);

    [Fact]
    public void While_anyone_can_let_it_in_it_founds_nothing() =>
        Assert.Null(Founder((2, Standing.Outside), (3, Standing.Outside), (4, Standing.Dead), (5, Standing.Member)));

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

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_node_says_whether_it_is_in_a_cluster(bool encrypted)
    {
        using var cluster = new TestCluster(encrypted);
        cluster.Members[0].ActorOf(StandingActor.Props(), StandingActor.Name);
        var asks = cluster.Certify("asks");
        int seedless = FreePorts.Take();
        var lone = Lone(cluster, "lone", FreePorts.Take(), seedless);
        lone.ActorOf(StandingActor.Props(), StandingActor.Name);
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
        cluster.Members[0].ActorOf(StandingActor.Props(), StandingActor.Name);
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

    /// <summary>A node that joins nobody, as nobody listens where its seed should be.</summary>
    static ActorSystem Lone(TestCluster cluster, string name, int port, int seedless) =>
        ClusterSystem.Start(cluster.Settings(port, cluster.Certify(name)) with { Seeds = [$"127.0.0.1:{seedless}"] }, TestCluster.Node);
}
