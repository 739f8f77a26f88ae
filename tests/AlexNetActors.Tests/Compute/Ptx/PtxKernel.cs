using System.Reflection;
using AlexNetActors.Compute.Gpu;
using ILGPU;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.PTX;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace AlexNetActors.Tests.Compute.Ptx;

/// <summary>A kernel for GPUs and its compilation to PTX, the assembly language of CUDA, which needs neither GPU nor driver.</summary>
sealed record PtxKernel(MethodInfo Method)
{
    /// <summary>Everything that a device could launch: static methods without a result that have views of memory among their arguments.</summary>
    public static IReadOnlyList<PtxKernel> All { get; } =
    [
        .. from type in typeof(IlgpuDevice).Assembly.GetTypes()
           where type is { Namespace: "AlexNetActors.Compute.Gpu", IsAbstract: true, IsSealed: true }
           from method in type.GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly)
           where method.ReturnType == typeof(void) && method.GetParameters().Any(p => IsView(p.ParameterType))
           select new PtxKernel(method),
    ];

    public static TheoryData<string> Names => [.. All.Select(k => k.Name)];

    public static PtxKernel Named(string name) => All.Single(k => k.Name == name);

    public KernelSpecialization Groups => (KernelSpecialization?)Method.DeclaringType!.GetProperty(nameof(Products.Groups))?.GetValue(null) ?? default;

    public string Name => $"{Method.DeclaringType!.Name}.{Method.Name}";

    /// <summary>As <see cref="IlgpuDevice"/> loads it on a GPU of this architecture whose driver knows this version of PTX.</summary>
    public string Compile(CudaArchitecture architecture, CudaInstructionSet version)
    {
        using var backend = new PTXBackend(Accelerators.Context, architecture, version, null!);
        return ((PTXCompiledKernel)backend.Compile(EntryPointDescription.FromExplicitlyGroupedKernel(Method), Groups)).PTXAssembly;
    }

    static bool IsView(Type type) => type.IsGenericType && type.GetGenericTypeDefinition() == typeof(ArrayView<>);
}
