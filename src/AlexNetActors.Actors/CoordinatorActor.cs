using System.Diagnostics;
using Akka.Actor;
using Akka.Cluster;
using AlexNetActors.Model;

namespace AlexNetActors.Actors;

/// <summary>The shell around <see cref="TrainingState"/>: hears, asks the state, and does what it says. It decides nothing itself.</summary>
public sealed class CoordinatorActor : ReceiveActor, IWithTimers
{
    const string Deadline = "deadline", Nudge = "nudge";
    const double ExchangeShare = 0.5; // of the step's deadline: who waits in an exchange says for what before the step's own deadline passes

    /// <summary>How long nothing has to come before what was asked is asked again: a message may be lost when a connection breaks.</summary>
    static readonly TimeSpan NudgeInterval = TimeSpan.FromSeconds(3);

    /// <summary>How long a new coordinator waits for nodes with devices to say what they hold; and how often it looks who is there.</summary>
    static readonly TimeSpan SettleMax = TimeSpan.FromSeconds(3), LookInterval = TimeSpan.FromMilliseconds(250);

    /// <summary>A process that has not looked around for so long was stopped: the others may have gone on without it.</summary>
    static readonly TimeSpan SleptMin = TimeSpan.FromSeconds(3);

    /// <summary>How long after that what comes may have been sent before.</summary>
    static readonly TimeSpan StaleMax = TimeSpan.FromSeconds(1);

    readonly RunSettings _settings;
    readonly Action? _close;
    readonly IActorRef _observer, _archive;
    readonly string _node, _endpoint;
    readonly HashSet<IActorRef> _nodes = [];
    readonly Cluster? _cluster = Context.System.Settings.HasCluster ? Cluster.Get(Context.System) : null;
    readonly HashSet<string> _heard = []; // nodes that have offered since this process woke
    Company? _company;
    long _looked, _woke;
    bool _slept;
    bool? _waits;
    TimeSpan _stoodStill;
    TrainingState _state;

