namespace AlexNetActors.Compute;

/// <summary>A device or a library it needs does not do its part, and the message says in a line what to do about it.</summary>
public sealed class DeviceException(string message, Exception? inner = null) : Exception(message, inner);
