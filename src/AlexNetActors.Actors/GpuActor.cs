using System.Collections.Immutable;
using System.Diagnostics;
using Akka.Actor;
using AlexNetActors.Compute;
using AlexNetActors.Data;
using AlexNetActors.Model;

namespace AlexNetActors.Actors;

/// <summary>
/// The shell around <see cref="GpuState"/>: owns one device and the towers on it, one, both, or, while it stands by, none. All computing
/// happens on the device's own thread, so that the actor can always hear. Activations of a tower in another process come by a connection of
/// their own, straight to the compute thread.
/// </summary>
public sealed class GpuActor : ReceiveActor, IWithTimers
{
    static readonly TimeSpan ActivityInterval = TimeSpan.FromMilliseconds(250), ActivityIntervalAcross = TimeSpan.FromSeconds(1); // to a coordinator elsewhere: each message takes of the cores that compute

    readonly NodeMeans _means;
    readonly DeviceFactory _factory;
    readonly ComputeThread _thread;

    // Built and used on the compute thread; the actor only reads Pass.Activity.
    IDevice? _device;
    Tower[] _towers = [];
    string _builtFor = ""; // towers, run and recipe
    DeviceException? _failure; // of the device, the last one
    readonly TowerState?[] _captured = [null, null];
    int _buffers; // of the device, that someone has been told of
    volatile Pass? _pass;
    PassId _ran; // on the compute thread

    volatile GpuState _state; // the compute thread looks what batch comes next
    IActorRef _coordinator = ActorRefs.Nobody;
    GroupPart? _part;
    long _waitingSince, _missedSince; // for a batch; since it was last said that it is missing
    string _lastActivity = "";
    long _reported;

