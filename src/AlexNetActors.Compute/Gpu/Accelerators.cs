using System.Globalization;
using System.Reflection;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace AlexNetActors.Compute.Gpu;

/// <summary>A device that ILGPU can drive on this machine.</summary>
/// <param name="Name">cuda:N, opencl:N, or ilgpu-cpu.</param>
/// <param name="Kind">Devices of one kind run the same machine code: the driver compiles for the architecture.</param>
/// <param name="Memory">Where its tensors lie: <see cref="IDevice.Memory"/>.</param>
/// <param name="Description">Name, driver and what it can do.</param>
/// <param name="Device">To open it.</param>
sealed record AcceleratorEntry(string Name, string Kind, string Memory, string Description, Device Device)
{
    public bool IsProcessor => Device is CPUDevice;

    /// <summary>Memory of its own; null where it is the processor's.</summary>
    public long? MemoryBytes => IsProcessor ? null : Device.MemorySize;

    /// <summary>What the options come to on this device.</summary>
    /// <exception cref="ArgumentException">It has not what they ask for.</exception>
    /// <exception cref="DeviceException">This machine's cuBLAS is of no use.</exception>
    public GpuChoice Choose(GpuOptions options)
    {
        var cuda = Device as CudaDevice;
        if (options.Precision != ComputePrecision.Float32 && !(cuda?.Architecture >= CudaArchitecture.SM_80))
            throw new ArgumentException($"{Name} cannot compute in {options.Precision.ToString().ToLowerInvariant()}: that takes tensor cores of CUDA compute capability 8.0 or newer, and this is {(cuda?.Architecture is { } old ? $"of {old.Major}.{old.Minor}" : "no CUDA device")}; use float32");
        if (options.Blas == BlasChoice.CuBlas && cuda is null) throw new ArgumentException($"{Name} cannot use cuBLAS: it is for CUDA devices, and this is none; use the own kernels");
        var library = options.Blas == BlasChoice.Own || cuda is null ? null : CuBlasLibrary.Find();
        if (options.Blas == BlasChoice.CuBlas && library is null)
            throw new ArgumentException($"{Name} was asked to use cuBLAS, which is not on this machine: install it, name its directory in {CuBlasLibrary.DirectoryVariable}, or use the own kernels");
        return new GpuChoice(options.Precision, library, options.Precision == ComputePrecision.Tf32 ? ConvolutionMethod.Direct : options.Convolution);
    }
}

/// <summary>What ILGPU finds on this machine, and why not more.</summary>
static class Accelerators
{
    public const string Cpu = "ilgpu-cpu", Cuda = "cuda", OpenCL = "opencl";

    /// <summary>A group of threads, and no more: every barrier is one of the operating system's.</summary>
    const int CpuWarp = 4;

    static readonly Lazy<(IReadOnlyList<AcceleratorEntry> Usable, IReadOnlyList<UnusableDevice> Unusable)> Found = new(Find);
    static readonly Lazy<Context> Shared = new(() => Context.Create(builder => builder.Optimize(OptimizationLevel.O2)));

    /// <summary>ILGPU's compiler. Safe to share between threads, and kept: it holds no device.</summary>
    public static Context Context => Shared.Value;

    public static IReadOnlyList<AcceleratorEntry> All => Found.Value.Usable;
    public static IReadOnlyList<UnusableDevice> Unusable => Found.Value.Unusable;

    static (IReadOnlyList<AcceleratorEntry>, IReadOnlyList<UnusableDevice>) Find()
    {
        NativeLibraries.Install();
        var (usable, unusable) = (new List<AcceleratorEntry>(), new List<UnusableDevice>());
        FindCuda(usable, unusable);
        FindOpenCL(usable, unusable);
        var cpu = new CPUDevice(CpuWarp, Products.Threads / CpuWarp, 1);
        usable.Add(new AcceleratorEntry(Cpu, Cpu, Cpu, "kernels for GPUs on threads of the processor: to test them, very slowly", cpu));
        return (usable, unusable);
    }

