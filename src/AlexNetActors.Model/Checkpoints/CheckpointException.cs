namespace AlexNetActors.Model;

/// <summary>A checkpoint that cannot be written or read: one line that says what is wrong, where, and what to do.</summary>
public class CheckpointException(string message) : Exception(message);

/// <summary>
/// A checkpoint cannot be read here and now, by this user or this version: it may well be whole, so nothing older takes its place and it is left alone.
/// </summary>
public sealed class CheckpointUnreadableException(string message) : CheckpointException(message);
