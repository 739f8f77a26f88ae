using System.Collections.Concurrent;
using System.Diagnostics;
using Akka.Actor;
using AlexNetActors.Compute;
using AlexNetActors.Data;
using AlexNetActors.Model;

namespace AlexNetActors.Actors;

/// <summary>
/// Owns one device and the towers on it: one, both, or, while it stands by, none. Hears commands; all computing happens on the device's own
/// thread, so that it can always hear. Activations of a tower in another process come by a connection of their own, straight to the compute thread.
/// </summary>
public sealed class GpuActor : ReceiveActor, IWithTimers
{
    static readonly TimeSpan ActivityInterval = TimeSpan.FromMilliseconds(250), ActivityIntervalAcross = TimeSpan.FromSeconds(1); // to a coordinator elsewhere: each message takes of the cores that compute

    readonly NodeMeans _means;
    readonly DeviceFactory _factory;
    readonly ComputeThread _thread;
    readonly ConcurrentDictionary<PassId, BatchReady> _batches = []; // the compute thread looks what comes next

    // Built and used on the compute thread; the actor only reads Pass.Activity.
    IDevice? _device;
    Tower[] _towers = [];
    string _builtFor = ""; // recipe and towers
    readonly TowerState?[] _captured = [null, null];
    int _buffers; // of the device, that someone has been told of
    volatile Pass? _pass;

    int _generation;
    IActorRef _coordinator = ActorRefs.Nobody;
    GroupPart? _part;
    (PassId Pass, Action<BatchReady> Start, long Since)? _waitingForBatch;
    PassId _begun;
    string _lastActivity = "";
    long _reported;

