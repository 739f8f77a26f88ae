using Akka.Actor;
using AlexNetActors.Model;

namespace AlexNetActors.Actors;

/// <summary>
/// The root of a process: starts its GPU actors and loaders, offers them to the coordinator again and again, whatever may have been lost on
/// the way, and turns the death of one into a message that says why.
/// </summary>
public sealed class NodeActor : ReceiveActor, IWithTimers
{
    static readonly TimeSpan OfferInterval = TimeSpan.FromMilliseconds(300), OfferIntervalAdmitted = TimeSpan.FromSeconds(3);

    readonly NodeMeans _means;
    readonly IActorRef _office, _coordinator, _observer;
    readonly IActorRef[] _gpus, _loaders;
    IActorRef? _admittedBy;
    Action? _shelfChanged;
    bool _over, _leaves, _released;

    /// <param name="means">What the process brings along.</param>
    /// <param name="coordinator">The coordinator, or in a cluster the manager of the one there is; null on a node that cannot be it.</param>
    /// <param name="proxy">In a cluster, who knows where the coordinator is; else null.</param>
    /// <param name="observer">Hears what this node is told of the run: <see cref="NodeTurnedAway"/>, <see cref="RunOver"/>, ...</param>
    public NodeActor(NodeMeans means, Props? coordinator, Props? proxy, IActorRef observer)
    {
        (_means, _observer) = (means, observer);
        _office = coordinator is null ? ActorRefs.Nobody : Context.ActorOf(coordinator, "coordinator");
        _coordinator = proxy is null ? _office : Context.ActorOf(proxy, "proxy");
        _gpus = [.. means.Devices.Select((d, i) => Context.ActorOf(GpuActor.Props(means, d.Factory), $"gpu-{i}"))];
        _loaders = [.. Enumerable.Range(0, means.Loaders).Select(i => Context.ActorOf(DataLoaderActor.Props(means, $"loader {i}"), $"loader-{i}"))];
        foreach (var child in _gpus.Concat(_loaders)) Context.Watch(child);

        Receive<MakeOffer>(_ => Offer());
        Receive<NodeAdmitted>(_ => OnAdmitted());
        Receive<OfferAgain>(_ => Offer());
        Receive<NodeRefused>(m => _observer.Tell(new NodeTurnedAway(means.Name, m.Reason)));
        Receive<GroupFormed>(m =>
        {
            Hear(m.Generation);
            ToObserver(m);
        });
        Receive<RunOver>(m =>
        {
            _over = true;
            ToObserver(m);
        });
        Receive<GenerationHeard>(m => Hear(m.Generation));
        Receive<NodeReleased>(_ => Release());
        Receive<Remark>(m => _observer.Tell(m));
        Receive<StopRun>(OnStop);
        Receive<IRunOrder>(m => { if (LeadsHere) _coordinator.Tell(m); });
        Receive<Terminated>(OnTerminated);
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(NodeMeans means, Props? coordinator, Props? proxy, IActorRef observer) => Akka.Actor.Props.Create(() => new NodeActor(means, coordinator, proxy, observer));

    /// <summary>A coordinator to come forms its groups above all that any member has heard of, also if the one before died while it formed one.</summary>
    void Hear(int generation) => _means.Shelf.Generation = Math.Max(_means.Shelf.Generation, generation);

    /// <summary>Where the coordinator is in this process it has told the observer itself.</summary>
    void ToObserver(IProtocolMessage message)
    {
        if (_admittedBy?.IsHere() != true) _observer.Tell(message);
    }

    /// <summary>From an actor of this node: what it has seen, for whoever reads this node's lines.</summary>
    public sealed record Remark(string Line) : INoSerializationVerificationNeeded;

    sealed class MakeOffer : INoSerializationVerificationNeeded
    {
        public static readonly MakeOffer Instance = new();
    }

    protected override void PreStart()
    {
        var self = Self;
        _shelfChanged = () => self.Tell(MakeOffer.Instance);
        _means.Shelf.Changed += _shelfChanged;
        WaitForCoordinator();
        Offer();
    }

    protected override void PostStop() => _means.Shelf.Changed -= _shelfChanged;

    void WaitForCoordinator()
    {
        _observer.Tell(new GroupWaits("a coordinator"));
        Timers.StartPeriodicTimer(MakeOffer.Instance, MakeOffer.Instance, OfferInterval);
    }

    void Offer()
    {
        if (_released) return; // who offers is taken again
        _coordinator.Tell(new NodeOffer(
            _means.Version, _means.Name, Self, _means.Shelf.Generation, _means.Recipe, _means.Data,
            [.. _gpus.Zip(_means.Devices, (actor, d) => new GpuOffer(actor, d.Factory.Name, d.Factory.Kind, d.Factory.Memory, [.. d.Pinned]))],
            _loaders, _means.Tensors?.Endpoint ?? "", _means.Shelf.Held));
        if (_leaves) _coordinator.Tell(new NodeLeaves(_means.Name));
        if (_admittedBy is not null) TellMemory();
    }

    void TellMemory() => _coordinator.Tell(new NodeMemory(_means.Name, Environment.WorkingSet));

    void OnAdmitted()
    {
        if (Sender.Equals(_admittedBy)) return;
        if (_admittedBy is not null && !_admittedBy.Equals(_coordinator)) Context.Unwatch(_admittedBy);
        _admittedBy = Sender;
        Timers.StartPeriodicTimer(MakeOffer.Instance, MakeOffer.Instance, OfferIntervalAdmitted);
        if (!Sender.Equals(_coordinator)) Context.Watch(Sender); // that of the cluster may go, and another come
        _observer.Tell(new NodeAdmitted());
        TellMemory();
    }

    bool LeadsHere => _coordinator.Equals(_office) || _admittedBy?.IsHere() == true;

    /// <summary>Only where the coordinator is does a stop end the run; elsewhere the node leaves it.</summary>
    void OnStop(StopRun stop)
    {
        if (LeadsHere) _coordinator.Tell(stop);
        else if (_admittedBy is null) Release(); // nobody needs it yet
        else
        {
            _leaves = true;
            _coordinator.Tell(new NodeLeaves(_means.Name));
        }
    }

    void Release()
    {
        _released = true;
        _observer.Tell(new NodeReleased());
    }

    void OnTerminated(Terminated m)
    {
        if (!m.ActorRef.Equals(_admittedBy))
        {
            Break(m.ActorRef.Path.Name, "has stopped");
            return;
        }
        _admittedBy = null;
        if (_over) return;
        if (_leaves) Release(); // nobody is there to let it go
        else WaitForCoordinator();
    }

    /// <summary>
    /// Without one of its actors this process is no use. If it is the whole group, that is the end of the run; in a cluster others go on, and whoever
    /// keeps processes alive starts this one again.
    /// </summary>
    void Break(string member, string reason)
    {
        if (_released) return; // that has been said
        if (_coordinator.Equals(_office))
        {
            _coordinator.Tell(new MemberFailed(0, member, reason, []));
            return;
        }
        _released = true;
        _coordinator.Tell(new NodeBroken(_means.Name, $"its {member} failed: {reason}"));
        _observer.Tell(new RunOver(Failed: true, $"{member}, {reason}"));
    }

    /// <summary>A member that throws is not restarted behind the group's back: it stops, and the coordinator hears the reason.</summary>
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(e =>
    {
        var cause = e is ActorInitializationException { InnerException: { } inner } ? inner.GetBaseException() : e;
        if (Sender.Equals(_office)) _observer.Tell(new RunFailed($"coordinator, {cause.Message}"));
        else Break(Sender.Path.Name, cause.Message);
        return Directive.Stop;
    });
}

/// <summary>From a GPU actor or loader to its node: a coordinator has called a group by this number.</summary>
sealed record GenerationHeard(int Generation) : INoSerializationVerificationNeeded;
