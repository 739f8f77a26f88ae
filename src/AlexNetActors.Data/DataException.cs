namespace AlexNetActors.Data;

/// <summary>An expected failure with data: a missing folder, a damaged pack, a full disk. The message is one line for the user: what is wrong, where, what to do.</summary>
public class DataException(string message) : Exception(message);

/// <summary>What was named cannot be used so, whatever is tried: nothing was begun.</summary>
public sealed class DataUseException(string message) : DataException(message);

/// <summary>A data set cannot be read here and now, by this user or this version: it may well be whole, so nothing takes its place and it is left alone.</summary>
public sealed class DataUnreadableException(string message) : DataException(message);
