using System.Collections.Immutable;
using Akka.Actor;
using Akka.Cluster;

namespace AlexNetActors.Actors;

/// <summary>
/// Which side of a cut cluster may act: the one with most of its nodes and, of two halves, the one with the lowest address. The rule is that
/// of Akka's keep-majority, so that whoever acts before it has decided acts alike. Pure.
/// </summary>
public static class Majority
{
    /// <param name="all">Every node of the cluster.</param>
    /// <param name="there">Those that can be reached, this one among them.</param>
    public static bool Holds(IReadOnlyCollection<Address> all, IReadOnlyCollection<Address> there)
    {
        int count = all.Intersect(there).Count();
        if (2 * count != all.Count) return 2 * count > all.Count;
        return all.Count == 0 || there.Contains(all.Min(Member.AddressOrdering)!);
    }

    /// <summary>Of the cluster as this node sees it.</summary>
    /// <param name="state">What it sees.</param>
    /// <param name="gone">Nodes that are known to be dead although the cluster does not say so yet.</param>
    public static bool Holds(ClusterEvent.CurrentClusterState state, IReadOnlyCollection<Address>? gone = null)
    {
        var all = state.Members.Where(IsCounted).Select(m => m.Address).ToArray();
        return Holds(all, [.. all.Except(state.Unreachable.Select(m => m.Address)).Except(gone ?? [])]);
    }

    static bool IsCounted(Member member) => member.Status is MemberStatus.Up or MemberStatus.Leaving;

    /// <summary>Who is there, for the coordinator.</summary>
    public static Company Company(ClusterEvent.CurrentClusterState state) => new(
        [.. state.Members.Where(m => IsCounted(m) && m.HasRole("gpu") && !state.Unreachable.Contains(m)).Select(m => NodeName(m.Address))],
        Holds(state) ? null : $"{string.Join(" and ", state.Unreachable.Select(m => NodeName(m.Address)).Order(StringComparer.Ordinal))} cannot be reached");

    /// <summary>How nodes are called: host:port.</summary>
    public static string NodeName(Address address) => $"{address.Host}:{address.Port}";
}
