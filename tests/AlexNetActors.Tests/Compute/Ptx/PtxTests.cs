using System.Reflection;
using System.Text.RegularExpressions;
using AlexNetActors.Compute.Gpu;
using ILGPU.Backends.PTX;
using ILGPU.Runtime.Cuda;

namespace AlexNetActors.Tests.Compute.Ptx;

/// <summary>The kernels' CUDA code as text.</summary>
public sealed class PtxTests
{
    static readonly CudaArchitecture Newest = typeof(CudaArchitecture).GetFields(BindingFlags.Public | BindingFlags.Static).Select(f => f.GetValue(null)).OfType<CudaArchitecture>().Max();

    [Fact]
    public void EveryKernelIsFound() =>
        Assert.Superset(
            new HashSet<string> { nameof(Elementwise), nameof(Maps), nameof(Products), nameof(Sums), nameof(Transposition) },
            PtxKernel.All.Select(k => k.Method.DeclaringType!.Name).ToHashSet());

    [Theory]
    [MemberData(nameof(PtxKernel.Names), MemberType = typeof(PtxKernel))]
    public void KernelsCompileForOldAndNewGpus(string name)
    {
        var kernel = PtxKernel.Named(name);
        foreach (var (architecture, version) in new[] { (CudaArchitecture.SM_80, CudaInstructionSet.ISA_78), (Newest, PTXCodeGenerator.SupportedInstructionSets.First()) })
        {
            string ptx = kernel.Compile(architecture, version);
            Assert.Contains($".version {version.Major}.{version.Minor}\n", ptx.ReplaceLineEndings("\n"));
            Assert.Contains($".visible .entry Kernel_{kernel.Method.Name}(", ptx);
            Assert.DoesNotMatch(@"\b(ld|st)\.(?!global|shared|local|param)", ptx); // a generic address costs more
        }
    }

    /// <summary>A quarter as many instructions for memory: without them the products would be bound by those.</summary>
    [Theory]
    [InlineData("Products.Convolve")]
    [InlineData("Products.ConvolveBackwardWeights")]
    public void ProductsReadAndWriteMemory128BitsAtATime(string name)
    {
        string ptx = PtxKernel.Named(name).Compile(CudaArchitecture.SM_80, CudaInstructionSet.ISA_78);
        foreach (string access in new[] { "ld.global.v4.b32", "ld.global.v4.f32", "ld.shared.v4.f32", "st.global.v4.f32" }) Assert.Contains(access, ptx);
        Assert.DoesNotContain("ld.shared.f32", ptx);
        Assert.DoesNotContain("st.global.f32", ptx);
        Assert.InRange(Regex.Count(ptx, @"ld\.global\.f32"), 0, 8); // a row's bias
        Assert.Contains(".maxntid 128", ptx);
        Assert.Contains(".minnctapersm 4", ptx);
    }
}
