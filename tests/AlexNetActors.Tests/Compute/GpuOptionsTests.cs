using AlexNetActors.Compute.Gpu;

namespace AlexNetActors.Tests.Compute;

public sealed class GpuOptionsTests
{
    static AcceleratorEntry Cpu => Accelerators.All.Single(a => a.Name == Accelerators.Cpu);

    [Fact]
    public void TensorCoresAreRefusedWhereThereAreNone()
    {
        var refusal = Assert.Throws<ArgumentException>(() => new IlgpuDevice(Cpu, new(ComputePrecision.Tf32)));
        Assert.Equal("ilgpu-cpu cannot compute in Tf32: that takes tensor cores of CUDA compute capability 8.0 or newer, and this is no CUDA device; choose Float32", refusal.Message);
    }

    [Fact]
    public void CuBlasIsRefusedOffCuda()
    {
        var refusal = Assert.Throws<ArgumentException>(() => new IlgpuDevice(Cpu, new(Blas: BlasChoice.CuBlas)));
        Assert.Equal("ilgpu-cpu cannot use cuBLAS: it is for CUDA devices, and this is none; choose the own kernels", refusal.Message);
    }

    [Fact]
    public void ADeviceOfOwnKernelsSaysSo()
    {
        using var device = new IlgpuDevice(Cpu);
        Assert.Equal("own kernels, float32", device.Describe);
        Assert.Equal("", device.KindSuffix);
    }

    [Theory]
    [InlineData(ComputePrecision.Float32, null, "")]
    [InlineData(ComputePrecision.Tf32, null, "-tf32")]
    [InlineData(ComputePrecision.Float32, "12.4.5", "-cublas12.4.5-132mp")]
    [InlineData(ComputePrecision.Tf32, "12.4.5", "-tf32-cublas12.4.5-132mp")]
    public void TheKindTellsWhatChangesTheBits(ComputePrecision precision, string? cuBlas, string expected) =>
        Assert.Equal(expected, new GpuOptions(precision).KindSuffix(cuBlas, multiprocessors: 132));
}
