using AlexNetActors.Compute;
using AlexNetActors.Compute.Cpu;
using AlexNetActors.Tests.Compute;

namespace AlexNetActors.Tests.Model;

/// <summary>The devices by name, so that one theory runs on all of them.</summary>
static class TestDevices
{
    static readonly Dictionary<string, Func<IDevice>> Factories = new()
    {
        ["reference"] = () => new ReferenceDevice(),
        ["cpu-128"] = () => Cpu(SimdLevel.Vector128, 1),
        ["cpu-256"] = () => Cpu(SimdLevel.Vector256, 1),
        ["cpu-512"] = () => Cpu(SimdLevel.Vector512, 1),
        ["cpu-512-2-threads"] = () => Cpu(SimdLevel.Vector512, 2),
        ["cpu-direct-128"] = () => Cpu(SimdLevel.Vector128, 1, ConvolutionMethod.Direct),
        ["cpu-direct-256"] = () => Cpu(SimdLevel.Vector256, 1, ConvolutionMethod.Direct),
        ["cpu-direct-512"] = () => Cpu(SimdLevel.Vector512, 1, ConvolutionMethod.Direct),
        ["opencl:0"] = () => IlgpuDevices.Open("opencl:0"),
        ["opencl-direct:0"] = () => IlgpuDevices.Open("opencl:0", new(Convolution: ConvolutionMethod.Direct)),
        ["cuda:0"] = () => IlgpuDevices.Open("cuda:0"),
        ["cuda-direct:0"] = () => IlgpuDevices.Open("cuda:0", new(Convolution: ConvolutionMethod.Direct)),
    };

    /// <summary>
    /// How far from PyTorch in float64 a device may be. Sums of up to a thousand float32 products of ordinary size are a few 1e-7 of
    /// their root mean square off at the worst element, and a wrong term costs 1e-2. Fast convolution loses a factor of ten to twenty
    /// (CpuConformance says why); the worst seen, in a gradient by the weights, is 3e-5.
    /// </summary>
    public static double Tolerance(string name) => IsFast(name) ? 1e-4 : 1e-5;

    public static bool IsFast(string name) => name != "reference" && !name.Contains("direct", StringComparison.Ordinal);

    public static TheoryData<string> Names => [.. Factories.Keys];

    public static IDevice Open(string name) => Factories[name]();

    static CpuDevice Cpu(SimdLevel level, int threads, ConvolutionMethod method = ConvolutionMethod.Fast)
    {
        Assert.SkipUnless(SimdLevels.IsSupported(level), $"this processor has no {level}");
        return new CpuDevice(threads, level, method: method);
    }
}
