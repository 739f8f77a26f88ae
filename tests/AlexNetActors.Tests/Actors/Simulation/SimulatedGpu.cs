using Akka.Actor;
using AlexNetActors.Actors;
using AlexNetActors.Compute;
using AlexNetActors.Model;

namespace AlexNetActors.Tests.Actors.Simulation;

/// <summary>The GPU actor's shell over the real <see cref="GpuState"/>, its device a <see cref="ToyTower"/> or two.</summary>
sealed class SimulatedGpu(SimulatedCluster cluster, SimulatedNode node, string name)
{
    readonly Dictionary<TowerId, ulong> _weights = [];
    readonly Dictionary<ExchangeId, ulong> _inbox = [];
    readonly Queue<Action> _work = new(); // the compute thread's
    readonly int _life = node.Life;
    SimulatedCoordinator? _coordinator;
    Action? _blocked; // what the compute thread goes on with when the other tower's portion comes
    ExchangeId _blockedOn;
    bool _busy;
    int _part; // counts groups: work of an earlier one is not done

    public IActorRef Ref => State.Self;
    public SimulatedNode Node => node;
    public GpuState State { get; private set; } = new(new SimulatedRef(name));
    public List<SimulatedLink> Links { get; } = [];

    public static SimulatedGpu? Find(SimulatedCluster cluster, IActorRef actor) => cluster.Nodes.SelectMany(n => n.Gpus).FirstOrDefault(g => g.Ref.Equals(actor));

    public static SimulatedGpu? Find(SimulatedCluster cluster, Seat seat) => Find(cluster, seat.Actor);

    bool IsGone => !node.Up || node.Life != _life;

    /// <summary>Commands of a coordinator other than the one that formed the group are dropped, as the actor does.</summary>
    public void HearFrom(SimulatedCoordinator from, IProtocolMessage message)
    {
        if (message is FormGroup f)
        {
            if (f.Generation > State.Generation) _coordinator = from;
            node.HearOf(f.Generation);
        }
        if (message is IGroupCommand && _coordinator != from) return;
        Hear(message);
    }

    public void Hear(object message)
    {
        if (IsGone) return;
        if (cluster.Bug == PlantedBug.GenerationUnchecked) message = SimulatedCoordinator.Renumbered(message, State.Generation);
        bool waited = State.Waiting;
        (State, var effects) = State.Apply(message);
        if (State.Waiting && !waited) MissBatch(State.Begun);
        foreach (var effect in effects) Do(effect);
    }

    /// <summary>Its loader may be out of this tower's reach and not of the coordinator's.</summary>
    void MissBatch(PassId pass) => cluster.Later(node, SimulatedCluster.BatchDeadlineMs, () =>
    {
        if (IsGone || !State.Waiting || State.Begun != pass) return;
        Tell(new BatchMissing(pass, State.Mine!.Towers));
        MissBatch(pass);
    });

    /// <summary>The process is gone: the other ends of its connections see it.</summary>
    public void Vanish(string why)
    {
        foreach (var link in Links.ToArray()) link.Break(why);
    }

    void Do(GpuState.Effect effect)
    {
        switch (effect)
        {
            case GpuState.Effect.Leave: Leave(); break;
            case GpuState.Effect.Join e: Join(e.Group, e.Mine); break;
            case GpuState.Effect.Abort: GiveUp(); break;
            case GpuState.Effect.Build: Post(() => Answer(new GpuReady(State.Generation, State.Mine!.Towers))); break;
            case GpuState.Effect.Initialize: Post(() => Load(ToyTower.Initial)); break;
            case GpuState.Effect.Restore e: Post(() => Restore(e)); break;
            case GpuState.Effect.Announce e: node.Shelf.Announce(TinyRun.Network, State.Group!.Identity, e.Progress, e.Keep); break;
            case GpuState.Effect.Give e: Post(() => Give(e.Tower, e.Steps)); break;
            case GpuState.Effect.Run e: Post(() => Run(e), ends: false); break;
            case GpuState.Effect.Snapshot e: Post(() => TakeSnapshot(e.Steps)); break;
            case GpuState.Effect.Save e: Post(() => Save(e.Steps)); break;
            case GpuState.Effect.Put e: Put(e.Activation.Exchange, ToyTower.Number(e.Activation.Portion.Values(ChannelOrder.Canonical).Span)); break;
            case GpuState.Effect.GiveBack: break;
            case GpuState.Effect.Tell e: Tell(e.Message); break;
            default: throw new InvalidOperationException($"no way to do {effect}");
        }
    }

