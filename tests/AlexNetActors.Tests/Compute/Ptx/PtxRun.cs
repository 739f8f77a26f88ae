using System.Collections.Concurrent;
using System.Reflection;
using AlexNetActors.Compute;
using ILGPU.Runtime.Cuda;

namespace AlexNetActors.Tests.Compute.Ptx;

/// <summary>Runs kernels on the <see cref="PtxMachine"/>, and turns what they work on.</summary>
static class PtxRun
{
    static readonly ConcurrentDictionary<MethodInfo, PtxProgram> Programs = [];

    public static void Launch(Delegate kernel, PtxSize grid, PtxSize group, params object[] arguments) =>
        PtxMachine.Launch(Programs.GetOrAdd(kernel.Method, m => PtxParser.Parse(new PtxKernel(m).Compile(CudaArchitecture.SM_80, CudaInstructionSet.ISA_78))), grid, group, arguments);

    /// <summary>Memory that the kernel has to fill.</summary>
    public static PtxBuffer Unwritten(string name, int floats)
    {
        var values = new float[floats];
        Array.Fill(values, float.NaN);
        return PtxBuffer.Of<float>(name, values);
    }

    /// <summary>[images, features] as the device keeps it: [features, stride].</summary>
    /// <param name="canonical">Values.</param>
    /// <param name="images">Or kernels.</param>
    /// <param name="stride">Images filled up.</param>
    /// <param name="filling">Of the images that are not there.</param>
    public static float[] Turned(float[] canonical, int images, int stride, float filling)
    {
        int features = canonical.Length / images;
        var turned = new float[features * stride];
        Array.Fill(turned, filling);
        for (int b = 0; b < images; b++)
            for (int f = 0; f < features; f++) turned[f * stride + b] = canonical[b * features + f];
        return turned;
    }

    /// <summary>The way back.</summary>
    public static float[] Canonical(PtxBuffer turned, int images, int stride)
    {
        var values = turned.Read<float>();
        int features = values.Length / stride;
        return [.. Enumerable.Range(0, images * features).Select(n => values[n % features * stride + n / features])];
    }

    public static int RoundUp(int count, int multiple) => (count + multiple - 1) / multiple * multiple;

    /// <summary>Relative to the root of the expected values' mean square.</summary>
    public static void AssertClose(float[] expected, float[] got, double tolerance)
    {
        Assert.Equal(expected.Length, got.Length);
        double rms = Math.Sqrt(expected.Sum(e => (double)e * e) / expected.Length);
        for (int n = 0; n < expected.Length; n++)
            Assert.True(Math.Abs((double)expected[n] - got[n]) <= tolerance * rms, $"element {n}: expected {expected[n]:R}, got {got[n]:R}");
    }

    /// <summary>What <see cref="ReferenceDevice"/> makes of it.</summary>
    public static float[] Reference(Func<ReferenceDevice, Tensor> operation)
    {
        using var device = new ReferenceDevice();
        return SampleValues.Read(device, operation(device));
    }
}
