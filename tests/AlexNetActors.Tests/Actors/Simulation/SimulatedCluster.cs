using Akka.Actor;
using AlexNetActors.Actors;
using AlexNetActors.Data;
using AlexNetActors.Model;

namespace AlexNetActors.Tests.Actors.Simulation;

/// <summary>Bugs that are planted to see whether the simulation finds them.</summary>
enum PlantedBug
{
    None,

    /// <summary>A snapshot counts as whole when half of it has come.</summary>
    CommitSkipped,

    /// <summary>What an older group's members and connections still say counts as the present group's.</summary>
    GenerationUnchecked,

    /// <summary>After a recovery tower B adds B's part and then A's.</summary>
    SumOrderSwapped,

    /// <summary>A coordinator that is cut off from the majority, or was asleep, goes on commanding.</summary>
    MajorityIgnored,
}

/// <summary>
/// A cluster on one thread: the real <see cref="TrainingState"/>, <see cref="GpuState"/> and <see cref="SnapshotShelf"/> of every node under a
/// clock and a network that delay, drop and repeat, with processes that die, freeze, come back and are cut off, all from one seed. What Akka
/// promises it keeps: messages from one actor to another stay in order. Membership behaves as Akka.Cluster with keep-majority does: who
/// cannot be reached is removed after seconds, by the majority; the others put themselves out and come back with what their memory holds.
/// </summary>
sealed class SimulatedCluster
{
    public const int SnapshotSteps = 4, ValidationBatches = 2, ReadAhead = 3, DeadlineMs = 60_000, BatchDeadlineMs = 10_000, NudgeMs = 3_000;

    const long HorizonMs = 3_600_000;

    readonly double _drop, _repeat;
    readonly Dictionary<(object From, object To), long> _lastDelivery = [];
    readonly List<string> _log = [];
    readonly bool _keepsLog;
    readonly List<(HashSet<SimulatedNode> Side, bool OneWay)> _cuts = [];
    readonly string? _seed; // the only one, and the only one that may lead, where there is one: whenever it starts again it founds a cluster anew
    int _offices;

    public SimulatedCluster(ulong seed, PlantedBug bug = PlantedBug.None, bool log = false)
    {
        (Time, Bug, _keepsLog) = (new VirtualTime(seed), bug, log);
        Limits = new RunLimits(Time.Between(5, 60), Batch: 10, Time.Between(8, 40), CheckpointSteps: 7, new LearningRateSchedule(0.01f, 10, 3, Patience: 2, Improvement: 0));
        (_drop, _repeat) = (Time.Any([0, 0, 0.01, 0.05]), Time.Any([0, 0.02, 0.1]));
        int gpuNodes = Time.Between(2, 3);
        bool twice = Time.Chance(0.2); // both devices of a tower's pair in one process
        _seed = Time.Chance(0.2) ? "c1" : null;
        Nodes.Add(new SimulatedNode(this, "c1", gpus: Time.Chance(0.3) ? 1 : 0, loader: false, coordinates: true));
        Nodes.Add(new SimulatedNode(this, "c2", gpus: 0, loader: true, coordinates: _seed is null));
        for (int i = 0; i < gpuNodes; i++) Nodes.Add(new SimulatedNode(this, $"g{i}", gpus: twice ? 2 : 1, loader: false, coordinates: false));
        Nodes.Add(new SimulatedNode(this, "l1", gpus: 0, loader: true, coordinates: Time.Chance(0.3) && _seed is null));
        foreach (var node in Nodes) Time.After(Time.Between(0, 3000), () => Start(node, keepsMemory: false));
        int faults = Time.Between(0, 8);
        _aimed = Time.Between(0, 4);
        for (int i = 0; i < faults; i++) Time.After(Time.Between(100, 40_000), Disturb);
        int orders = Time.Chance(0.5) ? Time.Between(1, 3) : 0;
        for (int i = 0; i < orders; i++) Time.After(Time.Between(100, 30_000), Order);
    }

