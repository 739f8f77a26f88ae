using Akka.Actor;
using AlexNetActors.Actors;

namespace AlexNetActors.Cluster.Tests;

/// <summary>With everything that node.conf refuses, a cluster still does what a cluster is for.</summary>
public sealed class FormationTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Three_members_have_one_singleton_and_the_next_oldest_takes_it_over(bool encrypted)
    {
        using var cluster = new TestCluster(encrypted);
        string[] answers = [.. cluster.Members.Select(m => TestCluster.AskSingleton(m, "hello"))];
        Assert.All(answers, a => Assert.Equal($"hello at {cluster.Port}", a));

        TestCluster.Cluster(cluster.Members[0]).Leave(cluster.Address);
        Wait.Until(() => cluster.Members[0].WhenTerminated.IsCompleted, () => "the first member has not left");
        cluster.WaitUntilWhole();
        string after = TestCluster.AskSingleton(cluster.Members[1], "again");
        Assert.NotEqual($"again at {cluster.Port}", after);
        Assert.Equal(after, TestCluster.AskSingleton(cluster.Members[2], "again"));
    }

    [Fact]
    public void A_long_recipe_passes_and_a_watched_actor_is_missed_when_it_stops()
    {
        using var cluster = new TestCluster(encrypted: true);
        string recipe = new('x', 32_000);
        var away = cluster.Members[1].ActorOf(Props.Create(() => new Answering()), "away");
        var remote = ((ExtendedActorSystem)cluster.Members[2]).Provider.ResolveActorRef(away.Path.ToSerializationFormatWithAddress(TestCluster.Cluster(cluster.Members[1]).SelfAddress));
        Assert.Equal(recipe, TestCluster.Ask(remote, recipe));
        int ends = 0;
        Action ended = () => Interlocked.Increment(ref ends);
        cluster.Members[2].ActorOf(Props.Create(() => new Watcher(remote, ended)));
        TestCluster.Ask(remote, "the watch has arrived before this");
        cluster.Members[1].Stop(away);
        Wait.Until(() => Volatile.Read(ref ends) == 1, () => "its end was not heard");
    }

    /// <summary>What knows of the death is not what waits for heartbeats: the one is told by the other, by a way that Akka does not promise.</summary>
    [Fact]
    public void Who_is_known_to_be_dead_is_unreachable_whatever_its_heartbeats_say()
    {
        using var cluster = new TestCluster(encrypted: false);
        var (here, dead) = (TestCluster.Cluster(cluster.Members[0]), TestCluster.Cluster(cluster.Members[2]).SelfAddress);
        Wait.Until(() =>
        {
            CertainFailureDetector.Tell(here, dead); // which has to have begun
            return here.State.Unreachable.Any(m => m.Address.Equals(dead));
        }, () => $"{here.State}");
    }

    sealed class Watcher : ReceiveActor
    {
        public Watcher(IActorRef watched, Action ended)
        {
            Context.Watch(watched);
            Receive<Terminated>(_ => ended());
        }
    }

    sealed class Answering : ReceiveActor
    {
        public Answering() => Receive<GroupWaits>(m => Sender.Tell(m));
    }
}
