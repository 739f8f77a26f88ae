using Akka.Actor;
using AlexNetActors.Model;

namespace AlexNetActors.Actors;

/// <summary>The shell around <see cref="TrainingState"/>: hears, asks the state, and does what it says. It decides nothing itself.</summary>
public sealed class CoordinatorActor : ReceiveActor, IWithTimers
{
    const string Deadline = "deadline";

    readonly GroupSettings _settings;
    readonly CheckpointFolder _checkpoints;
    readonly IActorRef _observer;
    readonly Dictionary<TowerId, IActorRef> _gpus = [];
    readonly SortedDictionary<int, IActorRef> _loaders = [];
    TrainingState _state;

    /// <param name="settings">What all members of the group are told.</param>
    /// <param name="group">What the group is made of.</param>
    /// <param name="observer">Hears every <see cref="IRunEvent"/>.</param>
    public CoordinatorActor(GroupSettings settings, GroupShape group, IActorRef observer)
    {
        (_settings, _observer) = (settings, observer);
        _checkpoints = new CheckpointFolder(settings.Checkpoints);
        _state = TrainingState.Start(settings.Progress, settings.Limits, group, settings.Resume);

        Receive<GpuReady>(m =>
        {
            foreach (var tower in m.Towers) _gpus[tower] = Sender;
            Apply(m);
        });
        Receive<LoaderReady>(m =>
        {
            _loaders[m.Index] = Sender;
            Apply(m);
        });
        Receive<TowerActivity>(m => _observer.Tell(m));
        Receive<IProtocolMessage>(Apply);
        Receive<DeadlineReached>(_ => Apply(new DeadlinePassed(settings.StepDeadline.TotalSeconds)));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(GroupSettings settings, GroupShape group, IActorRef observer) =>
        Akka.Actor.Props.Create(() => new CoordinatorActor(settings, group, observer));

    sealed class DeadlineReached : INoSerializationVerificationNeeded
    {
        public static readonly DeadlineReached Instance = new();
    }

    protected override void PreStart() => StartDeadline();

    void Apply(object message)
    {
        (_state, var effects) = _state.Apply(message);
        foreach (var effect in effects) Do(effect);
    }

    void Do(Effect effect)
    {
        switch (effect)
        {
            case Effect.ToGpus e: ToGpus(e.Message); break;
            case Effect.ToLoaders e: ToLoaders(e.Message); break;
            case Effect.Form e: Form(e.Generation); break;
            case Effect.BeginCheckpoint e: BeginCheckpoint(e.Steps); break;
            case Effect.CommitCheckpoint e: CommitCheckpoint(e); break;
            case Effect.Publish e: _observer.Tell(e.Event); break;
            case Effect.Expect: StartDeadline(); break;
            case Effect.ExpectNothing: Timers.Cancel(Deadline); break;
            default: throw new InvalidOperationException($"no way to do {effect}");
        }
    }

    void ToGpus(IProtocolMessage message)
    {
        foreach (var gpu in _gpus.Values.Distinct()) gpu.Tell(message);
    }

    void ToLoaders(IProtocolMessage message)
    {
        foreach (var loader in _loaders.Values) loader.Tell(message);
    }

    void Form(int generation)
    {
        var group = new FormGroup(generation, _gpus[TowerId.A], _gpus[TowerId.B], _loaders.Count);
        ToGpus(group);
        ToLoaders(group);
    }

    void BeginCheckpoint(long steps)
    {
        try
        {
            ToGpus(new SaveTowers(_state.Generation, steps, _checkpoints.Begin(steps)));
        }
        catch (CheckpointException e)
        {
            Self.Tell(new MemberFailed(_state.Generation, "coordinator", e.Message));
        }
    }

    void CommitCheckpoint(Effect.CommitCheckpoint e)
    {
        try
        {
            var hashes = e.Towers.Select(t => t.WeightHashes).ToArray();
            var identity = _settings.Identity;
            var manifest = new CheckpointManifest(CheckpointManifest.CurrentFormat, e.Progress, identity.RecipeDigest, identity.DataDigest, identity.DeviceKind,
                [.. e.Towers.Select(t => t.FileSha256)], WeightsDigest.Combine(hashes[0], hashes[1]));
            string folder = _checkpoints.Commit(manifest);
            Self.Tell(new CheckpointWritten(e.Progress.Steps, folder, manifest.WeightsSha256));
        }
        catch (CheckpointException x)
        {
            Self.Tell(new MemberFailed(_state.Generation, "coordinator", x.Message));
        }
    }

    void StartDeadline() => Timers.StartSingleTimer(Deadline, DeadlineReached.Instance, _settings.StepDeadline);
}