    public VirtualTime Time { get; }
    public PlantedBug Bug { get; }
    public RunLimits Limits { get; }
    public BatchPlan Plan => field ??= ToyTower.Plan(Limits);
    public List<SimulatedNode> Nodes { get; } = [];

    /// <summary>The run folder, which every coordinator sees.</summary>
    public List<(RunProgress Progress, ulong A, ulong B)> Checkpoints { get; } = [];

    /// <summary>Steps of the last checkpoint that whoever watches was told of; its digest is what the run ends with.</summary>
    public long Told { get; set; }

    /// <summary>Nodes in the order in which the cluster let them in.</summary>
    public List<SimulatedNode> Members { get; } = [];

    /// <summary>The one coordinator, or the last one that took office.</summary>
    public SimulatedCoordinator? Coordinator { get; private set; }

    /// <summary>The newest office by which a group was formed: an older one commands nothing any more.</summary>
    public int OfficeInCommand { get; set; }
    public RunOver? Ended { get; set; }
    public int Recoveries { get; set; }
    public int Faults { get; private set; }

    /// <summary>Times that the run was asked to wait, or to save.</summary>
    public int Orders { get; private set; }

    /// <summary>Times that nothing but a deadline showed that something was wrong.</summary>
    public int DeadlinesPassed { get; set; }

    /// <summary>A snapshot is on its way between two nodes: an interesting moment, at which one of them may die.</summary>
    public void SnapshotUnderWay(SimulatedNode from, SimulatedNode to)
    {
        if (_aimed == 0 || !Time.Chance(0.3)) return;
        _aimed--;
        Faults++;
        var victim = Time.Chance(0.5) ? from : to;
        Time.After(Time.Between(0, 300), () => Kill(victim));
    }

    int _aimed;
    public IReadOnlyList<string> Log => _log;

    public void Say(string line)
    {
        if (_keepsLog) _log.Add($"{Time.Now,8} {line}");
    }

    /// <summary>Runs to the end.</summary>
    /// <exception cref="InvalidOperationException">It does not end, or something happened that must not.</exception>
    public void Run()
    {
        while (Ended is null)
        {
            if (!Time.Next()) throw new InvalidOperationException("nothing happens any more, and the run has not ended");
            if (Time.Now > HorizonMs) throw new InvalidOperationException($"the run has not ended after an hour; {Coordinator?.State.Phase}, step {Coordinator?.State.Progress.Steps}");
        }
    }

    // ---- the network

    bool IsCut(SimulatedNode from, SimulatedNode to) => _cuts.Any(c => c.Side.Contains(from) != c.Side.Contains(to) && (!c.OneWay || c.Side.Contains(from)));

    /// <summary>A connection needs both ways.</summary>
    public bool IsCutBothWays(SimulatedNode a, SimulatedNode b) => IsCut(a, b) || IsCut(b, a);

    /// <summary>A control message: it may be late, lost or come twice; within a process none of it.</summary>
    public void Send(SimulatedNode from, object fromActor, SimulatedNode to, object toActor, Action deliver)
    {
        if (from == to)
        {
            Deliver(from, fromActor, to, toActor, 0, reliable: true, deliver);
            return;
        }
        if (Time.Chance(_drop)) return;
        long delay = Time.Chance(0.05) ? Time.Between(20, 900) : Time.Between(1, 8);
        Deliver(from, fromActor, to, toActor, delay, reliable: false, deliver);
        if (Time.Chance(_repeat)) Deliver(from, fromActor, to, toActor, delay, reliable: false, deliver);
    }

    /// <summary>Bytes of a connection, in order, while it stands.</summary>
    public void Stream(SimulatedNode from, object fromEnd, SimulatedNode to, object toEnd, Action deliver) => Deliver(from, fromEnd, to, toEnd, Time.Between(0, 6), reliable: true, deliver);

