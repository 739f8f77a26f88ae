using System.Collections.Immutable;
using Akka.Actor;
using AlexNetActors.Data;
using AlexNetActors.Model;

namespace AlexNetActors.Actors;

/// <summary>How far a GPU actor is in its group.</summary>
public enum GpuStage : byte { StandsBy, Opening, Building, Built, Loading, Ready }

/// <summary>
/// The whole of what a GPU actor knows and decides, without Akka, clock, device or socket: <see cref="Apply"/> takes a message and returns the
/// next state and what is to be done. Every command may come late, twice or not at all: what belongs to another generation is dropped, what has
/// been done already is answered again and not done again.
/// </summary>
/// <param name="Self">The actor, by which seats name it.</param>
public sealed record GpuState(IActorRef Self)
{
    /// <summary>Incarnation of the group; what an older one sends is dropped.</summary>
    public int Generation { get; init; }
    public GpuStage Stage { get; init; }

    /// <summary>The group that a tower of this actor belongs to; null while it stands by.</summary>
    public FormGroup? Group { get; init; }
    public Seat? Mine { get; init; }

    /// <summary>Connections that do not stand yet.</summary>
    public ImmutableHashSet<LinkPurpose> Missing { get; init; } = [];

    /// <summary>The training set's mean image; null until a loader has sent it.</summary>
    public float[]? Mean { get; init; }

    /// <summary>Where the weights come from, once that is known.</summary>
    public LoadTowers? Load { get; init; }

    /// <summary>What the archive, or the other tower's node, has sent: it comes by a connection of its own, perhaps before the command to load it.</summary>
    public ImmutableDictionary<TowerId, TowerStateReady> Given { get; init; } = ImmutableDictionary<TowerId, TowerStateReady>.Empty;

    /// <summary>Training steps that the weights have seen.</summary>
    public long Trained { get; init; }

    /// <summary>The pass that was begun last in this group, by its command; null before the first.</summary>
    public IProtocolMessage? Command { get; init; }
    public PassId Begun { get; init; }

    /// <summary>Number of the last evaluation batch that was begun in this group; -1 before the first.</summary>
    public long Evaluated { get; init; } = -1;

    /// <summary>It still waits for its batch.</summary>
    public bool Waiting { get; init; }

    /// <summary>What it gave; null while it runs.</summary>
    public PassDone? Done { get; init; }

    /// <summary>What it was stopped for; null when it was not.</summary>
    public NumbersWentWrong? Wrong { get; init; }

    /// <summary>Batches that have come before their pass.</summary>
    public ImmutableDictionary<PassId, BatchReady> Batches { get; init; } = ImmutableDictionary<PassId, BatchReady>.Empty;

    /// <summary>Steps of the last snapshot and the last checkpoint that were taken in this group; -1 for none.</summary>
    public long SnapshotTaken { get; init; } = -1;
    public long Saved { get; init; } = -1;

    /// <summary>Why this actor cannot go on in its group, a lost connection or a failure; said again to whoever asks for more.</summary>
    public IProtocolMessage? Trouble { get; init; }

    /// <summary>From a connection's thread to the actor.</summary>
    /// <param name="Generation">Of the group that the connection belongs to.</param>
    /// <param name="Purpose">What the connection is for.</param>
    /// <param name="Node">At the other end.</param>
    /// <param name="Lost">Why it is lost; null when it stands.</param>
    public sealed record LinkChanged(int Generation, LinkPurpose Purpose, string Node, string? Lost) : INoSerializationVerificationNeeded;

    /// <summary>What the GPU actor carries out.</summary>
    public abstract record Effect
    {
        /// <summary>Close the group's connections, call its compute thread off.</summary>
        public sealed record Leave(string Why) : Effect;

        /// <summary>Open the device and the connections of this group.</summary>
        public sealed record Join(FormGroup Group, Seat Mine) : Effect;

        /// <summary>Whatever the compute thread waits for will not come.</summary>
        public sealed record Abort(string Why) : Effect;

        /// <summary>Build the towers; answered by <see cref="GpuReady"/>.</summary>
        public sealed record Build(float[] Mean) : Effect;

        /// <summary>Fill the towers from the seed; answered by <see cref="TowersLoaded"/>.</summary>
        public sealed record Initialize : Effect;

        /// <summary>Fill the towers from what was given or, where nothing was, from this node's snapshots; answered by <see cref="TowersLoaded"/>.</summary>
        public sealed record Restore(ImmutableDictionary<TowerId, TowerStateReady> Given, long Steps) : Effect;

        /// <summary>Snapshots at this point are about to be written; see <see cref="SnapshotShelf.Announce"/>.</summary>
        public sealed record Announce(RunProgress Progress, long Keep) : Effect;

        /// <summary>Send this node's snapshot of that tower to the other tower's node.</summary>
        public sealed record Give(TowerId Tower, long Steps) : Effect;

