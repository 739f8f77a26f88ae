namespace AlexNetActors.Actors;

/// <summary>A node that cannot enter a cluster as it was told to: one line that says what is wrong, where, and what to do.</summary>
public sealed class ClusterException(string message) : Exception(message);