    void Deliver(SimulatedNode from, object fromActor, SimulatedNode to, object toActor, long delay, bool reliable, Action deliver)
    {
        long at = Math.Max(Time.Now + delay, _lastDelivery.GetValueOrDefault((fromActor, toActor)));
        _lastDelivery[(fromActor, toActor)] = at;
        (int fromLife, int toLife) = (from.Life, to.Life);
        void Arrive()
        {
            if (to.Life != toLife || !to.Up) return; // its process is gone
            if (from != to && IsCut(from, to))
            {
                if (from.Life == fromLife && (reliable || Time.Chance(0.5))) Time.After(300, Arrive); // sent again until the cable is whole
                return;
            }
            if (to.FrozenUntil > Time.Now) Time.After(to.FrozenUntil - Time.Now, Arrive);
            else deliver();
        }
        Time.After(at - Time.Now, Arrive);
    }

    /// <summary>Something that a node's process does later.</summary>
    public void Later(SimulatedNode node, long ms, Action happens)
    {
        int life = node.Life;
        void Happen()
        {
            if (node.Life != life || !node.Up) return;
            if (node.FrozenUntil > Time.Now) Time.After(node.FrozenUntil - Time.Now, Happen);
            else happens();
        }
        Time.After(ms, Happen);
    }

    // ---- membership

    void Start(SimulatedNode node, bool keepsMemory)
    {
        if (node.Up) return;
        Remove(node); // its earlier self, if it is still there
        node.Begin(keepsMemory);
        Say($"{node.Name} starts");
        Join(node);
    }

    void Join(SimulatedNode node) => Later(node, Time.Between(200, 1500), () =>
    {
        if (Members.Count > 0 && Members.All(m => IsCutBothWays(m, node)))
        {
            Join(node);
            return;
        }
        Members.Add(node);
        node.Admitted();
        LookForCoordinator();
        TellCompany();
    });

    void Remove(SimulatedNode node)
    {
        if (!Members.Remove(node)) return;
        Say($"{node.Name} is removed");
        if (Coordinator is { } coordinator)
        {
            if (coordinator.Node == node) Coordinator = null;
            else Later(coordinator.Node, Time.Between(0, 20), () => coordinator.Hear(new NodeLost(node.Name, "killed")));
        }
        LookForCoordinator();
        TellCompany();
    }

    void LookForCoordinator()
    {
        if (Coordinator is not null) return;
        if (Members.FirstOrDefault(m => m.Coordinates && m.Up && m.FrozenUntil <= Time.Now && ReachesMajority(m)) is not { } oldest)
        {
            if (Members.Count > 0) Time.After(500, LookForCoordinator); // when a cut is over, or who is asleep has been removed
            return;
        }
        var office = Coordinator = new SimulatedCoordinator(this, oldest, ++_offices);
        Later(oldest, Time.Between(0, 400), () =>
        {
            if (Coordinator != office) return;
            Say($"{oldest.Name} takes office {office.Office}");
            office.Begin();
            office.Hear(new Company(GpuNodes, Alone: null));
            Later(oldest, 3000, () => office.Hear(new Settled()));
            foreach (var member in Members) Time.After(Time.Between(0, 1000), () => member.Follow(office));
        });
    }

    /// <summary>Nobody takes office on a side that does not know the others to be gone.</summary>
    public bool ReachesMajority(SimulatedNode node)
    {
        var reached = Members.Where(m => !IsCutBothWays(node, m)).ToList();
        return 2 * reached.Count > Members.Count || (2 * reached.Count == Members.Count && reached.Contains(Members.MinBy(m => m.Name)!));
    }

    System.Collections.Immutable.ImmutableHashSet<string> GpuNodes => [.. Members.Where(m => m.Gpus.Count > 0).Select(m => m.Name)];

