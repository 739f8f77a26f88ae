using AlexNetActors.Compute;
using AlexNetActors.Compute.Cpu;

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
    };

    public static TheoryData<string> Names => [.. Factories.Keys];

    public static IDevice Open(string name) => Factories[name]();

    static CpuDevice Cpu(SimdLevel level, int threads)
    {
        Assert.SkipUnless(SimdLevels.IsSupported(level), $"this processor has no {level}");
        return new CpuDevice(threads, level);
    }
}
