using AlexNetActors.Compute;
using AlexNetActors.Compute.Gpu;

namespace AlexNetActors.Tests.Compute;

public sealed class GpuOptionsTests
{
    [Fact]
    public void TensorCoresAreRefusedWhereThereAreNone() =>
        Assert.Equal("ilgpu-cpu cannot compute in tf32: that takes tensor cores of CUDA compute capability 8.0 or newer, and this is no CUDA device; use float32", Refusal(new(ComputePrecision.Tf32)));

    [Fact]
    public void CuBlasIsRefusedOffCuda() =>
        Assert.Equal("ilgpu-cpu cannot use cuBLAS: it is for CUDA devices, and this is none; use the own kernels", Refusal(new(Blas: BlasChoice.CuBlas)));

    static string Refusal(GpuOptions options) => Assert.Throws<ArgumentException>(() => DeviceCatalog.Find("ilgpu-cpu", options)).Message;

    [Fact]
    public void ADeviceOfOwnKernelsSaysSo()
    {
        var device = DeviceCatalog.Find("ilgpu-cpu");
        Assert.EndsWith("; own kernels, float32, fast convolution", device.Description);
        Assert.Equal("ilgpu-cpu-fast", device.Kind);
    }

    [Theory]
    [InlineData(ComputePrecision.Float32, ConvolutionMethod.Direct, "")]
    [InlineData(ComputePrecision.Float32, ConvolutionMethod.Fast, "-fast")]
    [InlineData(ComputePrecision.Tf32, ConvolutionMethod.Direct, "-tf32")]
    public void TheKindTellsWhatChangesTheBits(ComputePrecision precision, ConvolutionMethod convolution, string expected) =>
        Assert.Equal(expected, new GpuChoice(precision, null, convolution).KindSuffix(132));
}
