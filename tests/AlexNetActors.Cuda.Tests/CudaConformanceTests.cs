using AlexNetActors.Compute;
using AlexNetActors.Compute.Gpu;
using AlexNetActors.Cuda.Tests.Driver;
using AlexNetActors.Tests.Compute;

namespace AlexNetActors.Cuda.Tests;

/// <summary>Every operation of a CUDA device as a program asks for it, through ILGPU and the driver. Shapes that take the machine which executes PTX too long are left to the kernels' own tests and to OpenCL.</summary>
public abstract class ModelledConformance(GpuOptions options, int order, OpenGpu gpu) : GpuConformance("cuda:0", options), IClassFixture<OpenGpu>, IDisposable
{
    const long ElementsMax = 4_000, MultiplyAccumulatesMax = 30_000;

    protected override IDevice Open(string name, GpuOptions options)
    {
        if (ModelledCuda.Missing is { } why) Assert.Skip(why);
        ModelledCuda.Begin(order);
        return gpu.Open(name, options);
    }

    protected override void SkipUnlessAffordable(long elements, long multiplyAccumulates) =>
        Assert.SkipUnless(elements <= ElementsMax && multiplyAccumulates <= MultiplyAccumulatesMax, "too large for a machine that executes PTX thread by thread");

    public new void Dispose()
    {
        base.Dispose();
        GC.SuppressFinalize(this);
        Assert.Empty(ModelledCuda.Faults);
    }
}

public sealed class ModelledFastConformance(OpenGpu gpu) : ModelledConformance(new(Blas: BlasChoice.Own), ModelledCuda.Latest, gpu);

public sealed class ModelledDirectConformance(OpenGpu gpu) : ModelledConformance(new(Blas: BlasChoice.Own, Convolution: ConvolutionMethod.Direct), ModelledCuda.Soonest, gpu);

public sealed class ModelledBlasConformance(OpenGpu gpu) : ModelledConformance(new(Blas: BlasChoice.CuBlas), order: 3, gpu);

/// <summary>Stays open for a class: else each of its tests would compile every kernel.</summary>
public sealed class OpenGpu : IDisposable
{
    IDevice? _kept;

    public IDevice Open(string name, GpuOptions options)
    {
        _kept ??= DeviceCatalog.Find(name, options).Open(1);
        return DeviceCatalog.Find(name, options).Open(1);
    }

    public void Dispose() => _kept?.Dispose();
}
