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
    /// else in the order of the offers; always two of one kind.
    /// </summary>
    /// <param name="offers">In the order in which they came.</param>
    /// <param name="kind">Kind that the run began with; null when it has not begun.</param>
    /// <returns>Null when it takes more devices.</returns>
    public static Seating? Of(IEnumerable<NodeOffer> offers, string? kind)
    {
        Candidate[] all = [.. offers.SelectMany(o => o.Gpus.Select(g => new Candidate(o, g))).Where(c => kind is null || kind.Split('+').Contains(c.Gpu.Kind))];
        if (all.FirstOrDefault(c => c.Gpu.Pinned.Length == TowerIds.Both.Count) is { } both) return new([both.Seat([.. TowerIds.Both])]);
        Candidate[] free = [.. all.Where(c => c.Gpu.Pinned.Length == 0)];
        Candidate? PinnedTo(TowerId tower) => all.FirstOrDefault(c => c.Gpu.Pinned is [var t] && t == tower);
        var (a, b) = (PinnedTo(TowerId.A), PinnedTo(TowerId.B));
        if (a is null && b is null) (a, b) = Pairs(free).OrderByDescending(p => p.A.Offer.Node == p.B.Offer.Node).FirstOrDefault();
        a ??= Beside(b, free);
        b ??= Beside(a, free);
        return a is null || b is null ? null : new([a.Seat([TowerId.A]), b.Seat([TowerId.B])]);
    }

    sealed record Candidate(NodeOffer Offer, GpuOffer Gpu)
    {
        public Seat Seat(TowerId[] towers) => new(towers, Offer.Node, Gpu.Device, Gpu.Kind, Gpu.Memory, Offer.Endpoint, Gpu.Actor);
    }

    static IEnumerable<(Candidate A, Candidate B)> Pairs(Candidate[] free)
    {
        for (int i = 0; i < free.Length; i++)
            for (int j = i + 1; j < free.Length; j++)
                if (free[i].Gpu.Kind == free[j].Gpu.Kind) yield return (free[i], free[j]);
    }

    static Candidate? Beside(Candidate? other, Candidate[] free) =>
        other is null ? null : free.Where(c => c.Gpu.Kind == other.Gpu.Kind).OrderByDescending(c => c.Offer.Node == other.Offer.Node).FirstOrDefault();
}
