using System.Runtime.InteropServices;
using AlexNetActors.Compute;
using AlexNetActors.Compute.Gpu;
using AlexNetActors.Tests.Compute.Ptx;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.OpenCL;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace AlexNetActors.Tests.Compute;

public sealed class OpenClDirectConformance : GpuConformance { public OpenClDirectConformance() : base("opencl:0", new(Convolution: ConvolutionMethod.Direct)) { } }

/// <summary>Compiled to OpenCL: on whatever device there is, such as a processor through PoCL.</summary>
public sealed class OpenClConformance : GpuConformance
{
    public OpenClConformance() : base("opencl:0", new()) { }

    /// <summary>PoCL would not mind; the standard, and some GPU, does.</summary>
    [Fact]
    public void BarriersOrderWhatAGroupShares()
    {
        Assert.SkipUnless(DeviceCatalog.All.Any(d => d.Name == "opencl:0"), "there is no opencl:0 on this machine");
        using var accelerator = (CLAccelerator)Accelerators.All.First(a => a.Name == "opencl:0").Device.CreateAccelerator(Accelerators.Context);
        var kernel = EntryPointDescription.FromExplicitlyGroupedKernel(typeof(Sums).GetMethod(nameof(Sums.SumRows))!);
        string source = ((CLCompiledKernel)accelerator.Backend.Compile(kernel, default)).Source;
        int barriers = source.Split("work_group_barrier").Length - 1;
        Assert.InRange(barriers, 2, 100);
        Assert.Equal(barriers, source.Split("CLK_GLOBAL_MEM_FENCE | CLK_LOCAL_MEM_FENCE").Length - 1);
    }
}

/// <summary>With products as BLAS defines them wherever cuBLAS would multiply: what is asked of it, on memory that lies as it is told.</summary>
public sealed class OpenClBlasConformance : GpuConformance
{
    public OpenClBlasConformance() : base("opencl:0", new()) { }

    protected override IDevice Create()
    {
        var device = (IlgpuDevice)base.Create();
        device.MultiplyBy(stream => new ReferenceBlas(stream));
        return device;
    }
}

/// <summary>
/// The kernels for GPUs, run by ILGPU on threads of the processor. A barrier is one of the operating system's and takes a millisecond:
/// only small shapes, and nothing beside it.
/// </summary>
[Collection(Alone)]
public sealed class IlgpuCpuConformance : GpuConformance
{
    public IlgpuCpuConformance() : base("ilgpu-cpu", new()) { }

    public const string Alone = "a group of 128 threads";

    const long ElementsMax = 8_000, MultiplyAccumulatesMax = 60_000;

    protected override void SkipUnlessAffordable(long elements, long multiplyAccumulates) =>
        Assert.SkipUnless(elements <= ElementsMax && multiplyAccumulates <= MultiplyAccumulatesMax, "too large for threads that are not a GPU's; OpenCL runs it");
}

/// <summary>The kernels for GPUs on one of NVIDIA's.</summary>
public sealed class CudaConformance : GpuConformance { public CudaConformance() : base("cuda:0", new(Blas: BlasChoice.Own)) { } }

/// <summary>The same with every tap by itself.</summary>
public sealed class CudaDirectConformance : GpuConformance { public CudaDirectConformance() : base("cuda:0", new(Blas: BlasChoice.Own, Convolution: ConvolutionMethod.Direct)) { } }

/// <summary>With cuBLAS, where it is installed.</summary>
public sealed class CudaBlasConformance : GpuConformance { public CudaBlasConformance() : base("cuda:0", new(Blas: BlasChoice.CuBlas)) { } }

/// <summary>
/// The same on tensor cores. Tolerance: operands keep 10 bits of mantissa, an error of up to 2^-10 each however a library rounds them; a
/// product of two normal values may be ten times the products' rms.
/// </summary>
public sealed class CudaTensorCoreConformance : GpuConformance
{
    public CudaTensorCoreConformance() : base("cuda:0", new(ComputePrecision.Tf32)) { }

    protected override (double Rms, double Worst) ConvolutionTolerance => (1e-3, 2e-2);
}

/// <summary>The kernels as the driver of cuda:0 assembles them.</summary>
public sealed unsafe class CudaKernelTests(ITestOutputHelper output)
{
    const int LocalBytes = 3, Registers = 4; // CUfunction_attribute

    [Fact]
    public void TheDriverSpillsNothing()
    {
        Assert.SkipUnless(DeviceCatalog.All.Any(d => d.Name == "cuda:0"), "there is no cuda:0 on this machine");
        var attribute = (delegate* unmanaged<int*, int, nint, int>)NativeLibrary.GetExport(NativeLibrary.Load("libcuda.so.1"), "cuFuncGetAttribute");
        using var accelerator = (CudaAccelerator)Accelerators.All.First(a => a.Name == "cuda:0").Device.CreateAccelerator(Accelerators.Context);
        var spilled = new List<string>();
        foreach (var kernel in PtxKernel.All)
        {
            using var loaded = (CudaKernel)accelerator.LoadKernel(accelerator.Backend.Compile(EntryPointDescription.FromExplicitlyGroupedKernel(kernel.Method), kernel.Groups));
            int bytes, registers;
            Assert.Equal((0, 0), (attribute(&bytes, LocalBytes, loaded.FunctionPtr), attribute(&registers, Registers, loaded.FunctionPtr)));
            output.WriteLine($"{kernel.Name}: {registers} registers, {bytes} bytes of local memory");
            if (bytes > 0) spilled.Add($"{kernel.Name}: {bytes} bytes");
        }
        Assert.Empty(spilled);
    }
}

[CollectionDefinition(IlgpuCpuConformance.Alone, DisableParallelization = true)]
public sealed class AGroupOf128Threads;