    void TellCompany()
    {
        if (Coordinator is { } coordinator && coordinator.Node.Up) Later(coordinator.Node, 100, () => coordinator.Hear(new Company(GpuNodes, coordinator.HasMajority ? null : "cut off")));
        if (Coordinator is { } office)
            foreach (var member in Members) Time.After(Time.Between(300, 1000), () => member.Follow(office));
    }

    // ---- whoever watches

    /// <summary>A checkpoint is wanted now, or the run is to wait: then somebody lets it go on, whoever leads it by then.</summary>
    void Order()
    {
        if (Ended is not null || Coordinator is null) return;
        Orders++;
        if (Time.Chance(0.4))
        {
            Tell(new SaveRun());
            return;
        }
        Tell(new PauseRun());
        if (Time.Chance(0.3)) Time.After(Time.Between(0, 5000), () => Tell(new SaveRun()));
        Time.After(Time.Between(100, 90_000), GoOn);
    }

    void GoOn()
    {
        if (Coordinator is null) Time.After(1000, GoOn); // none yet: the one to come knows of no pause, but may have been told of a later one
        else Tell(new ContinueRun());
    }

    void Tell(IRunOrder order)
    {
        if (Coordinator is not { } coordinator) return;
        Say($"ORDER {order.GetType().Name}");
        Later(coordinator.Node, Time.Between(0, 20), () => coordinator.Hear(order));
    }

    // ---- faults

    void Disturb()
    {
        if (Ended is not null) return;
        Faults++;
        var node = Time.Any(Nodes);
        switch (Time.Between(0, 7))
        {
            case 0 or 1: Kill(node); break;
            case 2:
                Kill(node);
                Time.After(Time.Between(500, 5000), () => Kill(node)); // as soon as it is back, or nearly
                break;
            case 3: Freeze(node, Time.Any([1500, 3000, 6000, 30_000])); break;
            case 4: Cut(Time.Any([1500, 3000, 6000, 30_000])); break;
            case 5:
                Kill(node);
                Kill(Time.Any(Nodes));
                break;
            case 6: Disconnect(node); break;
            default: Ask(node); break;
        }
    }

    /// <summary>To stop: it goes when nobody needs it any more, and is started again. The only one that may lead would end the run.</summary>
    void Ask(SimulatedNode node)
    {
        if (!node.Up || node.FrozenUntil > Time.Now) return;
        bool leads = Coordinator is { } coordinator && coordinator.Node == node, handsOver = Members.Any(m => m != node && m.Coordinates && m.Up);
        if (leads && !handsOver) return;
        Say($"ASK {node.Name} to stop");
        if (leads) Coordinator!.Hear(new StopRun(HandsOver: true));
        else node.Stop();
    }

    /// <summary>It has left as it should, and whoever watches over processes starts it again.</summary>
    public void Leaves(SimulatedNode node)
    {
        if (!node.Up) return;
        Say($"{node.Name} leaves");
        node.End("has left");
        Time.After(Time.Between(100, 1500), () => Remove(node));
        Time.After(Time.Between(1500, 3000), () => Start(node, keepsMemory: false));
    }

    /// <summary>Those who were in a cluster with the only seed find out that it has founded another one, and go there, each in its own time, with what they remember.</summary>
    void Follow(SimulatedNode seed)
    {
        foreach (var node in Members.Where(n => n != seed).ToArray())
        {
            Members.Remove(node);
            int life = node.Life;
            Time.After(Time.Between(4000, 9000), () =>
            {
                if (node.Life != life || !node.Up) return;
                Say($"{node.Name} goes to the other cluster");
                node.End("has gone to another cluster");
                Time.After(Time.Between(1000, 3000), () => Start(node, keepsMemory: true));
            });
        }
    }

    void Kill(SimulatedNode node)
    {
        if (!node.Up) return;
        Say($"KILL {node.Name}");
        int life = node.Life;
        node.End("its process is gone");
        if (node.Name == _seed) Follow(node);
        Time.After(Time.Chance(0.8) ? Time.Between(100, 1500) : Time.Between(7000, 9000), () =>
        {
            if (!node.Up || node.Life == life) Remove(node);
        });
        Time.After(Time.Between(300, 3000), () => Start(node, keepsMemory: false));
    }