    /// <param name="means">What its node brings along.</param>
    /// <param name="device">Which device is mine.</param>
    public GpuActor(NodeMeans means, DeviceFactory device)
    {
        (_means, _factory) = (means, device);
        _thread = new ComputeThread($"compute {device.Name}");

        Receive<FormGroup>(OnForm);
        Receive<DisbandGroup>(m => { if (m.Generation == _generation) LeaveGroup(m.Why); });
        Receive<GroupPart.Event>(m => { if (m.Generation == _generation) OnPart(m); });
        Receive<MeanReady>(m => { if (m.Generation == _generation) OnMean(m.Mean); });
        Receive<LoadTowers>(m => { if (m.Generation == _generation) OnLoad(m); });
        Receive<TowerStateReady>(m => { if (m.Generation == _generation) OnState(m); });
        Receive<RunStep>(m => Begin(m.Pass, batch => _pass!.Train(m.Pass, batch, _part!.Recipe.DescentAt(m.Rate), () => _batches.GetValueOrDefault(m.Pass with { Number = m.Pass.Number + 1 })?.Batch)));
        Receive<EvaluateBatch>(m => Begin(m.Pass, batch => _pass!.Evaluate(m.Pass, batch)));
        Receive<BatchReady>(OnBatch);
        Receive<BatchDone>(m => m.Batch.Return?.Invoke(m.Batch.Batch));
        Receive<ActivationReady>(m => { if (m.Exchange.Pass.Generation == _generation) _part?.Mailbox.Put(m); });
        Receive<SaveTowers>(m => { if (m.Generation == _generation) OnSave(m); });
        Receive<ReportActivity>(_ => OnReportActivity());
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(NodeMeans means, DeviceFactory device) => Akka.Actor.Props.Create(() => new GpuActor(means, device));

    sealed class ReportActivity : INoSerializationVerificationNeeded
    {
        public static readonly ReportActivity Instance = new();
    }

    sealed record BatchDone(BatchReady Batch) : INoSerializationVerificationNeeded;

    protected override void PreStart() => Timers.StartPeriodicTimer(ReportActivity.Instance, ReportActivity.Instance, ActivityInterval);

    protected override void PostStop()
    {
        LeaveGroup($"{_factory.Name} stops");
        _thread.Post(() => _device?.Dispose());
        _thread.Dispose();
    }

    void OnForm(FormGroup group)
    {
        if (group.Generation <= _generation) return;
        LeaveGroup($"generation {group.Generation} begins");
        (_generation, _coordinator) = (group.Generation, Sender);
        if (group.Seats.FirstOrDefault(s => s.Actor.Equals(Self)) is not { } mine) return; // stands by
        _part = new GroupPart(group, mine, _means, Self);
        OnDevice($"open {_factory.Name}", () => _device ??= _factory.Open());
        if (_part.Complete) Build();
    }

    void LeaveGroup(string why)
    {
        _part?.Leave(why);
        _part = null;
        _waitingForBatch = null;
        _batches.Clear();
    }

    void OnPart(GroupPart.Event e)
    {
        if (_part!.Hear(e) is { } lost)
        {
            _coordinator.Tell(lost);
            return;
        }
        if (_part.Complete) Build();
    }

    void OnMean(float[] mean)
    {
        if (_part is null || _part.Mean is not null) return;
        _part.Mean = mean;
        if (_part.Complete) Build();
    }

    /// <summary>Everything is at hand: makes the towers, unless they are those of the group before.</summary>
    void Build()
    {
        var (part, self, coordinator) = (_part!, Self, _coordinator);
        var (recipe, towers) = (part.Recipe, part.Mine.Towers);
        OnDevice("build the towers", () =>
        {
            if (_device is null) return; // why not has been said
            string wanted = $"{string.Join('+', towers)} of {part.Group.Recipe}";
            if (_builtFor != wanted)
            {
                if (_builtFor != "")
                {
                    _device.Dispose(); // with all that the earlier towers hold
                    _device = _factory.Open();
                }
                _builtFor = "";
                _towers = [.. towers.Select(id => new Tower(recipe.Network, id, _device, recipe.Batch, recipe.Seed, part.Mean, training: true))];
                _builtFor = wanted;
            }
            _pass = new Pass(_towers, _towers.Length == 2 ? new LocalLink() : part.Mailbox);
            _buffers = _device.Buffers;
            coordinator.Tell(new GpuReady(part.Group.Generation, towers), self);
        });
    }

    void OnLoad(LoadTowers command)
    {
        if (_part is null) return;
        if (!command.Fresh)
        {
            _part.Restores = true;
            RestoreWhenGiven();
            return;
        }
        var (self, coordinator, towers) = (Self, _coordinator, _part.Mine.Towers);
        OnDevice("load the towers", () =>
        {
            foreach (var tower in _towers) tower.Initialize();
            coordinator.Tell(new TowersLoaded(command.Generation, towers), self);
        });
    }

    void OnState(TowerStateReady message)
    {
        if (_part is null) return;
        _part.Given[message.State.Tower] = message.State;
        RestoreWhenGiven();
    }

    void RestoreWhenGiven()
    {
        var part = _part!;
        if (!part.Restores || part.Given.Count < part.Mine.Towers.Length) return;
        var (self, coordinator) = (Self, _coordinator);
        OnDevice("load the towers", () =>
        {
            foreach (var tower in _towers) TowerStates.Restore(tower, part.Given[tower.Id]);
            part.Given.Clear();
            coordinator.Tell(new TowersLoaded(part.Group.Generation, part.Mine.Towers), self);
        });
    }

    void Begin(PassId id, Func<Batch, PassResult> run)
    {
        if (id.Generation != _generation || _part is null) return;
        long since = Stopwatch.GetTimestamp();
        var (self, coordinator, part, towers) = (Self, _coordinator, _part, _part.Mine.Towers);
        _begun = id;
        void Start(BatchReady batch)
        {
            double dataMs = Stopwatch.GetElapsedTime(since).TotalMilliseconds;
            OnDevice(id.ToString(), () =>
            {
                long start = Stopwatch.GetTimestamp();
                var result = run(batch.Batch);
                var records = id.Kind == PassKind.Train ? StepRecords.Of(batch.Batch.Records, id.Number, part.Group.Records) : null;
                int allocated = _device!.Buffers - _buffers;
                _buffers += allocated;
                coordinator.Tell(new PassDone(id, towers, result.Score, result.Compute.TotalMilliseconds, result.Exchange.TotalMilliseconds, dataMs, allocated, part.Mailbox.TimesSince(start), records), self);
                if (batch.Return is not null) self.Tell(new BatchDone(batch));
            });
        }
        if (_batches.TryRemove(id, out var ready)) Start(ready);
        else _waitingForBatch = (id, Start, since);
    }

    void OnBatch(BatchReady message)
    {
        if (_waitingForBatch is { } waiting && waiting.Pass == message.Pass)
        {
            _waitingForBatch = null;
            waiting.Start(message);
            return;
        }
        // One that another loader has brought, too, is given back: two loaders make the same batch of the same number.
        bool late = message.Pass.Generation != _generation || message.Pass.Kind == _begun.Kind && message.Pass.Number <= _begun.Number && _begun.Generation == _generation;
        if (late || !_batches.TryAdd(message.Pass, message)) message.Return?.Invoke(message.Batch);
    }

    void OnSave(SaveTowers command)
    {
        if (_part is not { } part) return;
        var self = Self;
        OnDevice($"checkpoint after step {command.Steps}", () =>
        {
            foreach (var tower in _towers)
            {
                var state = _captured[(int)tower.Id] = TowerStates.Capture(tower, _captured[(int)tower.Id]);
                part.Keep(new TowerStateReady(command.Generation, command.Steps, state), self);
            }
        });
    }

    /// <summary>Runs work on the device's thread; what it cannot do becomes a message that says who and where.</summary>
    void OnDevice(string what, Action work)
    {
        var (self, coordinator, generation, part) = (Self, _coordinator, _generation, _part);
        _thread.Post(() =>
        {
            if (part?.Left == true) return; // the group is no more
            try
            {
                work();
            }
            catch (PassAbortedException e) when (e.CalledOff)
            {
                // Whoever called it off has said why.
            }
            catch (Exception e) when (e is PassAbortedException or CheckpointException or DataException or ArgumentException or IOException or OutOfMemoryException or InvalidOperationException or DeviceException)
            {
                string towers = part is null ? "" : $"tower {string.Join('+', part.Mine.Towers)} on ";
                coordinator.Tell(new MemberFailed(generation, $"{towers}{_factory.Name}{(_means.Tensors is null ? "" : $" of {_means.Name}")}", $"{what}: {e.Message}"), self);
            }
        });
    }

    void OnReportActivity()
    {
        if (_part is null) return;
        if (_waitingForBatch is { } waiting && Stopwatch.GetElapsedTime(waiting.Since) > _means.BatchDeadline)
        {
            _waitingForBatch = waiting with { Since = Stopwatch.GetTimestamp() };
            _coordinator.Tell(new BatchMissing(waiting.Pass));
        }
        string activity = _waitingForBatch is not null ? "waits for data" : _pass?.Activity ?? "opens";
        if (activity == _lastActivity || (!_coordinator.IsHere() && Stopwatch.GetElapsedTime(_reported) < ActivityIntervalAcross)) return;
        (_lastActivity, _reported) = (activity, Stopwatch.GetTimestamp());
        _coordinator.Tell(new TowerActivity(_part.Mine.Towers, activity));
    }
}