    void Tell(IProtocolMessage message)
    {
        if (_coordinator is { } to) cluster.Send(node, this, to.Node, to, () => to.Hear(message));
    }

    void Fail(string reason, IEnumerable<TowerId> suspects) => Answer(new MemberFailed(State.Generation, name, reason, [.. suspects]));

    /// <summary>From the compute thread to the actor.</summary>
    void Answer(IProtocolMessage message) => cluster.Later(node, 0, () => Hear(message));

    // ---- the compute thread

    void Post(Action work, bool ends = true)
    {
        int part = _part;
        _work.Enqueue(() =>
        {
            if (part != _part) Next();
            else
            {
                work();
                if (ends) Next();
            }
        });
        if (!_busy) Next();
    }

    void Next()
    {
        _busy = _work.TryDequeue(out var work);
        if (_busy) cluster.Later(node, cluster.Time.Between(0, 4), work!);
    }

    void Leave()
    {
        _part++;
        foreach (var link in Links.ToArray()) link.Close(this);
        Links.Clear();
        _inbox.Clear();
        GiveUp();
    }

    /// <summary>The compute thread waits for nothing any more: the pass is called off.</summary>
    void GiveUp()
    {
        bool blocked = _blocked is not null;
        _blocked = null;
        if (blocked) Next();
    }

    void Load(Func<TowerId, ulong> weights)
    {
        _weights.Clear();
        foreach (var tower in State.Mine!.Towers) _weights[tower] = weights(tower);
        Answer(new TowersLoaded(State.Generation, State.Mine.Towers));
    }

    void Restore(GpuState.Effect.Restore e)
    {
        var states = State.Mine!.Towers.ToDictionary(t => t, t => e.Given.GetValueOrDefault(t)?.State ?? node.Shelf.Find(t, e.Steps));
        if (states.FirstOrDefault(s => s.Value is null) is { Value: null, Key: var missing } && states.Values.Contains(null)) Fail($"holds no snapshot of tower {missing} after step {e.Steps} any more", State.Mine.Towers);
        else Load(t => ToyTower.Read(states[t]!));
    }

    void Give(TowerId tower, long steps)
    {
        if (node.Shelf.Find(tower, steps) is { } state) Pair?.Share(this, tower, steps, state);
        else Fail("holds it no more", State.Mine!.Towers);
    }

    SimulatedLink? Pair => Links.Find(l => l.Purpose == LinkPurpose.Snapshots);

    void TakeSnapshot(long steps)
    {
        if (Pair is { Drained: false }) return;
        foreach (var tower in State.Mine!.Towers)
        {
            if (node.Shelf.Find(tower, steps) is not { } state)
            {
                if (node.Shelf.Room(tower, steps, TimeSpan.Zero) is not { } room) return;
                ToyTower.Write(_weights[tower], state = room.State);
                node.Shelf.Put(tower, steps);
            }
            Pair?.Share(this, tower, steps, state);
        }
    }

    void Save(long steps)
    {
        if (_coordinator is not { } to) return;
        int generation = State.Generation;
        foreach (var (tower, weights) in _weights) cluster.Stream(node, this, to.Node, to, () => to.Archive(generation, steps, tower, weights));
    }

    void Run(GpuState.Effect.Run e)
    {
        var pass = e.Batch.Pass;
        if (e.Batch.Batch.Records[0] != pass.Number) throw new InvalidOperationException($"{name} runs {pass} on batch {e.Batch.Batch.Records[0]}");
        var (a, b) = (new ExchangeId(pass, ExchangeKind.Gather, 1), new ExchangeId(pass, ExchangeKind.Sum, 1));
        Meet(a, tower => ToyTower.Given(_weights[tower], pass.Number), (givenA, givenB) =>
        {
            if (e.Command is not RunStep step)
            {
                Done(pass);
                return;
            }
            Meet(b, tower => ToyTower.Part(_weights[tower], givenA, givenB), (partA, partB) =>
            {
                foreach (var tower in State.Mine!.Towers)
                {
                    bool swapped = cluster.Bug == PlantedBug.SumOrderSwapped && tower == TowerId.B && pass.Generation > 1;
                    _weights[tower] = ToyTower.Updated(_weights[tower], swapped ? ToyTower.Sum(partB, partA) : ToyTower.Sum(partA, partB), step.Rate);
                }
                Done(pass);
            });
        });
    }

