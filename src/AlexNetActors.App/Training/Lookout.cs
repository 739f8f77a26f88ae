using System.Collections.Immutable;
using Akka.Actor;
using AlexNetActors.Actors;

namespace AlexNetActors.App;

/// <summary>What a node that was put out takes along, or one that goes to another cluster.</summary>
/// <param name="Members">The nodes that it knew.</param>
/// <param name="Failures">How many times it was put out since it was last in.</param>
/// <param name="Goals">Those of the other cluster who are to let it in, as the members are not; null where it comes back to them.</param>
sealed record Membership(Address[] Members, int Failures, Address[]? Goals = null)
{
    /// <summary>
    /// Before it tries again after it was put out without having been let in: 1 s, then twice as long each time, up to 10 s. The first also before it goes to
    /// another cluster, whose nodes have just talked to it where it listens again.
    /// </summary>
    static readonly TimeSpan PauseFirst = TimeSpan.FromSeconds(1), PauseMax = TimeSpan.FromSeconds(10);

    public IEnumerable<string> Seeds(IEnumerable<string> configured) =>
        Goals is null ? Names(Members).Union(configured) : Names(Goals).Union(configured.Except(Names(Members)));

    static IEnumerable<string> Names(Address[] nodes) => nodes.Select(Majority.NodeName);

    public TimeSpan Pause => Failures == 0 ? Goals is null ? TimeSpan.Zero : PauseFirst : TimeSpan.FromTicks(Math.Min(PauseFirst.Ticks << Math.Min(Failures - 1, 10), PauseMax.Ticks));
}

/// <summary>What a node sees when it looks around.</summary>
/// <param name="At">When, since it first did.</param>
/// <param name="IsIn">Whether it is a member.</param>
/// <param name="IsLed">Whether it is one of a cluster in which a coordinator may be.</param>
/// <param name="Members">Of its cluster, this node among them; none before it has one.</param>
sealed record Sight(TimeSpan At, bool IsIn, bool IsLed, IReadOnlyCollection<Address> Members);

/// <summary>What a node does about it.</summary>
abstract record Move
{
    /// <summary>Say that nobody has let it in, and what may be wrong.</summary>
    public sealed record SayOutside : Move;

    /// <summary>Say that nobody leads here, and what to do.</summary>
    public sealed record SayUnled : Move;

    /// <summary>Ask those how they stand: <see cref="Lookout.Hear"/>.</summary>
    public sealed record Ask(Address[] Nodes) : Move;

    /// <summary>Found a cluster.</summary>
    public sealed record Found : Move;

    /// <summary>Take part no longer.</summary>
    public sealed record End(NodeEnd How) : Move;
}

/// <summary>
/// What a node makes of what it sees around it, from its start until it takes part no longer: whether it stays, begins anew or gives up, and with what it
/// may come back. Pure: <see cref="ClusterNode"/> looks, and does what it says.
/// </summary>
/// <param name="Self">The node.</param>
/// <param name="Earlier">Of one that was a member before: it founds no cluster of its own while one may be there.</param>
/// <param name="Coordinates">Whether a cluster of this node alone could do anything.</param>
/// <param name="Seeds">Names of nodes, the one that is to begin first.</param>
/// <param name="Asked">Those whom it asks to let it in.</param>
sealed record Lookout(Address Self, Membership? Earlier, bool Coordinates, IReadOnlyList<string> Seeds, IReadOnlyCollection<Address> Asked)
{
    /// <summary>How long a node waits to be let in, or for a coordinator, before it says what may be wrong; it goes on waiting.</summary>
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <summary>How long a node that was put out tries to get in again; and how often it asks whether it should found the cluster anew.</summary>
    static readonly TimeSpan ReturnMax = TimeSpan.FromSeconds(120), AskInterval = TimeSpan.FromSeconds(5);

    /// <summary>
    /// A process that has not looked around for so long was stopped, and the others have removed it. If they have all started again meanwhile, nothing tells it so, and Akka.Remote may
    /// never reach at their addresses who is there now: each of them asks for ever to be let in.
    /// </summary>
    static readonly TimeSpan SleptMin = TimeSpan.FromSeconds(8);

    /// <summary>How often in a row a node that comes back, and has <see cref="ReturnMax"/>, begins anew as it is not heard.</summary>
    const int UnheardMax = 3;

    /// <summary>How many times in a row all others are to be found dead before this node gives up: they may be about to start again.</summary>
    const int AloneMax = 3;

