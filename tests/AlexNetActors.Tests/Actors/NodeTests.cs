using Akka.Actor;
using Akka.Configuration;
using Akka.Dispatch.SysMsg;
using AlexNetActors.Actors;

namespace AlexNetActors.Tests.Actors;

/// <summary>What a node does that has lost one of its actors.</summary>
public sealed class NodeTests : IDisposable
{
    static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    readonly TinyRun _run = new();
    readonly ActorSystem _system = ActorSystem.Create("nodes", ConfigurationFactory.ParseString(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "hocon", "node.conf"))));

    public void Dispose()
    {
        _system.Terminate().Wait(Deadline);
        _run.Dispose();
    }

    sealed class Forwarder : ReceiveActor
    {
        public Forwarder(IActorRef to) => ReceiveAny(to.Forward);
    }

    static T Next<T>(Inbox inbox)
    {
        while (true)
            if (inbox.Receive(Deadline) is T message) return message;
    }

    NodeMeans WithoutItsPacks => _run.Means([], loaders: 1) with { DataPath = _run.Data.Path + "-gone" }; // as on a network drive after a cut

    [Fact]
    public void In_a_cluster_it_says_so_once_and_ends_and_the_others_may_go_on()
    {
        Inbox coordinator = Inbox.Create(_system), observer = Inbox.Create(_system);
        _system.ActorOf(NodeActor.Props(WithoutItsPacks, coordinator: null, proxy: Props.Create(() => new Forwarder(coordinator.Receiver)), observer.Receiver), "node");
        var broken = Next<NodeBroken>(coordinator);
        Assert.Equal("here", broken.Node);
        Assert.StartsWith("its loader-0 failed: ", broken.Reason);
        Assert.Contains("-gone", broken.Reason);
        var over = Next<RunOver>(observer);
        Assert.True(over.Failed);
        Assert.Contains("-gone", over.Why);
        Assert.Throws<TimeoutException>(() => coordinator.Receive(TimeSpan.FromSeconds(1))); // who offers is taken again; and nothing is said twice
    }

    /// <summary>A coordinator in another process, as far as this one can tell.</summary>
    sealed class Elsewhere : MinimalActorRef
    {
        public override ActorPath Path { get; } = new RootActorPath(new Address("akka.tcp", "nodes", "one", 2012)) / "coordinator";
        public override IActorRefProvider Provider => throw new NotSupportedException();
        public override bool IsLocal => false;
    }

    [Fact]
    public void One_that_was_asked_to_stop_and_loses_its_coordinator_waits_for_no_other()
    {
        Inbox proxied = Inbox.Create(_system), observer = Inbox.Create(_system);
        var node = _system.ActorOf(NodeActor.Props(_run.Means([], loaders: 0), coordinator: null, proxy: Props.Create(() => new Forwarder(proxied.Receiver)), observer.Receiver), "node");
        var coordinator = new Elsewhere();
        node.Tell(new NodeAdmitted(), coordinator);
        Next<NodeAdmitted>(observer);
        node.Tell(new StopRun());
        Next<NodeLeaves>(proxied);
        ((IInternalActorRef)node).SendSystemMessage(new DeathWatchNotification(coordinator, existenceConfirmed: true, addressTerminated: true));
        Next<NodeReleased>(observer);
    }

    [Fact]
    public void Where_it_is_the_whole_group_the_run_ends_with_the_reason()
    {
        var events = _run.RunGroup(_run.Settings(3), WithoutItsPacks);
        Assert.Contains("loader-0, ", Assert.IsType<RunFailed>(events[^1]).Reason);
        Assert.Contains("-gone", ((RunFailed)events[^1]).Reason);
    }
}
