using System.Collections.Concurrent;
using System.Diagnostics;
using Akka.Actor;
using AlexNetActors.Compute;
using AlexNetActors.Data;
using AlexNetActors.Model;

namespace AlexNetActors.Actors;

/// <summary>
/// Owns one device and the towers on it: one, or both when there is only one device. Hears commands and activations; all
/// computing happens on the device's own thread, so that it can always hear.
/// </summary>
public sealed class GpuActor : ReceiveActor, IWithTimers
{
    static readonly TimeSpan ActivityInterval = TimeSpan.FromMilliseconds(250);

    readonly GroupSettings _settings;
    readonly DeviceFactory _factory;
    readonly TowerId[] _ids;
    readonly IActorRef _coordinator;
    readonly ComputeThread _thread;
    readonly TowerMailbox _mailbox;
    readonly ConcurrentDictionary<PassId, Batch> _batches = []; // the compute thread looks what comes next

    // Built and used on the compute thread; the actor only reads Pass.Activity.
    IDevice? _device;
    Tower[] _towers = [];
    TowerState?[] _captured = [null, null];
    int _buffers; // of the device, that someone has been told of
    volatile Pass? _pass;

    int _generation;
    volatile IActorRef _partner = ActorRefs.Nobody;
    (PassId Pass, Action<Batch> Start, long Since)? _waitingForBatch;
    string _lastActivity = "";

    /// <param name="settings">What all members of the group are told.</param>
    /// <param name="device">Which device is mine.</param>
    /// <param name="towers">Which towers are mine.</param>
    /// <param name="coordinator">Who commands.</param>
    public GpuActor(GroupSettings settings, DeviceFactory device, IReadOnlyList<TowerId> towers, IActorRef coordinator)
    {
        (_settings, _factory, _ids, _coordinator) = (settings, device, [.. towers], coordinator);
        _thread = new ComputeThread($"compute {string.Join('+', towers)}");
        _mailbox = new TowerMailbox(settings.Recipe.Network, settings.StepDeadline, message => _partner.Tell(message), settings.Devices.Select(d => d.Memory).Distinct().Count() == 1);

        Receive<FormGroup>(OnFormGroup);
        Receive<LoadTowers>(OnLoad);
        Receive<RunStep>(m => Begin(m.Pass, batch => _pass!.Train(m.Pass, batch, _settings.Recipe.DescentAt(m.Rate), () => _batches.GetValueOrDefault(m.Pass with { Number = m.Pass.Number + 1 }))));
        Receive<EvaluateBatch>(m => Begin(m.Pass, batch => _pass!.Evaluate(m.Pass, batch)));
        Receive<BatchReady>(OnBatch);
        Receive<ActivationReady>(m => { if (m.Exchange.Pass.Generation == _generation) _mailbox.Put(m); });
        Receive<SaveTowers>(OnSave);
        Receive<ReportActivity>(_ => OnReportActivity());
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(GroupSettings settings, DeviceFactory device, IReadOnlyList<TowerId> towers, IActorRef coordinator) =>
        Akka.Actor.Props.Create(() => new GpuActor(settings, device, towers, coordinator));

    sealed class ReportActivity : INoSerializationVerificationNeeded
    {
        public static readonly ReportActivity Instance = new();
    }

    protected override void PreStart()
    {
        Timers.StartPeriodicTimer(ReportActivity.Instance, ReportActivity.Instance, ActivityInterval);
        var self = Self;
        OnDevice($"open {_factory.Name}", () =>
        {
            _device = _factory.Open();
            using var data = DataFolder.Open(_settings.DataPath);
            var recipe = _settings.Recipe;
            _towers = [.. _ids.Select(id => new Tower(recipe.Network, id, _device, recipe.Batch, recipe.Seed, data.Mean.Span, training: true))];
            ITowerLink link = _towers.Length == 2 ? new LocalLink() : _mailbox;
            _pass = new Pass(_towers, link);
            _buffers = _device.Buffers;
            _coordinator.Tell(new GpuReady(_ids, _factory.Name, _factory.Kind), self);
        });
    }

    protected override void PostStop()
    {
        _mailbox.Abort($"tower {string.Join('+', _ids)} stops");
        _thread.Post(() => _device?.Dispose());
        _thread.Dispose();
    }

    void OnFormGroup(FormGroup group)
    {
        _generation = group.Generation;
        _partner = _ids[0] == TowerId.A ? group.TowerB : group.TowerA;
        _batches.Clear();
    }

    void OnLoad(LoadTowers command)
    {
        var (self, generation) = (Self, _generation);
        OnDevice("load the towers", () =>
        {
            if (command.Checkpoint is { } folder)
            {
                var (_, states) = CheckpointFolder.Load(folder);
                foreach (var tower in _towers) TowerStates.Restore(tower, states[(int)tower.Id]);
            }
            else
                foreach (var tower in _towers) tower.Initialize();
            _coordinator.Tell(new TowersLoaded(generation, _ids), self);
        });
    }

    void Begin(PassId id, Func<Batch, PassResult> run)
    {
        if (id.Generation != _generation) return;
        long since = Stopwatch.GetTimestamp();
        var self = Self;
        void Start(Batch batch)
        {
            double dataMs = Stopwatch.GetElapsedTime(since).TotalMilliseconds;
            OnDevice(id.ToString(), () =>
            {
                var result = run(batch);
                int allocated = _device!.Buffers - _buffers;
                _buffers += allocated;
                _coordinator.Tell(new PassDone(id, _ids, result.Score, result.Compute.TotalMilliseconds, result.Exchange.TotalMilliseconds, dataMs, allocated), self);
            });
        }
        if (_batches.TryRemove(id, out var ready)) Start(ready);
        else _waitingForBatch = (id, Start, since);
    }

    void OnBatch(BatchReady message)
    {
        if (message.Pass.Generation != _generation) return;
        if (_waitingForBatch is { } waiting && waiting.Pass == message.Pass)
        {
            _waitingForBatch = null;
            waiting.Start(message.Batch);
        }
        else
            _batches[message.Pass] = message.Batch;
    }

    void OnSave(SaveTowers command)
    {
        if (command.Generation != _generation) return;
        var self = Self;
        OnDevice($"checkpoint after step {command.Steps}", () =>
        {
            foreach (var tower in _towers)
            {
                var state = _captured[(int)tower.Id] = TowerStates.Capture(tower, _captured[(int)tower.Id]);
                string sha256 = CheckpointFolder.WriteTower(command.Folder, state);
                _coordinator.Tell(new TowerSaved(command.Generation, command.Steps, tower.Id, sha256, [.. WeightsDigest.OfTower(state)]), self);
            }
        });
    }

    /// <summary>Runs work on the device's thread; what it cannot do becomes a message that says who and where.</summary>
    void OnDevice(string what, Action work)
    {
        var (self, generation, member) = (Self, _generation, $"tower {string.Join('+', _ids)} on {_factory.Name}");
        _thread.Post(() =>
        {
            try
            {
                work();
            }
            catch (Exception e) when (e is PassAbortedException or CheckpointException or DataException or ArgumentException or IOException or OutOfMemoryException or InvalidOperationException or DeviceException)
            {
                _coordinator.Tell(new MemberFailed(generation, member, $"{what}: {e.Message}"), self);
            }
        });
    }

    void OnReportActivity()
    {
        string activity = _waitingForBatch is not null ? "waits for data" : _pass?.Activity ?? "opens";
        if (activity == _lastActivity) return;
        _lastActivity = activity;
        _coordinator.Tell(new TowerActivity(_ids, activity));
    }
}