        /// <summary>Run the pass; answered by <see cref="PassDone"/>.</summary>
        public sealed record Run(IProtocolMessage Command, BatchReady Batch) : Effect;

        /// <summary>Copy the towers to the shelf, and to the other tower's node.</summary>
        public sealed record Snapshot(long Steps) : Effect;

        /// <summary>Copy the towers to the archive.</summary>
        public sealed record Save(long Steps) : Effect;

        /// <summary>Hand the other tower's portion to the compute thread.</summary>
        public sealed record Put(ActivationReady Activation) : Effect;

        /// <summary>A batch that is not needed.</summary>
        public sealed record GiveBack(BatchReady Batch) : Effect;

        /// <summary>Tell the coordinator.</summary>
        public sealed record Tell(IProtocolMessage Message) : Effect;
    }

    /// <summary>The connections that a seat has to others.</summary>
    public static ImmutableHashSet<LinkPurpose> LinksOf(FormGroup group, Seat mine)
    {
        var links = ImmutableHashSet<LinkPurpose>.Empty;
        if (group.Seats.Any(s => s.Node != mine.Node)) links = links.Add(LinkPurpose.Exchange).Add(LinkPurpose.Snapshots);
        return group.ArchiveNode == mine.Node ? links : links.Add(LinkPurpose.State);
    }

    /// <summary>Takes a message; returns the next state and what to do.</summary>
    public (GpuState State, ImmutableList<Effect> Effects) Apply(object message) => message switch
    {
        FormGroup m when m.Generation > Generation => Join(m),
        FormGroup or IGroupCommand when message is not DisbandGroup && Trouble is not null => (this, [new Effect.Tell(Trouble)]),
        MemberFailed m when IsOurs(m.Generation) => (this with { Trouble = m }, [new Effect.Tell(m)]),
        FormGroup m when m.Generation == Generation && Stage >= GpuStage.Built => (this, [new Effect.Tell(Ready)]), // the first answer was lost
        DisbandGroup m when IsOurs(m.Generation) => (StandBy, [new Effect.Leave(m.Why)]),
        LinkChanged m when IsOurs(m.Generation) => Hear(m),
        MeanReady m when IsOurs(m.Generation) && Mean is null => (this with { Mean = m.Mean }).BuildWhenComplete(),
        GpuReady m when IsOurs(m.Generation) && Stage == GpuStage.Building => (this with { Stage = GpuStage.Built }, [new Effect.Tell(m)]),
        LoadTowers m when IsOurs(m.Generation) && Stage == GpuStage.Built => Fill(m),
        LoadTowers m when IsOurs(m.Generation) && Stage == GpuStage.Ready => (this, [new Effect.Tell(Loaded)]),
        TowerStateReady m when IsOurs(m.Generation) && Stage is GpuStage.Built or GpuStage.Loading && Mine!.Towers.Contains(m.State.Tower) && !Given.ContainsKey(m.State.Tower) =>
            (this with { Given = Given.Add(m.State.Tower, m) }).RestoreWhenGiven([]),
        TowersLoaded m when IsOurs(m.Generation) && Stage == GpuStage.Loading => (this with { Stage = GpuStage.Ready, Trained = Load!.Progress.Steps, Given = Given.Clear() }, [new Effect.Tell(m)]),
        RunStep m => Begin(m.Pass, m),
        EvaluateBatch m => Begin(m.Pass, m),
        BatchReady m => Take(m),
        PassDone m when IsOurs(m.Pass.Generation) && m.Pass == Begun && Done is null =>
            (this with { Done = m, Trained = m.Pass.Kind == PassKind.Train ? m.Pass.Number + 1 : Trained }, [new Effect.Tell(m)]),
        NumbersWentWrong m when IsOurs(m.Pass.Generation) => (Done is null && m.Pass == Begun ? this with { Wrong = m } : this, [new Effect.Tell(m)]),
        TakeSnapshot m when IsAt(m.Generation, m.Progress.Steps) && SnapshotTaken != m.Progress.Steps =>
            (this with { SnapshotTaken = m.Progress.Steps }, [new Effect.Announce(m.Progress, m.Keep), new Effect.Snapshot(m.Progress.Steps)]),
        SaveTowers m when IsAt(m.Generation, m.Steps) && Saved != m.Steps => (this with { Saved = m.Steps }, [new Effect.Save(m.Steps)]),
        ActivationReady m when IsOurs(m.Exchange.Pass.Generation) => (this, [new Effect.Put(m)]),
        _ => (this, []),
    };

    bool IsOurs(int generation) => Group is not null && generation == Generation;

    /// <summary>Whether the weights are those after so many steps, and stay so while whatever is posted now runs.</summary>
    bool IsAt(int generation, long steps) => IsOurs(generation) && Stage == GpuStage.Ready && Trained == steps && (Command is null or EvaluateBatch || Waiting || Done is not null);

