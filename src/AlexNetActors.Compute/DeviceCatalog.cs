using AlexNetActors.Compute.Cpu;

namespace AlexNetActors.Compute;

/// <summary>A kind of device this program can drive.</summary>
/// <param name="Name">As the command line names it.</param>
/// <param name="Kind">Devices of one kind give the same bits. A change of the bits changes the name: a run that began with others is not gone on with.</param>
/// <param name="Description">What it is, here, on this machine.</param>
/// <param name="Open">Opens it with so many threads.</param>
public sealed record DeviceEntry(string Name, string Kind, string Description, Func<int, IDevice> Open);

/// <summary>The devices by name.</summary>
public static class DeviceCatalog
{
    public static IReadOnlyList<DeviceEntry> All { get; } =
    [
        new("cpu", "cpu-fast", "the processor, vector kernels, fast convolution", threads => new CpuDevice(threads)),
        new("cpu-direct", "cpu-direct", "the same with convolution tap by tap: to compare", threads => new CpuDevice(threads, name: "cpu-direct", method: ConvolutionMethod.Direct)),
        new("reference", "reference", "slow, obvious, for tests: the definition of every operation", _ => new ReferenceDevice()),
    ];

    /// <exception cref="ArgumentException">There is no device of that name; the message lists those there are.</exception>
    public static DeviceEntry Find(string name) =>
        All.FirstOrDefault(d => d.Name == name)
        ?? throw new ArgumentException($"there is no device '{name}': use one of {string.Join(", ", All.Select(d => d.Name))}");
}