    static readonly NodeEnd
        Unheard = new("a node that may be up has not let this one in", Failed: true, PutOut: true),
        SleptLong = new("this process stood still for so long that no other node of its cluster is left", Failed: true, PutOut: true),
        LeftAlone = new("every other node of the cluster that has put this one out has ended; start it again with them", Failed: true),
        NotLetIn = new($"no node of the cluster that has put this one out has let it in again within {ReturnMax.TotalSeconds:0} s; start it again when one is up", Failed: true),
        NotLetInThere = new($"no node of the cluster with a coordinator has let this one in within {ReturnMax.TotalSeconds:0} s; start it again when one is up", Failed: true);

    Sight Last { get; init; } = new(TimeSpan.Zero, IsIn: false, IsLed: false, []);

    /// <summary>All who were members while it looked.</summary>
    public ImmutableHashSet<Address> Seen { get; private init; } = [];

    bool WasIn { get; init; }

    bool Slept { get; init; }

    /// <summary>When it last lacked nothing, or said what.</summary>
    TimeSpan WellAt { get; init; }

    TimeSpan AskedAt { get; init; }

    /// <summary>How many times in a row all others were found dead.</summary>
    int Alone { get; init; }

    /// <summary>It looks around, several times a second.</summary>
    public (Lookout Next, Move? Move) Look(Sight sight)
    {
        var next = this with
        {
            Last = sight,
            Seen = Seen.Union(sight.Members),
            WasIn = WasIn || sight.IsIn,
            Slept = Slept || sight.At - Last.At > SleptMin,
            WellAt = sight.IsLed ? sight.At : WellAt,
        };
        if (next.Slept && sight.Members.Count == 1 && next.Seen.Count > 1) return (next, new Move.End(SleptLong));
        if (Earlier is not null && !next.WasIn && sight.At >= ReturnMax) return (next, new Move.End(Earlier.Goals is null ? NotLetIn : NotLetInThere));
        if (sight.At - next.WellAt >= Patience) return (next with { WellAt = sight.At }, sight.IsIn ? new Move.SayUnled() : new Move.SayOutside());
        bool asks = Earlier is { Goals: null } ? sight.Members.Count <= 1 : next.Seen.IsEmpty && sight.At >= Patience;
        if (asks && sight.At - AskedAt >= AskInterval) return (next with { AskedAt = sight.At }, new Move.Ask([.. Earlier is { Goals: null } ? Earlier.Members : Asked]));
        return (next, null);
    }

    /// <summary>
    /// If all who are left of a cluster were put out, one of them begins anew: <see cref="Founding"/>. Akka.Remote, when one of two processes stood still while
    /// they first dialled each other, may never have them hear each other: whoever is not let in where somebody listens dials anew, from another actor system.
    /// </summary>
    /// <param name="standings">How those stand who were asked.</param>
    public (Lookout Next, Move? Move) Hear(IReadOnlyCollection<Standing> standings)
    {
        bool unheard = Seen.IsEmpty && Last.At >= Patience && standings.Any(s => s is Standing.Silent or Standing.Member or Standing.Led);
        if (unheard && !(Earlier?.Failures >= UnheardMax)) return (this, new Move.End(Unheard));
        if (Earlier is not { Goals: null }) return (this, null);
        int alone = standings.All(s => s == Standing.Dead) ? Alone + 1 : 0;
        var next = this with { Alone = alone };
        if (!Coordinates && alone > 0) return (next, alone < AloneMax ? null : new Move.End(LeftAlone)); // also when it has founded a cluster, for others that then ended
        return (next, !Last.IsIn && Self.Equals(Founding.Founder(Self, [.. Earlier.Members.Zip(standings)], Seeds)) ? new Move.Found() : null);
    }

    /// <summary>Whether it joins again, or another cluster, after that. Who knows nobody has nowhere to come back to.</summary>
    public bool ComesBack(NodeEnd end) => end.Goals is not null || end == Unheard || (end.PutOut && (!Seen.IsEmpty || Earlier is not null));

    /// <returns>What it takes along then; null where it has not been anywhere.</returns>
    public Membership? Return(NodeEnd end)
    {
        if (end.Goals is not null) return new Membership([.. Last.Members], 0, end.Goals);
        int failures = WasIn ? 0 : (Earlier?.Failures ?? 0) + 1;
        if (Seen.IsEmpty) return Earlier is null ? null : Earlier with { Failures = failures };
        return new Membership([.. Seen.Union(Earlier is { Goals: null } ? Earlier.Members : []).Remove(Self)], failures);
    }
}