    GpuReady Ready => new(Generation, Mine!.Towers);

    TowersLoaded Loaded => new(Generation, Mine!.Towers);

    GpuState StandBy => new(Self) { Generation = Generation };

    (GpuState, ImmutableList<Effect>) Join(FormGroup group)
    {
        var leave = new Effect.Leave($"generation {group.Generation} begins");
        var state = new GpuState(Self) { Generation = group.Generation };
        if (group.Seats.FirstOrDefault(s => s.Actor.Equals(Self)) is not { } mine) return (state, [leave]);
        return (state with { Group = group, Mine = mine, Stage = GpuStage.Opening, Missing = LinksOf(group, mine) }, [leave, new Effect.Join(group, mine)]);
    }

    (GpuState, ImmutableList<Effect>) Hear(LinkChanged m)
    {
        if (m.Lost is null) return (this with { Missing = Missing.Remove(m.Purpose) }).BuildWhenComplete();
        var lost = new LinkLost(m.Generation, m.Node, m.Purpose, m.Lost);
        return m.Purpose == LinkPurpose.Batches ? (this, [new Effect.Tell(lost)]) : (this with { Trouble = lost }, [new Effect.Abort(m.Lost), new Effect.Tell(lost)]);
    }

    (GpuState, ImmutableList<Effect>) BuildWhenComplete() =>
        Stage == GpuStage.Opening && Missing.IsEmpty && Mean is not null ? (this with { Stage = GpuStage.Building }, [new Effect.Build(Mean)]) : (this, []);

    (GpuState, ImmutableList<Effect>) Fill(LoadTowers m)
    {
        var state = this with { Stage = GpuStage.Loading, Load = m };
        if (m.From == WeightSource.Seed) return (state, [new Effect.Initialize()]);
        if (m.From == WeightSource.Archive) return state.RestoreWhenGiven([]);
        ImmutableList<Effect> effects = [new Effect.Announce(m.Progress, Keep: m.Progress.Steps)];
        var wanting = Group!.Seats.Where(s => s.Node != Mine!.Node).SelectMany(s => s.Towers).Where(t => m.Givers[(int)t] == Mine!.Node);
        return state.RestoreWhenGiven(effects.AddRange(wanting.Select(t => new Effect.Give(t, m.Progress.Steps))));
    }

    (GpuState, ImmutableList<Effect>) RestoreWhenGiven(ImmutableList<Effect> effects)
    {
        bool IsHere(TowerId tower) => (Given.TryGetValue(tower, out var given) && given.Steps == Load!.Progress.Steps) || (Load!.From == WeightSource.Memory && Load.Givers[(int)tower] == Mine!.Node);
        return Stage == GpuStage.Loading && Mine!.Towers.All(IsHere) ? (this, effects.Add(new Effect.Restore(Given, Load!.Progress.Steps))) : (this, effects);
    }

    (GpuState, ImmutableList<Effect>) Begin(PassId pass, IProtocolMessage command)
    {
        if (!IsOurs(pass.Generation) || Stage != GpuStage.Ready) return (this, []);
        if (Command is not null && pass == Begun) return (this, ((IProtocolMessage?)Done ?? Wrong) is { } answer ? [new Effect.Tell(answer)] : []); // the first was lost
        bool running = Command is not null && Done is null;
        if (running || IsOver(pass) || (pass.Kind == PassKind.Train && pass.Number != Trained)) return (this, []);
        var state = this with { Command = command, Begun = pass, Done = null, Wrong = null, Waiting = true, Evaluated = pass.Kind == PassKind.Evaluate ? pass.Number : Evaluated };
        return state.Batches.TryGetValue(pass, out var batch) ? (state with { Batches = Batches.Remove(pass) }).Run(batch) : (state, []);
    }

    /// <summary>Whether its command or its batch comes too late: it was begun before, whatever came between.</summary>
    bool IsOver(PassId pass) => pass.Kind == PassKind.Train ? pass.Number < Trained || pass == Begun : pass.Number <= Evaluated;

    (GpuState, ImmutableList<Effect>) Run(BatchReady batch) => (this with { Waiting = false }, [new Effect.Run(Command!, batch)]);

    (GpuState, ImmutableList<Effect>) Take(BatchReady batch)
    {
        if (!IsOurs(batch.Pass.Generation)) return (this, [new Effect.GiveBack(batch)]);
        if (Waiting && batch.Pass == Begun) return Run(batch);
        // One that another loader has brought, too, is given back: two loaders make the same batch of the same number.
        return IsOver(batch.Pass) || Batches.ContainsKey(batch.Pass) ? (this, [new Effect.GiveBack(batch)]) : (this with { Batches = Batches.Add(batch.Pass, batch) }, []);
    }
}
