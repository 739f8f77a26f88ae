using AlexNetActors.Compute;
using AlexNetActors.Compute.Gpu;

namespace AlexNetActors.Tests.Compute;

/// <summary>The kernels for GPUs. Tolerance of fast convolution: <see cref="CpuConformance"/>'s, for the same reason.</summary>
public abstract class GpuConformance(string name, GpuOptions options) : DeviceConformance
{
    protected override (double Rms, double Worst) ConvolutionTolerance => options.Convolution == ConvolutionMethod.Fast ? (2e-5, 2.5e-4) : base.ConvolutionTolerance;

    protected override IDevice Create() => Open(name, options);

    protected virtual IDevice Open(string name, GpuOptions options) => IlgpuDevices.Open(name, options);
}

static class IlgpuDevices
{
    static readonly Dictionary<string, IDevice> Kept = []; // else every test would compile every kernel

    public static IDevice Open(string name, GpuOptions? options = null)
    {
        lock (Kept)
        {
            if (!Kept.ContainsKey(name))
            {
                Assert.SkipUnless(DeviceCatalog.All.Any(d => d.Name == name), $"there is no {name} on this machine");
                Kept[name] = DeviceCatalog.Find(name).Open(1);
            }
        }
        try
        {
            return DeviceCatalog.Find(name, options).Open(1);
        }
        catch (ArgumentException refusal) // an old GPU, or no cuBLAS
        {
            Assert.Skip(refusal.Message);
            throw;
        }
    }
}