    /// <param name="means">What its node brings along.</param>
    /// <param name="device">Which device is mine.</param>
    public GpuActor(NodeMeans means, DeviceFactory device)
    {
        (_means, _factory) = (means, device);
        _thread = new ComputeThread($"compute {device.Name}");
        _state = new GpuState(Self);
        Receive<FormGroup>(m =>
        {
            if (m.Generation > _state.Generation) _coordinator = Sender;
            Context.Parent.Tell(new GenerationHeard(m.Generation));
            Apply(m);
        });
        Receive<BatchDone>(m => m.Batch.Return?.Invoke(m.Batch.Batch));
        Receive<ReportActivity>(_ => OnReportActivity());
        ReceiveAny(m =>
        {
            if (m is not IGroupCommand || Sender.Equals(_coordinator)) Apply(m); // only who formed the group commands it
        });
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

    void Apply(object message)
    {
        bool waited = _state.Waiting;
        if (message is DisbandGroup group && _part is not null && group.Generation == _state.Generation)
            Context.Parent.Tell(new NodeActor.Remark($"group {group.Generation} is no more, {group.Why}; {Standing}")); // whoever noticed: this tower knows what it waited for
        (_state, var effects) = _state.Apply(message);
        if (_state.Waiting && !waited) _waitingSince = _missedSince = Stopwatch.GetTimestamp();
        foreach (var effect in effects) Do(effect);
    }

    void Do(GpuState.Effect effect)
    {
        switch (effect)
        {
            case GpuState.Effect.Tell e:
                _coordinator.Tell(e.Message is LinkLost lost ? Lose(lost) : e.Message);
                break;
            case GpuState.Effect.Run e: Run(e.Command, e.Batch); break;
            case GpuState.Effect.Put e: _part!.Mailbox.Put(e.Activation); break;
            case GpuState.Effect.GiveBack e: e.Batch.Return?.Invoke(e.Batch.Batch); break;
            case GpuState.Effect.Announce e: _means.Shelf.Announce(_part!.Recipe.Network, _part.Group.Identity, e.Progress, e.Keep); break;
            case GpuState.Effect.Snapshot e: TakeSnapshot(e.Steps); break;
            case GpuState.Effect.Save e: Save(e.Steps); break;
            case GpuState.Effect.Give e: Give(e.Tower, e.Steps); break;
            case GpuState.Effect.Initialize: Initialize(); break;
            case GpuState.Effect.Restore e: Restore(e.Given, e.Steps); break;
            case GpuState.Effect.Build e: Build(e.Mean); break;
            case GpuState.Effect.Join e:
                _part = new GroupPart(e.Group, e.Mine, _means, Self);
                OnDevice($"open {_factory.Name}", () => _device ??= Open());
                break;
            case GpuState.Effect.Abort e: _part!.Mailbox.Abort(e.Why); break;
            case GpuState.Effect.Leave e: LeaveGroup(e.Why); break;
            default: throw new InvalidOperationException($"no way to do {effect}");
        }
    }

    /// <summary>Adds what this tower waited for. The coordinator may be what is lost, so its own node hears it, too.</summary>
    LinkLost Lose(LinkLost lost)
    {
        lost = lost with { Reason = $"{lost.Reason}; {Standing}" };
        Context.System.EventStream.Publish(lost);
        Context.Parent.Tell(new NodeActor.Remark($"lost a connection: {lost.Reason}"));
        return lost;
    }

    /// <summary>"tower A was in exchange conv3 forward of step 7", for an error.</summary>
    string Standing => $"tower {string.Join('+', _state.Mine!.Towers)} was " + (
        _state.Command is null ? "not yet in a step"
        : _state.Waiting ? $"waiting for the batch of {_state.Begun}"
        : _state.Done is not null || _pass is not { } pass || pass.Activity == "idle" ? $"done with {_state.Begun}"
        : $"in {pass.Activity} of {_state.Begun}");

    void LeaveGroup(string why)
    {
        _part?.Leave(why);
        _part = null;
    }

    /// <summary>Everything is at hand: makes the towers, unless they are those of the group before.</summary>
    void Build(float[] mean)
    {
        var (part, self) = (_part!, Self);
        var (recipe, towers) = (part.Recipe, part.Mine.Towers);
        OnDevice("build the towers", () =>
        {
            if (_device is null) return; // why not has been said
            string wanted = $"{string.Join('+', towers)} of {part.Group.Identity} {part.Group.Recipe}"; // the mean image is the run's, too
            if (_builtFor != wanted)
            {
                if (_device.Buffers > 0) // of earlier towers, also of those that were not finished
                {
                    _device.Dispose();
                    _device = null; // there may be no other
                    _device = Open();
                }
                _builtFor = "";
                _towers = [.. towers.Select(id => new Tower(recipe.Network, id, _device, recipe.Batch, recipe.Seed, mean, training: true))];
                _builtFor = wanted;
            }
            _device.Synchronize(); // what a group that was broken off has left in the queue
            part.Stands(_towers[0]);
            _pass = new Pass(_towers, _towers.Length == 2 ? new LocalLink() : part.Mailbox, _means.Faults?.AtTowers(_towers));
            _buffers = _device.Buffers;
            self.Tell(new GpuReady(part.Group.Generation, towers));
        });
    }

    /// <summary>A GPU that is lost cannot be opened either: then that is not what is to be said of it.</summary>
    IDevice Open()
    {
        try
        {
            return _factory.Open();
        }
        catch (DeviceException) when (_failure is not null)
        {
            throw _failure;
        }
    }

    void Initialize()
    {
        var (self, part) = (Self, _part!);
        OnDevice("load the towers", () =>
        {
            foreach (var tower in _towers) tower.Initialize();
            part.Loaded();
            self.Tell(new TowersLoaded(part.Group.Generation, part.Mine.Towers));
        });
    }

    void Restore(ImmutableDictionary<TowerId, TowerStateReady> given, long steps)
    {
        var (self, part) = (Self, _part!);
        OnDevice("load the towers", () =>
        {
            foreach (var tower in _towers)
                TowerStates.Restore(tower, given.GetValueOrDefault(tower.Id)?.State ?? _means.Shelf.Find(tower.Id, steps) ?? throw new CheckpointException($"{_means.Name} holds no snapshot of tower {tower.Id} after step {steps} any more"));
            part.Loaded();
            self.Tell(new TowersLoaded(part.Group.Generation, part.Mine.Towers));
        });
    }

    /// <summary>On the device's thread, so that sending holds up no actor.</summary>
    void Give(TowerId tower, long steps)
    {
        var part = _part!;
        OnDevice($"give the snapshot of tower {tower} after step {steps}", () =>
        {
            if (_means.Shelf.Find(tower, steps) is { } state) part.Share(new TowerStateReady(part.Group.Generation, steps, state));
            else throw new CheckpointException($"{_means.Name} holds it no more");
        });
    }

    void Run(IProtocolMessage command, BatchReady ready)
    {
        var (self, part, towers) = (Self, _part!, _part!.Mine.Towers);
        double dataMs = _waitingSince == 0 ? 0 : Stopwatch.GetElapsedTime(_waitingSince).TotalMilliseconds;
        _waitingSince = 0;
        OnDevice(ready.Pass.ToString(), () =>
        {
            long start = Stopwatch.GetTimestamp();
            _ran = ready.Pass;
            var result = command is RunStep step
                ? _pass!.Train(step.Pass, ready.Batch, part.Recipe.DescentAt(step.Rate), () => _state.Batches.GetValueOrDefault(step.Pass with { Number = step.Pass.Number + 1 })?.Batch)
                : _pass!.Evaluate(ready.Pass, ready.Batch);
            int allocated = _device!.Buffers - _buffers;
            _buffers += allocated;
            var records = ready.Pass.Kind == PassKind.Train ? StepRecords.Of(ready.Batch.Records, ready.Pass.Number, part.Group.Records) : null;
            self.Tell(new PassDone(ready.Pass, towers, result.Score, result.Compute.TotalMilliseconds, result.Exchange.TotalMilliseconds, dataMs, allocated, part.Mailbox.TimesSince(start), records));
            if (ready.Return is not null) self.Tell(new BatchDone(ready));
        });
    }

    void TakeSnapshot(long steps)
    {
        var part = _part!;
        OnDevice($"snapshot after step {steps}", () =>
        {
            if (!part.Drained) return; // the one before is still under way: there is none this time
            foreach (var tower in _towers)
            {
                if (_means.Shelf.Find(tower.Id, steps) is not { } state)
                {
                    if (_means.Shelf.Room(tower.Id, steps, TimeSpan.Zero) is not { } room) return;
                    state = TowerStates.Capture(tower, room.State);
                    _means.Shelf.Put(tower.Id, steps);
                }
                _means.Faults?.AtTowers(_towers)(new Moment(Places.Snapshot, steps));
                part.Share(new TowerStateReady(part.Group.Generation, steps, state));
            }
        });
    }

    void Save(long steps)
    {
        var part = _part!;
        OnDevice($"checkpoint after step {steps}", () =>
        {
            _means.Faults?.AtTowers(_towers)(new Moment(Places.Checkpoint, steps));
            foreach (var tower in _towers)
            {
                var state = _captured[(int)tower.Id] = TowerStates.Capture(tower, _captured[(int)tower.Id]);
                part.Archive(new TowerStateReady(part.Group.Generation, steps, state));
            }
        });
    }

    /// <summary>Runs work on the device's thread; what it cannot do becomes a message that says who and where.</summary>
    void OnDevice(string what, Action work)
    {
        var (self, part) = (Self, _part!);
        _thread.Post(() =>
        {
            if (part.Left) return; // the group is no more
            try
            {
                work();
            }
            catch (PassAbortedException e) when (e.CalledOff)
            {
                // Whoever called it off has said why.
            }
            catch (NotFiniteException e)
            {
                self.Tell(new NumbersWentWrong(e.Pass ?? _ran, part.Mine.Towers, Device, e.Found.Tower, e.Found.Layer, e.Found.What, e.Found.Given, [.. e.Records]));
            }
            catch (Exception e) // also what nobody thought of: on a thread of its own it would end the process
            {
                if (e is not PassAbortedException) (_builtFor, _failure) = ("", DeviceException.From(e) as DeviceException); // whatever is on the device may be half done
                var suspects = e is PassAbortedException ? TowerIds.Both.Except(part.Mine.Towers) : part.Mine.Towers; // what was waited for is the other's to give
                self.Tell(new MemberFailed(part.Group.Generation, $"tower {string.Join('+', part.Mine.Towers)} on {Device}", $"{what}: {DeviceException.From(e).Message}", [.. suspects]));
            }
        });
    }

    string Device => $"{_factory.Name}{(_means.Tensors is null ? "" : $" of {_means.Name}")}";

    void OnReportActivity()
    {
        if (_part is null) return;
        if (_state.Waiting && Stopwatch.GetElapsedTime(_missedSince) > _means.BatchDeadline)
        {
            _missedSince = Stopwatch.GetTimestamp();
            _coordinator.Tell(new BatchMissing(_state.Begun, _part.Mine.Towers));
        }
        string activity = _state.Waiting ? "waits for data" : _pass?.Activity ?? "opens";
        if (activity == _lastActivity || (!_coordinator.IsHere() && Stopwatch.GetElapsedTime(_reported) < ActivityIntervalAcross)) return;
        (_lastActivity, _reported) = (activity, Stopwatch.GetTimestamp());
        _coordinator.Tell(new TowerActivity(_part.Mine.Towers, activity));
    }
}
