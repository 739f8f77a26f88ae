using ILGPU.Runtime;

namespace AlexNetActors.Compute;

/// <summary>A device that cannot go on: out of memory, lost, or its driver refused. The message says which device, what was asked for and what to do.</summary>
public sealed class DeviceException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>What a GPU's driver says while it computes, at whatever call it says so: that GPU is of no more use. Anything else is as it was.</summary>
    public static Exception From(Exception e) => e is AcceleratorException ? Lost("the GPU", e) : e;

    internal static DeviceException Lost(string device, Exception e) => new($"{device} has failed and is lost to this process: {e.Message.TrimEnd('.')}; go on from the last checkpoint with --resume", e);
}
