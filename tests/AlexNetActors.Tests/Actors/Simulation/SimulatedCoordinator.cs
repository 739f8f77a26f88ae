using Akka.Actor;
using AlexNetActors.Actors;
using AlexNetActors.Model;

namespace AlexNetActors.Tests.Actors.Simulation;

/// <summary>The coordinator's shell over the real <see cref="TrainingState"/>, with its archive: what <see cref="CoordinatorActor"/> does, without Akka.</summary>
sealed class SimulatedCoordinator(SimulatedCluster cluster, SimulatedNode node, int office)
{
    readonly int _life = node.Life;
    (int Generation, long Steps)? _expected; // by the archive
    long _awaited; // number of the deadline that counts
    bool _slept, _alone;

    public SimulatedNode Node => node;
    public int Office => office;
    public TrainingState State { get; private set; } = null!;
    public bool HasMajority => !_alone && !_slept;

    /// <summary>Opens the run folder.</summary>
    public void Begin()
    {
        if (cluster.Time.Chance(0.05)) cluster.Checkpoints.Clear(); // another folder: what the others remember has to do
        cluster.Told = cluster.Checkpoints.Count > 0 ? cluster.Checkpoints[^1].Progress.Steps : 0;
        var saved = cluster.Checkpoints.Count > 0 ? cluster.Checkpoints[^1].Progress : RunProgress.Start(cluster.Limits);
        State = TrainingState.Start(new RunSettings("tiny", new RunTerms("1", "", new RunIdentity("", "", "cpu")), cluster.Limits,
            new GroupShape(1, SimulatedCluster.ReadAhead, SimulatedCluster.ValidationBatches, SimulatedCluster.SnapshotSteps),
            TinyRun.Network, "", cluster.Checkpoints.Count > 0 ? $"{saved.Steps}" : null, saved, TimeSpan.FromMilliseconds(SimulatedCluster.DeadlineMs)));
    }

    bool IsGone => node.Life != _life || !node.Up || State is null;

    public void Hear(object message)
    {
        if (IsGone) return;
        if (cluster.Bug == PlantedBug.GenerationUnchecked) message = Renumbered(message, State.Generation);
        (State, var effects) = State.Apply(message);
        foreach (var effect in effects) Do(effect);
    }

    public static object Renumbered(object message, int generation) => message switch
    {
        PassDone m => m with { Pass = m.Pass with { Generation = generation } },
        RunStep m => m with { Pass = m.Pass with { Generation = generation } },
        ActivationReady m => m with { Exchange = m.Exchange with { Pass = m.Exchange.Pass with { Generation = generation } } },
        TowersLoaded m => m with { Generation = generation },
        DisbandGroup m => m with { Generation = generation },
        FormGroup m => m with { Generation = Math.Max(m.Generation, generation + 1) },
        _ => message,
    };

    public void Sleeps()
    {
        if (IsGone) return;
        _slept = true;
        TellMajority();
        cluster.Later(node, 5000, () =>
        {
            if (cluster.Coordinator != this) return; // nobody offers to it any more
            _slept = false;
            TellMajority();
        });
    }

    public void LosesMajority()
    {
        _alone = true;
        TellMajority();
    }

    /// <summary>A cut is over; if another is not, it looks again.</summary>
    public void FindsMajority()
    {
        if (cluster.Coordinator != this) return;
        _alone = _alone && !cluster.ReachesMajority(node);
        if (_alone) cluster.Later(node, 1000, FindsMajority);
        TellMajority();
    }

    void TellMajority()
    {
        if (!IsGone) Hear(new Company(State.GpuNodes, HasMajority || cluster.Bug == PlantedBug.MajorityIgnored ? null : "cut off"));
    }

    void Do(Effect effect)
    {
        switch (effect)
        {
            case Effect.ToGpus e: ToGpus(State.Seating!.Seats.Select(s => s.Actor), e.Message); break;
            case Effect.ToLoaders e: ToLoaders(e.Message); break;
            case Effect.Answer e: ToNode(e.Node.Node, e.Message); break;
            case Effect.Form:
                cluster.OfficeInCommand = Math.Max(cluster.OfficeInCommand, office);
                ToGpus(AllGpus, new FormGroup(State.Generation, [.. State.Seating!.Seats], "tiny", State.Terms.Identity.Text, SimulatedCluster.DeadlineMs, ActorRefs.Nobody, node.Name, "", cluster.Limits.Records));
                break;
            case Effect.Disband e:
                ToGpus(AllGpus, e.Message);
                ToLoaders(e.Message);
                break;
            case Effect.AssignLoaders:
                for (int i = 0; i < State.Roster.Serving.Count; i++)
                    ToLoader(State.Roster.Serving[i].Node, new AssignLoader(State.Generation, State.Round, i, State.Roster.Serving.Count, [.. State.Seating!.Seats], "tiny", SimulatedCluster.ReadAhead));
                break;
            case Effect.SendCheckpoint: SendCheckpoint(); break;
            case Effect.BeginCheckpoint e:
                _expected = (State.Generation, e.Steps);
                ToGpus(State.Seating!.Seats.Select(s => s.Actor), new SaveTowers(State.Generation, e.Steps));
                break;
            case Effect.CommitCheckpoint e: Commit(e); break;
            case Effect.Publish e: Publish(e.Event); break;
            case Effect.Expect: Expect(); break;
            case Effect.ExpectNothing: _awaited++; break;
            default: throw new InvalidOperationException($"no way to do {effect}");
        }
    }

