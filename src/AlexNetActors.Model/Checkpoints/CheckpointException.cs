namespace AlexNetActors.Model;

/// <summary>A checkpoint that cannot be written or read: one line that says what is wrong, where, and what to do.</summary>
public sealed class CheckpointException(string message) : Exception(message);
