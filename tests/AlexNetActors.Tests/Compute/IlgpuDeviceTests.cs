using AlexNetActors.Compute;
using AlexNetActors.Compute.Gpu;

namespace AlexNetActors.Tests.Compute;

/// <summary>The kernels for GPUs, compiled to OpenCL: on whatever device there is, such as a processor through PoCL.</summary>
public sealed class OpenClConformance : DeviceConformance
{
    protected override IDevice Create() => IlgpuDevices.Open("opencl:0");
}

/// <summary>
/// The kernels for GPUs, run by ILGPU on threads of the processor. A barrier is one of the operating system's and takes a millisecond:
/// only small shapes.
/// </summary>
public sealed class IlgpuCpuConformance : DeviceConformance
{
    const long ElementsMax = 8_000, MultiplyAccumulatesMax = 60_000;

    protected override IDevice Create() => IlgpuDevices.Open("ilgpu-cpu");

    protected override void SkipUnlessAffordable(long elements, long multiplyAccumulates) =>
        Assert.SkipUnless(elements <= ElementsMax && multiplyAccumulates <= MultiplyAccumulatesMax, "too large for threads that are not a GPU's; OpenCL runs it");
}

static class IlgpuDevices
{
    static readonly Dictionary<string, IlgpuDevice> Kept = []; // else every test would compile every kernel

    public static IDevice Open(string name)
    {
        lock (Kept)
        {
            if (!Kept.ContainsKey(name))
            {
                Assert.SkipUnless(Accelerators.All().Any(d => d.Name == name), $"there is no {name} on this machine");
                Kept[name] = new IlgpuDevice(name);
            }
        }
        return new IlgpuDevice(name);
    }
}
