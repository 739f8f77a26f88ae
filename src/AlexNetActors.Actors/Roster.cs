using System.Collections.Immutable;

namespace AlexNetActors.Actors;

/// <summary>The nodes that were admitted, in the order in which they came, and which of their loaders serve. Pure.</summary>
public sealed record Roster(ImmutableList<NodeOffer> Nodes, ImmutableList<Roster.LoaderId> Serving)
{
    /// <summary>A node's n-th loader.</summary>
    public readonly record struct LoaderId(string Node, int Index);

    public static Roster Empty { get; } = new([], []);

    public NodeOffer? Find(string node) => Nodes.FirstOrDefault(n => n.Node == node);

    /// <summary>Takes a node in, in the place of an earlier one of that name; all its loaders serve.</summary>
    public Roster With(NodeOffer offer) =>
        Without(offer.Node) is var others ? others with { Nodes = others.Nodes.Add(offer), Serving = others.Serving.AddRange(offer.Loaders.Select((_, i) => new LoaderId(offer.Node, i))) } : this;

    public Roster Without(string node) => new(Nodes.RemoveAll(n => n.Node == node), Serving.RemoveAll(l => l.Node == node));

    /// <summary>The node's loaders serve no more, until it offers them again.</summary>
    public Roster WithoutLoadersOf(string node) => this with { Serving = Serving.RemoveAll(l => l.Node == node) };

    /// <summary>Those that were passed over serve again, too: better a slow one than none.</summary>
    public Roster WithAllLoaders() => this with { Serving = [.. Nodes.SelectMany(n => n.Loaders.Select((_, i) => new LoaderId(n.Node, i)))] };

    public bool Serves(string node) => Serving.Any(l => l.Node == node);
}
