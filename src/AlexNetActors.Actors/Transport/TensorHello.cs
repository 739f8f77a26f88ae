namespace AlexNetActors.Actors;

/// <summary>What a connection is for: it carries nothing else.</summary>
public enum LinkPurpose : byte { Exchange, Batches, State, Snapshots }

/// <summary>The dialler's first words.</summary>
/// <param name="Generation">Incarnation of the group that the connection belongs to.</param>
/// <param name="Purpose">What it is for.</param>
/// <param name="From">Name of the dialling actor.</param>
/// <param name="To">Name of the actor that it is for.</param>
public sealed record TensorHello(int Generation, LinkPurpose Purpose, string From, string To);