    void Done(PassId pass)
    {
        Answer(new PassDone(pass, State.Mine!.Towers, new Score(10, 1, ToyTower.Errors(pass.Number), 0), 1, 1, 0, 0, [], pass.Kind == PassKind.Train ? ToyTower.Records(cluster.Plan, pass.Number) : null));
        Next();
    }

    /// <summary>Both towers' numbers: one's own is given, the other's waited for.</summary>
    void Meet(ExchangeId exchange, Func<TowerId, ulong> mine, Action<ulong, ulong> then)
    {
        var towers = State.Mine!.Towers;
        if (towers.Length == 2)
        {
            then(mine(TowerId.A), mine(TowerId.B));
            return;
        }
        ulong own = mine(towers[0]);
        if (Links.Find(l => l.Purpose == LinkPurpose.Exchange) is { } link) link.Exchange(this, exchange, own);
        else if (Find(cluster, State.Group!.Seats.First(s => !s.Actor.Equals(Ref))) is { } neighbour)
            cluster.Later(node, 0, () => neighbour.Hear(new ActivationReady(exchange, towers[0], new Portion(ToyTower.Floats(own), ChannelOrder.Canonical))));
        _blockedOn = exchange;
        _blocked = () =>
        {
            ulong other = _inbox[exchange];
            _inbox.Remove(exchange);
            then(towers[0] == TowerId.A ? own : other, towers[0] == TowerId.A ? other : own);
        };
        if (_inbox.ContainsKey(exchange)) GoOn();
        int part = _part;
        cluster.Later(node, SimulatedCluster.DeadlineMs, () =>
        {
            if (part != _part || _blocked is null || _blockedOn != exchange) return;
            _blocked = null;
            Fail($"waited for {exchange}", TowerIds.Both.Except(State.Mine!.Towers));
            Next();
        });
    }

    void GoOn()
    {
        var (blocked, part) = (_blocked!, _part);
        _blocked = null;
        cluster.Later(node, cluster.Time.Between(0, 2), () =>
        {
            if (part == _part) blocked();
            else Next();
        });
    }

    public void Put(ExchangeId exchange, ulong number)
    {
        if (IsGone) return;
        _inbox[exchange] = number;
        if (_blocked is not null && _blockedOn == exchange) GoOn();
    }

    // ---- connections

    void Join(FormGroup group, Seat mine)
    {
        var links = GpuState.LinksOf(group, mine);
        int part = _part;
        if (links.Contains(LinkPurpose.Exchange) && mine.Towers[0] == TowerId.A)
            foreach (var purpose in new[] { LinkPurpose.Exchange, LinkPurpose.Snapshots }) Dial(group, purpose, group.Seats.First(s => !s.Actor.Equals(Ref)), part, cluster.Time.Now + 10_000);
        if (links.Contains(LinkPurpose.State)) DialArchive(group, part, cluster.Time.Now + 10_000);
    }

    void Dial(FormGroup group, LinkPurpose purpose, Seat to, int part, long until) => cluster.Later(node, cluster.Time.Between(1, 50), () =>
    {
        if (part != _part) return;
        if (Find(cluster, to) is { } other && other.State is { Group: not null } there && there.Generation == group.Generation && !cluster.IsCutBothWays(node, other.Node))
        {
            var link = new SimulatedLink(cluster, purpose, group.Generation, this, other);
            foreach (var end in new[] { this, other })
            {
                end.Links.Add(link);
                string far = (end == this ? other : this).Node.Name;
                cluster.Later(end.Node, 0, () => end.Hear(new GpuState.LinkChanged(group.Generation, purpose, far, null)));
            }
        }
        else if (cluster.Time.Now < until) Dial(group, purpose, to, part, until);
        else Hear(new GpuState.LinkChanged(group.Generation, purpose, to.Node, "dialled for 10 s"));
    });

    void DialArchive(FormGroup group, int part, long until) => cluster.Later(node, cluster.Time.Between(1, 50), () =>
    {
        if (part != _part) return;
        if (_coordinator is { } to && to.Node.Up && !cluster.IsCutBothWays(node, to.Node)) HearOfArchive(group, null);
        else if (cluster.Time.Now < until) DialArchive(group, part, until);
        else HearOfArchive(group, "dialled for 10 s");
    });

