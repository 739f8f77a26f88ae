using AlexNetActors.Compute;
using AlexNetActors.Compute.Gpu;
using AlexNetActors.Cuda.Tests.Driver;
using AlexNetActors.Tests.Compute;

namespace AlexNetActors.Cuda.Tests;

/// <summary>Every operation of a CUDA device as a program asks for it, through ILGPU and the driver. Shapes that take the machine which executes PTX too long are left to the kernels' own tests and to OpenCL.</summary>
public abstract class ModelledConformance(GpuOptions options, int order) : GpuConformance("cuda:0", options), IDisposable
{
    const long ElementsMax = 4_000, MultiplyAccumulatesMax = 30_000;

    protected override IDevice Create()
    {
        if (ModelledCuda.Missing is { } why) Assert.Skip(why);
        ModelledCuda.Begin(order);
        return base.Create();
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

public sealed class ModelledFastConformance : ModelledConformance { public ModelledFastConformance() : base(new(Blas: BlasChoice.Own), ModelledCuda.Latest) { } }

public sealed class ModelledDirectConformance : ModelledConformance { public ModelledDirectConformance() : base(new(Blas: BlasChoice.Own, Convolution: ConvolutionMethod.Direct), ModelledCuda.Soonest) { } }

public sealed class ModelledBlasConformance : ModelledConformance { public ModelledBlasConformance() : base(new(Blas: BlasChoice.CuBlas), order: 3) { } }