    /// <param name="run">Opens the run, once this is the one coordinator there is.</param>
    /// <param name="node">Name of the node that this runs on.</param>
    /// <param name="tensors">Its tensor connections; null in a group of one process.</param>
    /// <param name="observer">Hears every <see cref="IRunEvent"/>.</param>
    public CoordinatorActor(Func<OpenedRun> run, string node, TensorNode? tensors, IActorRef observer)
    {
        (_node, _endpoint, _observer) = (node, tensors?.Endpoint ?? "", observer);
        (_settings, _close) = run();
        _looked = Stopwatch.GetTimestamp(); // opening it took its time
        _state = TrainingState.Start(_settings);
        _archive = Context.ActorOf(ArchiveActor.Props(_settings.Network, new CheckpointFolder(_settings.Checkpoints), tensors), "archive");

        Receive<NodeOffer>(m =>
        {
            if (_nodes.Add(m.Actor)) Context.Watch(m.Actor);
            if (_slept && Stopwatch.GetElapsedTime(_woke) > StaleMax) _heard.Add(m.Node);
            Apply(m);
        });
        Receive<Terminated>(m =>
        {
            _nodes.Remove(m.ActorRef);
            if (_state.Roster.Nodes.Find(n => n.Actor.Equals(m.ActorRef)) is { } gone) Apply(new NodeLost(gone.Node, "its process has ended or cannot be reached"));
        });
        Receive<IRunReading>(m => _observer.Tell(m));
        Receive<IProtocolMessage>(Apply);
        Receive<CheckpointCommitted>(Apply);
        Receive<CheckpointFailed>(Apply);
        Receive<CheckpointDamaged>(Apply);
        Receive<Settled>(Apply);
        Receive<Nudged>(Apply);
        Receive<LookAround>(_ => OnLookAround());
        Receive<DeadlineReached>(_ => Apply(new DeadlinePassed(_settings.StepDeadline.TotalSeconds)));
        if (_cluster is null) return;
        OnLookAround();
        Timers.StartPeriodicTimer(LookAround.Instance, LookAround.Instance, LookInterval);
        Timers.StartSingleTimer(nameof(Settled), new Settled(), SettleMax);
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(Func<OpenedRun> run, string node, TensorNode? tensors, IActorRef observer) =>
        Akka.Actor.Props.Create(() => new CoordinatorActor(run, node, tensors, observer));

    sealed class DeadlineReached : INoSerializationVerificationNeeded
    {
        public static readonly DeadlineReached Instance = new();
    }

    sealed class LookAround : INoSerializationVerificationNeeded
    {
        public static readonly LookAround Instance = new();
    }

    protected override void PostStop()
    {
        SayWhetherItWaits(null);
        _close?.Invoke();
        if (_cluster?.SelfMember.Status == MemberStatus.Up && CoordinatedShutdown.Get(Context.System).ShutdownReason is null) _observer.Tell(new OfficeTaken());
    }

    /// <summary>The archive begins anew with the next group. The present one ends and says why: the same once more, and the run does.</summary>
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(e =>
    {
        Apply(new MemberFailed(_state.Generation, Sender.Path.Name, e.Message, []));
        return Directive.Restart;
    });

    /// <summary>Looked up instead of listened for: what the cluster knows is one consistent picture, and cheap to read.</summary>
    void OnLookAround()
    {
        if (HasSlept)
        {
            (_slept, _stoodStill) = (true, Stopwatch.GetElapsedTime(_looked));
            _woke = Stopwatch.GetTimestamp();
            _heard.Clear();
        }
        _looked = Stopwatch.GetTimestamp();
        var state = _cluster!.State;
        var company = Majority.Company(state);
        if (_slept && 2 * _heard.Count > state.Members.Count) _slept = false; // most of them still take this for the coordinator
        if (_slept) company = company with { Alone = $"this process stood still for {_stoodStill.TotalSeconds:0.0} s, they may have gone on without it" };
        if (_company is not null && _company.Alone == company.Alone && _company.GpuNodes.SetEquals(company.GpuNodes)) return;
        Apply(_company = company);
    }

    bool HasSlept => _cluster is not null && Stopwatch.GetElapsedTime(_looked) > SleptMin;

    void Apply(object message)
    {
        if (HasSlept) OnLookAround(); // comes back here with what it sees, before anything else is done
        (_state, var effects) = _state.Apply(message);
        foreach (var effect in effects) Do(effect);
        SayWhetherItWaits(_state.Phase == Phase.Assembling);
    }

    void SayWhetherItWaits(bool? waits)
    {
        if (waits != _waits) Context.System.EventStream.Publish(new CoordinatorWaits(_waits = waits));
    }

    void Do(Effect effect)
    {
        switch (effect)
        {
            case Effect.ToGpus e: Tell(_state.Seating!.Seats.Select(s => s.Actor), e.Message); break;
            case Effect.ToLoaders e: Tell(Loaders, e.Message); break;
            case Effect.Answer e: e.Node.Actor.Tell(e.Message); break;
            case Effect.Form: Form(); break;
            case Effect.Disband e: Tell(_state.Roster.Nodes.SelectMany(n => n.Gpus.Select(g => g.Actor).Concat(n.Loaders)), e.Message); break;
            case Effect.AssignLoaders: AssignLoaders(); break;
            case Effect.SendCheckpoint e: _archive.Tell(new ArchiveActor.Restore(_state.Generation, e.Folder)); break;
            case Effect.BeginCheckpoint e: BeginCheckpoint(e.Steps); break;
            case Effect.CommitCheckpoint e: CommitCheckpoint(e); break;
            case Effect.Publish e: Publish(e.Event); break;
            case Effect.Expect:
                Timers.StartSingleTimer(Deadline, DeadlineReached.Instance, _settings.StepDeadline);
                Timers.StartPeriodicTimer(Nudge, new Nudged(), NudgeInterval);
                break;
            case Effect.ExpectNothing:
                Timers.Cancel(Deadline);
                Timers.Cancel(Nudge);
                break;
            default: throw new InvalidOperationException($"no way to do {effect}");
        }
    }

    IEnumerable<IActorRef> Loaders => _state.Roster.Serving.Select(l => _state.Roster.Find(l.Node)!.Loaders[l.Index]);

    static void Tell(IEnumerable<IActorRef> actors, IProtocolMessage message)
    {
        foreach (var actor in actors) actor.Tell(message);
    }

    void Form()
    {
        Seat[] seats = [.. _state.Seating!.Seats];
        _archive.Tell(new ArchiveActor.Serve(_state.Generation, seats));
        Tell(_state.Roster.Nodes.SelectMany(n => n.Gpus.Select(g => g.Actor)),
            new FormGroup(_state.Generation, seats, _settings.RecipeText, _state.Terms.Identity.Text, (int)(ExchangeShare * _settings.StepDeadline.TotalMilliseconds), _archive, _node, _endpoint, _settings.Limits.Records));
    }

    void AssignLoaders()
    {
        Seat[] seats = [.. _state.Seating!.Seats];
        IActorRef[] loaders = [.. Loaders];
        for (int i = 0; i < loaders.Length; i++)
            loaders[i].Tell(new AssignLoader(_state.Generation, _state.Round, i, loaders.Length, seats, _settings.RecipeText, _settings.Group.ReadAhead));
    }

    void BeginCheckpoint(long steps)
    {
        _archive.Tell(new ArchiveActor.Expect(_state.Generation, steps));
        Tell(_state.Seating!.Seats.Select(s => s.Actor), new SaveTowers(_state.Generation, steps));
    }

    void CommitCheckpoint(Effect.CommitCheckpoint e)
    {
        var hashes = e.Towers.Select(t => t.WeightHashes).ToArray();
        var identity = _state.Terms.Identity;
        _archive.Tell(new ArchiveActor.Commit(_state.Generation, new CheckpointManifest(CheckpointManifest.CurrentFormat, e.Progress, identity.RecipeDigest, identity.DataDigest, identity.DeviceKind!,
            [.. e.Towers.Select(t => t.FileSha256)], WeightsDigest.Combine(hashes[0], hashes[1]))));
    }

    void Publish(IRunEvent e)
    {
        _observer.Tell(e);
        if (e is GroupFormed) Tell(_state.Roster.Nodes.Select(n => n.Actor), e);
        RunOver? over = e switch
        {
            RunFinished m => new RunOver(Failed: false, m.Why),
            RunFailed m => new RunOver(Failed: true, m.Reason),
            _ => null,
        };
        if (over is not null && !_state.HandsOver) Tell(_state.Roster.Nodes.Select(n => n.Actor), over);
    }
}

/// <summary>
/// To the observer of a node: its coordinator has ended, and the node stays. Akka's singleton hands over to whoever asks for it at its address, also to a
/// node of the cluster in which the process before this one was, and then there is none here any more.
/// </summary>
public sealed record OfficeTaken : INoSerializationVerificationNeeded;

/// <summary>A run that this process may write: its settings, and what lets others have it when the coordinator leaves.</summary>
public sealed record OpenedRun(RunSettings Settings, Action? Close = null);
