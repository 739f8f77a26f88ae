using System.Reflection;
using Akka.Actor;
using Akka.Cluster;
using Akka.Configuration;
using Akka.Event;
using Akka.Remote;

namespace AlexNetActors.Actors;

/// <summary>
/// Akka's failure detector, which guesses from heartbeats that stay away, and which may be told: a member whose process is known to be dead
/// is unreachable at once, not after seconds. Named in node.conf.
/// </summary>
public sealed class CertainFailureDetector(Config config, EventStream events) : PhiAccrualFailureDetector(config, events)
{
    volatile bool _dead;

    public override bool IsAvailable => !_dead && base.IsAvailable;

    /// <summary>That member's process is dead. Nothing happens where this node does not watch it: then its heartbeats tell.</summary>
    public static void Tell(Cluster cluster, Address dead)
    {
        // Akka keeps a detector for each member and shows it to nobody.
        var find = cluster.FailureDetector.GetType().GetMethod("GetFailureDetector", BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public);
        if (find?.Invoke(cluster.FailureDetector, [dead]) is CertainFailureDetector detector) detector._dead = true;
    }
}