    void Freeze(SimulatedNode node, long ms)
    {
        if (!node.Up || node.FrozenUntil > Time.Now) return;
        Say($"FREEZE {node.Name} for {ms} ms");
        int life = node.Life;
        node.FrozenUntil = Time.Now + ms;
        if (ms > 3000 && Coordinator is { } coordinator && coordinator.Node == node) Time.After(ms, () => coordinator.Sleeps()); // the first thing that it sees
        if (ms > 5000) BreakLinks(node, Time.Between(4000, 15_000));
        if (ms <= 7000) return;
        Time.After(Time.Between(7000, 9000), () =>
        {
            if (node.Life == life) Remove(node);
        });
        Time.After(ms + Time.Between(500, 5000), () => PutOut(node, life));
    }

    /// <summary>The cluster has gone on without it: its actor system ends, its process and its memory stay.</summary>
    void PutOut(SimulatedNode node, int life)
    {
        if (node.Life != life || !node.Up) return;
        Say($"{node.Name} is put out");
        Remove(node);
        node.End("the cluster has put it out");
        Time.After(Time.Between(1000, 6000), () => Start(node, keepsMemory: true));
    }

    void Cut(long ms)
    {
        var side = Nodes.Where(_ => Time.Chance(0.4)).ToHashSet();
        var cut = (side, Time.Chance(0.3));
        if (side.Count == 0 || side.Count == Nodes.Count || _cuts.Count > 0) return; // one at a time: what several together make of the members is not modelled
        Say($"CUT {string.Join(",", side.Select(n => n.Name))} for {ms} ms");
        _cuts.Add(cut);
        Time.After(ms, () => _cuts.Remove(cut));
        if (ms <= 4500) return;
        bool IsMinority(SimulatedNode n) => 2 * Members.Count(m => side.Contains(m) == side.Contains(n)) is var twice && (twice < Members.Count || (twice == Members.Count && side.Contains(n) != side.Contains(Members.MinBy(m => m.Name)!)));
        var minority = Members.Where(IsMinority).Select(n => (Node: n, n.Life)).ToList();
        if (Coordinator is { } coordinator && minority.Any(m => m.Node == coordinator.Node))
        {
            Time.After(Time.Between(3500, 4500), () => coordinator.LosesMajority());
            Time.After(ms + Time.Between(500, 1000), () => coordinator.FindsMajority());
        }
        if (ms <= 9000) return;
        foreach (var (node, life) in minority)
        {
            Time.After(Time.Between(7000, 9000), () =>
            {
                if (node.Life == life) Remove(node);
            });
            Time.After(Time.Between(7000, 9500), () => PutOut(node, life));
        }
        foreach (var node in side) BreakLinks(node, 15_000);
    }

    void BreakLinks(SimulatedNode node, long after)
    {
        foreach (var link in node.Gpus.SelectMany(g => g.Links).ToArray())
            Time.After(after, () =>
            {
                if (node.FrozenUntil > Time.Now || link.IsCut) link.Break("has not been heard");
            });
    }

    void Disconnect(SimulatedNode node)
    {
        Say($"DISCONNECT {node.Name}");
        bool archive = Time.Chance(0.5);
        foreach (var gpu in node.Gpus)
        {
            if (archive) gpu.LoseArchive();
            else foreach (var link in gpu.Links.ToArray()) link.Break("was cut");
        }
    }
}

/// <summary>An actor's name where the state under test compares references.</summary>
sealed class SimulatedRef(string name) : MinimalActorRef
{
    public override ActorPath Path { get; } = new RootActorPath(new Address("akka", "simulation")) / name;

    public override IActorRefProvider Provider => throw new NotSupportedException();
}