    static void FindCuda(List<AcceleratorEntry> usable, List<UnusableDevice> unusable)
    {
        if (!NativeLibraries.Has(NativeLibraries.Cuda))
        {
            unusable.Add(new(Cuda, $"there is no {NativeLibraries.FileName(NativeLibraries.Cuda)}: it comes with NVIDIA's driver, install that (in a container, give it the GPU: --gpus all)"));
            return;
        }
        var devices = CudaDevice.GetDevices(_ => true);
        if (devices.Length == 0) unusable.Add(new(Cuda, "NVIDIA's driver lists no GPU that ILGPU knows: look at nvidia-smi; CUDA_VISIBLE_DEVICES may hide it, or it is newer than this program"));
        for (int n = 0; n < devices.Length; n++)
        {
            var d = (CudaDevice)devices[n];
            string name = $"{Cuda}:{n}", capability = d.Architecture is { } a ? $"{a.Major}.{a.Minor}" : "unknown";
            if (d.InstructionSet is null)
                unusable.Add(new(name, $"{d.Name} needs a newer driver than {d.DriverVersion.Major}.{d.DriverVersion.Minor} for its compute capability {capability}: update NVIDIA's driver"));
            else
                usable.Add(new AcceleratorEntry(name, $"cuda-sm_{capability.Replace(".", "")}", Cuda, $"{d.Name}, {Gigabytes(d.MemorySize)}, compute capability {capability}, driver for CUDA {d.DriverVersion.Major}.{d.DriverVersion.Minor}, {CuBlas()}", d));
        }
    }

    static string CuBlas()
    {
        try
        {
            return CuBlasLibrary.Find() is { } library ? $"cuBLAS {library.Version}" : "no cuBLAS";
        }
        catch (DeviceException e)
        {
            return $"no cuBLAS of use ({e.Message})";
        }
    }

    static void FindOpenCL(List<AcceleratorEntry> usable, List<UnusableDevice> unusable)
    {
        if (!NativeLibraries.Has(NativeLibraries.OpenCL))
        {
            unusable.Add(new(OpenCL, $"there is no {NativeLibraries.FileName(NativeLibraries.OpenCL)}: install your GPU's driver and the loader (Debian: ocl-icd-libopencl1; pocl-opencl-icd makes the processor such a device)"));
            return;
        }
        FenceSharedMemory();
        var devices = CLDevice.GetDevices(_ => true);
        if (devices.Length == 0) unusable.Add(new(OpenCL, "no OpenCL driver lists a device: install your GPU's (Debian: pocl-opencl-icd makes the processor one)"));
        for (int n = 0; n < devices.Length; n++)
        {
            var d = (CLDevice)devices[n];
            string name = $"{OpenCL}:{n}";
            Admit(d);
            usable.Add(new AcceleratorEntry(name, $"opencl-{d.Name.Replace(' ', '-')}", name, $"{d.Name}, {Gigabytes(d.MemorySize)}, {d.PlatformName}, OpenCL {d.DeviceVersion.Major}.{d.DeviceVersion.Minor}", d));
        }
    }

    /// <summary>
    /// ILGPU refuses OpenCL devices without a generic address space. The kernels here name the address space of every pointer, so they
    /// run without (PoCL 3's processors are such devices).
    /// </summary>
    static void Admit(CLDevice device)
    {
        if (!device.Capabilities.GenericAddressSpace)
            typeof(CLCapabilityContext).GetProperty(nameof(CLCapabilityContext.GenericAddressSpace))!.SetValue(device.Capabilities, true);
    }

    /// <summary>
    /// A barrier of ILGPU 1.5.3's OpenCL orders global memory only ("CLK_GLOBAL_MEM_FENCE", whatever is asked for), while what the threads of a
    /// group tell each other lies in local memory. Many drivers order both; the standard wants it said.
    /// </summary>
    static void FenceSharedMemory()
    {
        const string Global = "CLK_GLOBAL_MEM_FENCE", Both = Global + " | CLK_LOCAL_MEM_FENCE";
        var instructions = typeof(CLDevice).Assembly.GetType("ILGPU.Backends.OpenCL.CLInstructions");
        if (instructions?.GetField("MemoryFenceFlags", BindingFlags.NonPublic | BindingFlags.Static)?.GetValue(null) is string[] flags && flags[0] == Global) flags[0] = Both;
    }

    static string Gigabytes(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1 << 30):0.0} GiB");
}
