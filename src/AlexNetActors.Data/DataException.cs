namespace AlexNetActors.Data;

/// <summary>An expected failure with data: a missing folder, a damaged pack, a full disk. The message is one line for the user: what is wrong, where, what to do.</summary>
public sealed class DataException(string message) : Exception(message);
