using Akka.Actor;
using Akka.Cluster.Tools.Singleton;
using AlexNetActors.Actors;

namespace AlexNetActors.Cluster.Tests;

/// <summary>
/// Stands where the NodeActor stands, with a singleton and a proxy for it as its children. It answers every <see cref="GroupWaits"/>, and so
/// does the singleton, with the words and the address of who heard them.
/// </summary>
sealed class TestNode : ReceiveActor
{
    public const string Name = "node", Singleton = "coordinator", Proxy = "proxy";

    public TestNode()
    {
        Context.ActorOf(ClusterSingletonManager.Props(Props.Create(() => new Echo()), PoisonPill.Instance, ClusterSingletonManagerSettings.Create(Context.System)), Singleton);
        Context.ActorOf(ClusterSingletonProxy.Props($"/user/{Name}/{Singleton}", ClusterSingletonProxySettings.Create(Context.System)), Proxy);
        Receive<GroupWaits>(m => Sender.Tell(Echo.Answer(m, Context.System)));
    }

    sealed class Echo : ReceiveActor
    {
        public Echo() => Receive<GroupWaits>(m => Sender.Tell(Answer(m, Context.System)));

        public static GroupWaits Answer(GroupWaits heard, ActorSystem at) => heard with { For = $"{heard.For} at {Akka.Cluster.Cluster.Get(at).SelfAddress.Port}" };
    }
}
