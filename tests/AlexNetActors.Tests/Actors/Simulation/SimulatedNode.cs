using Akka.Actor;
using AlexNetActors.Actors;
using AlexNetActors.Data;
using AlexNetActors.Model;

namespace AlexNetActors.Tests.Actors.Simulation;

/// <summary>One process: offers itself as <see cref="NodeActor"/> does, prepares batches as a loader does, and holds GPU actors and a shelf.</summary>
sealed class SimulatedNode(SimulatedCluster cluster, string name, int gpus, bool loader, bool coordinates)
{
    SnapshotShelf _shelf = new();
    SimulatedRef _actor = new(name), _loaderActor = new($"{name}-loader");
    SimulatedCoordinator? _follows;
    AssignLoader? _task;
    readonly HashSet<IActorRef> _takers = []; // dialled, or connected
    readonly Dictionary<PassKind, (long From, long Next, long Until)> _windows = [];
    int _generation;
    bool _leaves;

    public string Name => name;
    public bool Coordinates => coordinates;
    public SnapshotShelf Shelf => _shelf;
    public List<SimulatedGpu> Gpus { get; private set; } = [];
    public bool Up { get; private set; }

    /// <summary>Counts its processes and its actor systems: what was meant for an earlier one reaches nobody.</summary>
    public int Life { get; private set; }
    public long FrozenUntil { get; set; }

    public void Begin(bool keepsMemory)
    {
        Life++;
        (Up, FrozenUntil, _follows, _task, _leaves) = (true, 0, null, null, false);
        if (!keepsMemory) (_shelf, _generation) = (new SnapshotShelf(), 0);
        (_actor, _loaderActor) = (new($"{name}-{Life}"), new($"{name}-{Life}-loader"));
        Gpus = [.. Enumerable.Range(0, gpus).Select(i => new SimulatedGpu(cluster, this, $"{name}-{Life}-gpu-{i}"))];
    }

    public void End(string why)
    {
        foreach (var gpu in Gpus) gpu.Vanish(why);
        Up = false;
        Life++;
        Gpus = [];
    }

    public void Admitted()
    {
        _shelf.Changed += OfferNow;
        int life = Life;
        void Again()
        {
            if (Life != life) return;
            OfferNow();
            cluster.Later(this, 1000, Again);
        }
        Again();
    }

    /// <summary>Has heard where the coordinator is.</summary>
    public void Follow(SimulatedCoordinator coordinator)
    {
        if (!Up || !cluster.Members.Contains(this) || _follows == coordinator) return;
        bool alone = _leaves && _follows is not null; // whom it has asked to let it go is gone
        _follows = coordinator;
        if (alone) cluster.Leaves(this);
        else OfferNow();
    }

    /// <summary>Somebody has asked it to.</summary>
    public void Stop()
    {
        if (_follows is null) cluster.Leaves(this); // nobody needs it yet
        _leaves = true;
        OfferNow();
    }

    public void OfferNow()
    {
        if (!Up || _follows is not { } to) return;
        var offer = new NodeOffer("1", name, _actor, _generation, null, null, [.. Gpus.Select(g => new GpuOffer(g.Ref, "cpu", "cpu", "cpu", []))], loader ? [_loaderActor] : [], $"{name}:1", _shelf.Held);
        cluster.Send(this, _actor, to.Node, to, () => to.Hear(offer));
        if (_leaves) cluster.Send(this, _actor, to.Node, to, () => to.Hear(new NodeLeaves(name)));
    }

    public void Hear(IProtocolMessage message)
    {
        if (message is GroupFormed formed) HearOf(formed.Generation);
        if (message is OfferAgain) OfferNow();
        if (message is NodeReleased) cluster.Leaves(this);
    }

    public void HearOf(int generation) => _generation = Math.Max(_generation, generation);

    // ---- the loader

    public void HearAsLoader(SimulatedCoordinator from, IProtocolMessage message)
    {
        if (message is DisbandGroup d && d.Generation == _task?.Generation) _task = null;
        if (message is AssignLoader task)
        {
            HearOf(task.Generation);
            Assign(from, task);
        }
        if (message is GrantCredit credit && _task is not null && credit.Generation == _task.Generation)
        {
            var window = _windows.GetValueOrDefault(credit.Kind, (-1, 0, 0));
            if (window.From != credit.From) window = (credit.From, Math.Max(window.Next, credit.From + (_task.Index - credit.From % _task.Count + _task.Count) % _task.Count), 0);
            _windows[credit.Kind] = window with { Until = credit.Until };
            Prepare();
        }
    }

    void Assign(SimulatedCoordinator from, AssignLoader task)
    {
        if (_task is not null && (task.Generation < _task.Generation || (task.Generation == _task.Generation && task.Round <= _task.Round))) return;
        if (task.Generation != _task?.Generation) _takers.Clear();
        _task = task;
        _windows.Clear();
        foreach (var seat in task.Seats)
            if (_takers.Add(seat.Actor)) Dial(from, task, seat, cluster.Time.Now + 10_000);
    }

    /// <summary>Until the GPU actor expects this generation; then its mean image goes first.</summary>
    void Dial(SimulatedCoordinator from, AssignLoader task, Seat seat, long until) => cluster.Later(this, cluster.Time.Between(1, 30), () =>
    {
        if (_task?.Generation != task.Generation) return;
        var gpu = SimulatedGpu.Find(cluster, seat);
        if (gpu is not null && gpu.State.Generation == task.Generation && !cluster.IsCutBothWays(this, gpu.Node))
            cluster.Stream(this, _loaderActor, gpu.Node, gpu, () => gpu.Hear(new MeanReady(task.Generation, [0])));
        else if (cluster.Time.Now < until) Dial(from, task, seat, until);
        else
        {
            _takers.Remove(seat.Actor);
            cluster.Send(this, _loaderActor, from.Node, from, () => from.Hear(new LinkLost(task.Generation, name, LinkPurpose.Batches, "dialled for 10 s")));
        }
    });

    void Prepare()
    {
        foreach (var (kind, window) in _windows.ToArray())
        {
            if (_task is null || window.Next >= window.Until) continue;
            _windows[kind] = window with { Next = window.Next + _task.Count };
            var task = _task;
            cluster.Later(this, cluster.Time.Between(0, 5), () =>
            {
                var batch = new Batch(1, 1);
                batch.Records[0] = (int)window.Next;
                var pass = new PassId(task.Generation, kind, window.Next);
                foreach (var seat in task.Seats)
                    if (SimulatedGpu.Find(cluster, seat) is { } gpu) cluster.Stream(this, _loaderActor, gpu.Node, gpu, () => gpu.Hear(new BatchReady(pass, batch)));
                Prepare();
            });
        }
    }
}