    void HearOfArchive(FormGroup group, string? lost) => Hear(new GpuState.LinkChanged(group.Generation, LinkPurpose.State, group.ArchiveNode, lost));

    /// <summary>This end alone sees it.</summary>
    public void LoseArchive()
    {
        if (State.Group is not { } group || !GpuState.LinksOf(group, State.Mine!).Contains(LinkPurpose.State) || State.Missing.Contains(LinkPurpose.State)) return;
        cluster.Later(node, cluster.Time.Between(0, 50), () => HearOfArchive(group, "was cut"));
    }
}

/// <summary>A connection between two GPU actors of different nodes: in order while it stands; who does not end it himself hears of its end.</summary>
sealed class SimulatedLink(SimulatedCluster cluster, LinkPurpose purpose, int generation, SimulatedGpu a, SimulatedGpu b)
{
    bool _closed;
    int _sending;

    public LinkPurpose Purpose => purpose;
    public bool IsCut => cluster.IsCutBothWays(a.Node, b.Node);

    /// <summary>Nothing of a snapshot is still read from its memory.</summary>
    public bool Drained => _sending == 0;

    SimulatedGpu Other(SimulatedGpu end) => end == a ? b : a;

    public void Exchange(SimulatedGpu from, ExchangeId exchange, ulong number)
    {
        var to = Other(from);
        cluster.Stream(from.Node, (this, from), to.Node, (this, to), () =>
        {
            bool ours = exchange.Pass.Generation == generation && to.State.Generation == generation; // as ExchangeLink refuses others
            if (!_closed && ours) to.Put(exchange, number);
        });
    }

    /// <summary>The memory is read while it is sent, as a socket does: first one half, later the other. A byte may be damaged on its way, which is seen at the end.</summary>
    public void Share(SimulatedGpu from, TowerId tower, long steps, TowerState state)
    {
        var to = Other(from);
        _sending++;
        cluster.SnapshotUnderWay(from.Node, to.Node);
        TowerState? room = null; // null where it is let go by
        bool damaged = cluster.Time.Between(0, 10) == 0;
        long until = cluster.Time.Now + (long)GroupPart.AnnouncementMax.TotalMilliseconds;
        bool IsOver() => _closed && cluster.Bug != PlantedBug.GenerationUnchecked;
        void First()
        {
            if (IsOver()) return;
            if (to.Node.Shelf.Room(tower, steps, TimeSpan.Zero) is not { } found)
            {
                if (to.State.Stage == GpuStage.Ready && cluster.Time.Now > until)
                {
                    _sending--; // goes by
                    return;
                }
                cluster.Stream(from.Node, (this, from), to.Node, (this, to), First); // waits for the announcement
                return;
            }
            room = found.Whole ? null : found.State;
            if (room is not null) ToyTower.WriteFirst(ToyTower.ReadFirst(state), room);
            if (cluster.Bug == PlantedBug.CommitSkipped) to.Node.Shelf.Put(tower, steps);
            cluster.Later(from.Node, cluster.Time.Between(1, 300), () => cluster.Stream(from.Node, (this, from), to.Node, (this, to), Second));
        }
        void Second()
        {
            if (IsOver()) return;
            _sending--;
            if (room is not null)
            {
                state.Values[^1].Data.CopyTo(room.Values[^1].Data, 0);
                if (damaged) room.Values[^1].Data[0] += 1;
            }
            if (damaged)
            {
                Break("has sent a frame that is refused");
                return;
            }
            to.Node.Shelf.Put(tower, steps);
            to.Hear(new TowerStateReady(generation, steps, to.Node.Shelf.Find(tower, steps)!));
        }
        cluster.Stream(from.Node, (this, from), to.Node, (this, to), First);
    }

    /// <summary>One end leaves: only the other hears of it.</summary>
    public void Close(SimulatedGpu by)
    {
        if (_closed) return;
        _closed = true;
        var other = Other(by);
        other.Links.Remove(this);
        cluster.Later(other.Node, cluster.Time.Between(0, 50), () => other.Hear(new GpuState.LinkChanged(generation, purpose, by.Node.Name, "was closed")));
    }

    public void Break(string why)
    {
        if (_closed) return;
        _closed = true;
        foreach (var end in new[] { a, b })
        {
            end.Links.Remove(this);
            string far = Other(end).Node.Name;
            cluster.Later(end.Node, cluster.Time.Between(0, 50), () => end.Hear(new GpuState.LinkChanged(generation, purpose, far, why)));
        }
    }
}
