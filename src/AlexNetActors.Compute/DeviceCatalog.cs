using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using AlexNetActors.Compute.Cpu;
using AlexNetActors.Compute.Gpu;

namespace AlexNetActors.Compute;

/// <summary>A device this program can drive.</summary>
/// <param name="Name">As the command line names it.</param>
/// <param name="Kind">Devices of one kind give the same bits. A change of the bits changes the name: a run that began with others is not gone on with.</param>
/// <param name="Memory">Where its tensors lie: <see cref="IDevice.Memory"/>.</param>
/// <param name="Description">What it is, here, on this machine.</param>
/// <param name="MemoryBytes">Memory of its own; null for the processor's.</param>
/// <param name="Open">Opens it with so many threads of the processor.</param>
public sealed record DeviceEntry(string Name, string Kind, string Memory, string Description, long? MemoryBytes, Func<int, IDevice> Open);

/// <summary>A device, or a kind of them, that cannot be used here.</summary>
/// <param name="Name">As the command line would name it.</param>
/// <param name="Why">The reason, and what to do.</param>
public sealed record UnusableDevice(string Name, string Why);

/// <summary>The devices by name.</summary>
public static class DeviceCatalog
{
    const string ProcessorMemory = "cpu", ReferenceMemory = "reference";

    /// <summary>A processor that rounds a product before it adds gives other bits.</summary>
    static readonly string Rounding = Fma.IsSupported || AdvSimd.IsSupported ? "" : "-unfused";

    static readonly DeviceEntry[] Processor =
    [
        new("cpu", "cpu-fast" + Rounding, ProcessorMemory, "the processor, vector kernels, fast convolution", null, threads => new CpuDevice(threads)),
        new("cpu-direct", "cpu-direct" + Rounding, ProcessorMemory, "the same with convolution tap by tap: to compare", null, threads => new CpuDevice(threads, method: ConvolutionMethod.Direct)),
        new("reference", "reference", ReferenceMemory, "slow, obvious, for tests: the definition of every operation", null, _ => new ReferenceDevice()),
    ];

    /// <summary>Every device that can be used here, GPUs as they are when nothing is asked of them. Asks the drivers.</summary>
    public static IReadOnlyList<DeviceEntry> All => [.. Processor, .. Accelerators.All.Select(a => Entry(a, new GpuOptions()))];

    /// <summary>What cannot be used here, and why.</summary>
    public static IReadOnlyList<UnusableDevice> Unusable => Accelerators.Unusable;

    /// <param name="name">As the command line names it.</param>
    /// <param name="options">Of a GPU.</param>
    /// <exception cref="ArgumentException">There is no device of that name, or it cannot be used so; the message says why, or lists those there are.</exception>
    public static DeviceEntry Find(string name, GpuOptions? options = null)
    {
        if (Processor.FirstOrDefault(d => d.Name == name) is { } processor) // asks no driver
        {
            if (processor.Memory == ProcessorMemory) SimdLevels.Choose(asked: null, Environment.GetEnvironmentVariable(SimdLevels.Variable)); // said now, not by the first that computes
            return processor;
        }
        if (Accelerators.All.FirstOrDefault(a => a.Name == name) is { } accelerator) return Entry(accelerator, options ?? new GpuOptions());
        string names = string.Join(", ", All.Select(d => d.Name));
        if (Unusable.FirstOrDefault(u => u.Name == name || u.Name == name.Split(':')[0]) is { } unusable)
            throw new ArgumentException($"device {name} cannot be used: {unusable.Why}; or use one of {names}");
        throw new ArgumentException($"there is no device '{name}': use one of {names}");
    }

    static DeviceEntry Entry(AcceleratorEntry a, GpuOptions options)
    {
        var choice = a.Choose(options);
        return new(a.Name, a.Kind + choice.KindSuffix(a.Device.NumMultiprocessors), a.Memory, $"{a.Description}; {choice.Description}", a.MemoryBytes, _ => new IlgpuDevice(a, choice));
    }
}
