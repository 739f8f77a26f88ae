using Akka.Actor;
using AlexNetActors.Model;

namespace AlexNetActors.Actors;

/// <summary>The root of a node: starts coordinator, GPU actors and loaders, and turns the death of one into a message that says why.</summary>
public sealed class NodeActor : ReceiveActor
{
    readonly IActorRef _coordinator, _observer;

    /// <param name="settings">What all members are told.</param>
    /// <param name="group">What the group is made of.</param>
    /// <param name="observer">Hears every <see cref="IRunEvent"/>.</param>
    public NodeActor(GroupSettings settings, GroupShape group, IActorRef observer)
    {
        _observer = observer;
        _coordinator = Context.ActorOf(CoordinatorActor.Props(settings, group, observer), "coordinator");
        for (int i = 0; i < settings.Devices.Count; i++)
        {
            TowerId[] towers = settings.Devices.Count == 1 ? [.. TowerIds.Both] : [TowerIds.Both[i]];
            Context.Watch(Context.ActorOf(GpuActor.Props(settings, settings.Devices[i], towers, _coordinator), $"gpu-{i}"));
        }
        for (int i = 0; i < settings.Loaders; i++)
            Context.Watch(Context.ActorOf(DataLoaderActor.Props(settings, i, _coordinator), $"loader-{i}"));
        Receive<StopRun>(m => _coordinator.Tell(m));
        Receive<Terminated>(m => _coordinator.Tell(new MemberFailed(0, m.ActorRef.Path.Name, "has stopped")));
    }

    public static Props Props(GroupSettings settings, GroupShape group, IActorRef observer) =>
        Akka.Actor.Props.Create(() => new NodeActor(settings, group, observer));

    /// <summary>A member that throws is not restarted behind the group's back: it stops, and the coordinator hears the reason.</summary>
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(e =>
    {
        var cause = e is ActorInitializationException { InnerException: { } inner } ? inner.GetBaseException() : e;
        if (Sender.Equals(_coordinator)) _observer.Tell(new RunFailed($"coordinator, {cause.Message}"));
        else _coordinator.Tell(new MemberFailed(0, Sender.Path.Name, cause.Message));
        return Directive.Stop;
    });
}