    IEnumerable<IActorRef> AllGpus => State.Roster.Nodes.SelectMany(n => n.Gpus.Select(g => g.Actor));

    void ToGpus(IEnumerable<IActorRef> actors, IProtocolMessage message)
    {
        if (message is not DisbandGroup && office < cluster.OfficeInCommand) throw new InvalidOperationException($"office {office} says {message.GetType().Name}, while office {cluster.OfficeInCommand} commands");
        foreach (var gpu in actors.Select(a => SimulatedGpu.Find(cluster, a)).OfType<SimulatedGpu>()) cluster.Send(node, this, gpu.Node, gpu, () => gpu.HearFrom(this, message));
    }

    void ToLoaders(IProtocolMessage message)
    {
        foreach (var loader in State.Roster.Serving) ToLoader(loader.Node, message);
    }

    void ToLoader(string name, IProtocolMessage message)
    {
        var to = cluster.Nodes.Find(n => n.Name == name)!;
        cluster.Send(node, this, to, (to, "loader"), () => to.HearAsLoader(this, message));
    }

    void ToNode(string name, IProtocolMessage message)
    {
        var to = cluster.Nodes.Find(n => n.Name == name)!;
        cluster.Send(node, this, to, to, () => to.Hear(message));
    }

    void Expect()
    {
        long number = ++_awaited;
        cluster.Later(node, SimulatedCluster.DeadlineMs, () =>
        {
            if (number != _awaited) return;
            cluster.DeadlinesPassed++;
            foreach (var gpu in cluster.Nodes.SelectMany(n => n.Gpus)) cluster.Say($"  {gpu.Ref.Path.Name}: {gpu.State.Stage} in generation {gpu.State.Generation}, lacks {string.Join(" and ", gpu.State.Missing)}{(gpu.State.Mean is null ? " and the mean image" : "")}; {(gpu.State.Waiting ? "waits for the batch of" : gpu.State.Done is null ? "is in" : "is done with")} {gpu.State.Begun}");
            Hear(new DeadlinePassed(SimulatedCluster.DeadlineMs / 1000.0));
        });
        void Nudge()
        {
            if (number != _awaited) return;
            Hear(new Nudged());
            cluster.Later(node, SimulatedCluster.NudgeMs, Nudge);
        }
        cluster.Later(node, SimulatedCluster.NudgeMs, Nudge);
    }

    // ---- the archive

    void SendCheckpoint()
    {
        int generation = State.Generation, at = cluster.Checkpoints.FindLastIndex(c => c.Progress.Steps == State.From!.Progress.Steps);
        if (at < 0)
        {
            cluster.Later(node, 0, () => Hear(new CheckpointDamaged(generation, "it is not there", null)));
            return;
        }
        var (progress, a, b) = cluster.Checkpoints[at];
        foreach (var seat in State.Seating!.Seats)
            foreach (var tower in seat.Towers)
            {
                if (SimulatedGpu.Find(cluster, seat) is not { } gpu) continue;
                var state = TowerStates.Empty(TinyRun.Network, tower);
                ToyTower.Write(tower == TowerId.A ? a : b, state);
                cluster.Stream(node, this, gpu.Node, gpu, () => gpu.Hear(new TowerStateReady(generation, progress.Steps, state)));
            }
    }

    readonly Dictionary<TowerId, ulong> _kept = [];

    public void Archive(int generation, long steps, TowerId tower, ulong weights)
    {
        if (_expected != (generation, steps)) return;
        _kept[tower] = weights;
        cluster.Later(node, cluster.Time.Between(0, 10), () => Hear(new TowerSaved(generation, steps, tower, "", [])));
    }

    void Commit(Effect.CommitCheckpoint e)
    {
        cluster.Checkpoints.RemoveAll(c => c.Progress.Steps == e.Progress.Steps);
        cluster.Checkpoints.Add((e.Progress, _kept[TowerId.A], _kept[TowerId.B]));
        cluster.Checkpoints.Sort((x, y) => x.Progress.Steps.CompareTo(y.Progress.Steps));
        long ms = cluster.Time.Between(0, 20) == 0 ? cluster.Time.Between(0, 5000) : cluster.Time.Between(0, 10); // a disk may take its time
        cluster.Later(node, ms, () => Hear(new CheckpointCommitted(e.Progress, $"{e.Progress.Steps}", "")));
    }

    void Publish(IRunEvent e)
    {
        cluster.Say($"  office {office}: {e}");
        if (e is GroupFormed formed)
        {
            if (formed.Generation > 1) cluster.Recoveries++;
            foreach (var n in State.Roster.Nodes) ToNode(n.Node, formed);
        }
        if (e is CheckpointWritten written) cluster.Told = written.Steps;
        if (e is RunFinished && State.HandsOver)
        {
            cluster.Leaves(node);
            return;
        }
        cluster.Ended = e switch
        {
            RunFinished m => new RunOver(Failed: false, m.Why),
            RunFailed m => new RunOver(Failed: true, m.Reason),
            _ => cluster.Ended,
        };
    }
}
