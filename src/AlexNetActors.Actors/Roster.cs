using System.Collections.Immutable;

namespace AlexNetActors.Actors;

/// <summary>The nodes that were admitted, in the order in which they came, and which of their loaders serve. Pure.</summary>
public sealed record Roster(ImmutableList<NodeOffer> Nodes, ImmutableList<Roster.LoaderId> Serving)
{
    /// <summary>Nodes whose loaders were passed over: what they offer counts only when too few are left.</summary>
    public ImmutableHashSet<string> PassedOver { get; init; } = [];

    /// <summary>A node's n-th loader.</summary>
    public readonly record struct LoaderId(string Node, int Index);

    public static Roster Empty { get; } = new([], []);

    public NodeOffer? Find(string node) => Nodes.FirstOrDefault(n => n.Node == node);

    /// <summary>Takes a node in, in the place of an earlier one of that name; all its loaders serve.</summary>
    public Roster With(NodeOffer offer)
    {
        var others = Without(offer.Node);
        return others with { Nodes = others.Nodes.Add(offer), Serving = others.Serving.AddRange(LoadersOf(offer)) };
    }

    /// <summary>The loaders of a node that is here serve again.</summary>
    public Roster WithLoadersOf(NodeOffer offer) => this with { Serving = Serving.AddRange(LoadersOf(offer)) };

    static IEnumerable<LoaderId> LoadersOf(NodeOffer offer) => offer.Loaders.Select((_, i) => new LoaderId(offer.Node, i));

    public Roster Without(string node) => new(Nodes.RemoveAll(n => n.Node == node), Serving.RemoveAll(l => l.Node == node)) { PassedOver = PassedOver.Remove(node) };

    /// <summary>What a node that is here says now of what it holds.</summary>
    public Roster Update(NodeOffer offer) => this with { Nodes = [.. Nodes.Select(n => n.Node == offer.Node ? n with { Held = offer.Held, Generation = offer.Generation } : n)] };

    /// <summary>The node's loaders serve no more: until it offers them again or, if they are passed over, until too few are left.</summary>
    public Roster WithoutLoadersOf(string node, bool passOver) =>
        this with { Serving = Serving.RemoveAll(l => l.Node == node), PassedOver = passOver ? PassedOver.Add(node) : PassedOver };

    /// <summary>Those that were passed over serve again, too: better a slow one than none.</summary>
    public Roster WithAllLoaders() => this with { Serving = [.. Nodes.SelectMany(LoadersOf)], PassedOver = [] };

    public bool Serves(string node) => Serving.Any(l => l.Node == node);
}
