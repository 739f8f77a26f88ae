using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace AlexNetActors.Compute.Gpu;

/// <summary>What ILGPU can drive on this machine, by name: cuda:N, opencl:N, and ilgpu-cpu, which runs a kernel's threads as threads of the processor.</summary>
static class Accelerators
{
    public const string Cpu = "ilgpu-cpu", Cuda = "cuda", OpenCL = "opencl";

    /// <summary>A group of threads, and no more: every barrier is one of the operating system's.</summary>
    const int CpuWarp = 4;

    static readonly Lazy<Context> Shared = new(Create);

    /// <summary>ILGPU's context: the compiler and the list of devices. Safe to share between threads, and kept: it holds no device.</summary>
    public static Context Context => Shared.Value;

    public static IReadOnlyList<(string Name, Device Device)> All()
    {
        var all = new List<(string, Device)>();
        foreach (var device in Context.GetCudaDevices()) all.Add(($"{Cuda}:{all.Count}", device));
        int gpus = all.Count;
        foreach (var device in Context.GetCLDevices()) all.Add(($"{OpenCL}:{all.Count - gpus}", device));
        foreach (var device in Context.GetCPUDevices()) all.Add((Cpu, device));
        return all;
    }

    static Context Create()
    {
        NativeLibraries.Install();
        return Context.Create(builder =>
        {
            builder.Optimize(OptimizationLevel.O2).CPU(new CPUDevice(CpuWarp, Products.Threads / CpuWarp, 1));
            if (NativeLibraries.Has("cuda")) builder.Cuda();
            if (NativeLibraries.Has("OpenCL")) builder.OpenCL(Admit);
        });
    }

    /// <summary>
    /// ILGPU refuses OpenCL devices without a generic address space. The kernels here name the address space of every pointer, so they
    /// run without (PoCL 3's processors are such devices).
    /// </summary>
    static bool Admit(CLDevice device)
    {
        if (!device.Capabilities.GenericAddressSpace)
            typeof(CLCapabilityContext).GetProperty(nameof(CLCapabilityContext.GenericAddressSpace))!.SetValue(device.Capabilities, true);
        return true;
    }
}
