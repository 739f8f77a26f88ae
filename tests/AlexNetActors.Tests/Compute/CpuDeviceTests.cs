using AlexNetActors.Compute;
using AlexNetActors.Compute.Cpu;

namespace AlexNetActors.Tests.Compute;

/// <summary>The conformance suite at one level, skipped where this processor lacks it.</summary>
public abstract class CpuConformance(SimdLevel level, int threads) : DeviceConformance
{
    protected override IDevice Create()
    {
        Assert.SkipUnless(SimdLevels.IsSupported(level), $"this processor has no {level}");
        return new CpuDevice(threads, level);
    }
}

public sealed class Cpu128 : CpuConformance { public Cpu128() : base(SimdLevel.Vector128, 1) { } }
public sealed class Cpu256 : CpuConformance { public Cpu256() : base(SimdLevel.Vector256, 1) { } }
public sealed class Cpu512 : CpuConformance { public Cpu512() : base(SimdLevel.Vector512, 1) { } }
public sealed class Cpu128On3Threads : CpuConformance { public Cpu128On3Threads() : base(SimdLevel.Vector128, 3) { } }
public sealed class Cpu256On3Threads : CpuConformance { public Cpu256On3Threads() : base(SimdLevel.Vector256, 3) { } }
public sealed class Cpu512On3Threads : CpuConformance { public Cpu512On3Threads() : base(SimdLevel.Vector512, 3) { } }
