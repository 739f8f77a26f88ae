namespace AlexNetActors.Compute;

/// <summary>A device that cannot go on: out of memory, lost, or its driver refused. The message says which device, what was asked for and what to do.</summary>
public sealed class DeviceException(string message, Exception? inner = null) : Exception(message, inner);
