using System.Collections.Immutable;
using AlexNetActors.Model;

namespace AlexNetActors.Actors;

/// <summary>Who holds the towers. Pure: the same offers in the same order give the same seating.</summary>
/// <param name="Seats">One that holds both towers, or tower A's and tower B's.</param>
public sealed record Seating(ImmutableArray<Seat> Seats)
{
    public IEnumerable<string> Nodes => Seats.Select(s => s.Node).Distinct();

    public string[] Devices => [.. Seats.Select(s => s.Device)];

    /// <summary>Equal kinds give equal bits.</summary>
    public string Kind => string.Join('+', Seats.Select(s => s.Kind).Distinct());

    /// <summary>
    /// Pinned devices first. What is not pinned: two devices of one node before two of different nodes, since those exchange through memory;
    /// else in the order of the offers. Two of one kind, unless they are pinned; and a tower stays with the kind that it was begun on.
    /// </summary>
    /// <param name="offers">In the order in which they came.</param>
    /// <param name="kind">Kind that the run began with: one, or tower A's and tower B's; null when it has not begun.</param>
    /// <returns>Null when it takes more devices.</returns>
    public static Seating? Of(IEnumerable<NodeOffer> offers, string? kind)
    {
        string?[] kinds = kind?.Split('+') is [var ofA, var ofB] ? [ofA, ofB] : [kind, kind];
        Candidate[] all = [.. offers.SelectMany(o => o.Gpus.Select(g => new Candidate(o, g)))];
        bool MayHold(Candidate c, TowerId tower) => kinds[(int)tower] is null || kinds[(int)tower] == c.Gpu.Kind;
        if (all.FirstOrDefault(c => c.Gpu.Pinned.Length == TowerIds.Both.Count && TowerIds.Both.All(t => MayHold(c, t))) is { } both) return new([both.Seat([.. TowerIds.Both])]);
        Candidate[] free = [.. all.Where(c => c.Gpu.Pinned.Length == 0)];
        bool MayStandBeside(Candidate c, Candidate other) => !ReferenceEquals(c, other) && (kind is not null || c.Gpu.Kind == other.Gpu.Kind);
        Candidate? PinnedTo(TowerId tower) => all.FirstOrDefault(c => c.Gpu.Pinned is [var t] && t == tower && MayHold(c, tower));
        Candidate? Beside(Candidate? other, TowerId tower) =>
            other is null ? null : free.Where(c => MayHold(c, tower) && MayStandBeside(c, other)).OrderByDescending(c => c.Offer.Node == other.Offer.Node).FirstOrDefault();
        var (a, b) = (PinnedTo(TowerId.A), PinnedTo(TowerId.B));
        if (a is null && b is null)
            (a, b) = (from first in free where MayHold(first, TowerId.A) from second in free where MayHold(second, TowerId.B) && MayStandBeside(second, first) select (first, second)).OrderByDescending(p => p.first.Offer.Node == p.second.Offer.Node).FirstOrDefault();
        a ??= Beside(b, TowerId.A);
        b ??= Beside(a, TowerId.B);
        return a is null || b is null ? null : new([a.Seat([TowerId.A]), b.Seat([TowerId.B])]);
    }

    sealed record Candidate(NodeOffer Offer, GpuOffer Gpu)
    {
        public Seat Seat(TowerId[] towers) => new(towers, Offer.Node, Gpu.Device, Gpu.Kind, Gpu.Memory, Offer.Endpoint, Gpu.Actor);
    }
}
