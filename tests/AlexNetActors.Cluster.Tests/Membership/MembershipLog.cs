using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Cluster;

namespace AlexNetActors.Cluster.Tests;

/// <summary>Everything that one member saw happen to the membership.</summary>
sealed class MembershipLog
{
    readonly ConcurrentQueue<string> _events = [];

    public MembershipLog(ActorSystem member) => member.ActorOf(Props.Create(() => new Listener(_events)));

    public IReadOnlyList<string> Events => [.. _events];

    sealed class Listener : ReceiveActor
    {
        public Listener(ConcurrentQueue<string> events)
        {
            Receive<ClusterEvent.IMemberEvent>(e => events.Enqueue($"{e.GetType().Name} {e.Member.Address}"));
            Receive<ClusterEvent.ReachabilityEvent>(e => events.Enqueue($"{e.GetType().Name} {e.Member.Address}"));
        }

        protected override void PreStart() =>
            Akka.Cluster.Cluster.Get(Context.System).Subscribe(Self, ClusterEvent.SubscriptionInitialStateMode.InitialStateAsSnapshot, typeof(ClusterEvent.IMemberEvent), typeof(ClusterEvent.ReachabilityEvent));
    }
}
