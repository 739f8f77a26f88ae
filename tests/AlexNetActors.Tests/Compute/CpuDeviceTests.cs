using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using AlexNetActors.Compute;
using AlexNetActors.Compute.Cpu;
using static AlexNetActors.Tests.Compute.SampleValues;

namespace AlexNetActors.Tests.Compute;

/// <summary>
/// The conformance suite at one level, skipped where this processor lacks it.
/// <para>Tolerance of fast convolution: its points go up to 2, so the terms of a sum are larger than the sum they cancel to, most of
/// all in the gradient by 5 x 5 weights (powers up to 2^4 along each axis). At most 8.4e-6 rms and 1.2e-4 for the worst element are
/// seen; about twice that is allowed. A wrong term costs 1e-2.</para>
/// </summary>
public abstract class CpuConformance(SimdLevel level, int threads, ConvolutionMethod method) : DeviceConformance
{
    protected override (double Rms, double Worst) ConvolutionTolerance => method == ConvolutionMethod.Fast ? (2e-5, 2.5e-4) : base.ConvolutionTolerance;

    protected override IDevice Create()
    {
        Assert.SkipUnless(SimdLevels.IsSupported(level), $"this processor has no {level}");
        return new CpuDevice(threads, level, method: method);
    }
}

public sealed class Cpu128 : CpuConformance { public Cpu128() : base(SimdLevel.Vector128, 1, ConvolutionMethod.Fast) { } }
public sealed class Cpu256 : CpuConformance { public Cpu256() : base(SimdLevel.Vector256, 1, ConvolutionMethod.Fast) { } }
public sealed class Cpu512 : CpuConformance { public Cpu512() : base(SimdLevel.Vector512, 1, ConvolutionMethod.Fast) { } }
public sealed class Cpu128On3Threads : CpuConformance { public Cpu128On3Threads() : base(SimdLevel.Vector128, 3, ConvolutionMethod.Fast) { } }
public sealed class Cpu256On3Threads : CpuConformance { public Cpu256On3Threads() : base(SimdLevel.Vector256, 3, ConvolutionMethod.Fast) { } }
public sealed class Cpu512On3Threads : CpuConformance { public Cpu512On3Threads() : base(SimdLevel.Vector512, 3, ConvolutionMethod.Fast) { } }
public sealed class CpuDirect128 : CpuConformance { public CpuDirect128() : base(SimdLevel.Vector128, 1, ConvolutionMethod.Direct) { } }
public sealed class CpuDirect256 : CpuConformance { public CpuDirect256() : base(SimdLevel.Vector256, 1, ConvolutionMethod.Direct) { } }
public sealed class CpuDirect512 : CpuConformance { public CpuDirect512() : base(SimdLevel.Vector512, 1, ConvolutionMethod.Direct) { } }
public sealed class CpuDirect512On3Threads : CpuConformance { public CpuDirect512On3Threads() : base(SimdLevel.Vector512, 3, ConvolutionMethod.Direct) { } }

public sealed class CpuDeviceTests
{
    [Fact]
    public void ResultsAreTheSameBitsForAnyNumberOfThreads()
    {
        foreach (var method in Enum.GetValues<ConvolutionMethod>())
        {
            using var one = new CpuDevice(1, method: method);
            var expected = EveryOperation(one);
            foreach (int threads in new[] { 2, 4, 8 })
            {
                using var device = new CpuDevice(threads, method: method);
                AssertSameBits(expected, EveryOperation(device), $"{method}, {threads} threads");
            }
        }
    }

    [Fact]
    public void ResultsAreTheSameBitsAtEveryLevelThatFusesMultiplyAndAdd()
    {
        Assert.SkipUnless(Fma.IsSupported || AdvSimd.IsSupported, "this processor rounds between multiply and add");
        foreach (var method in Enum.GetValues<ConvolutionMethod>())
        {
            using var narrow = new CpuDevice(1, SimdLevel.Vector128, method: method);
            var expected = EveryOperation(narrow);
            foreach (var level in new[] { SimdLevel.Vector256, SimdLevel.Vector512 }.Where(SimdLevels.IsSupported))
            {
                using var device = new CpuDevice(1, level, method: method);
                AssertSameBits(expected, EveryOperation(device), $"{method}, {level}");
            }
        }
    }

    [Fact]
    public void ImagesDoNotDependOnTheirBatch()
    {
        var filter = Filter.Convolution(18, 9, 7, 40, 3, 1, 1);
        using var d = new CpuDevice(2);
        float[] Images(int images)
        {
            Tensor x = d.AllocateActivation(filter.InputShape(images)), y = d.AllocateActivation(filter.OutputShape(images));
            d.Write(SampleValues.Of(x.Shape.Count, 1), x);
            d.Convolve(x, Weights(d, filter, 2), Bias(d, filter, 3), filter, true, y);
            return Read(d, y);
        }
        Assert.Equal(Images(40)[..(3 * filter.OutputShape(1).Features)], Images(3));
    }

    /// <summary>Above <see cref="Cache.LargeFloats"/> whole lines are stored past the caches, which takes aligned ones: also where a tile hangs over the map, and whatever the kernels are.</summary>
    [Fact]
    public void LargeOutputsOfOddWidthsAreWhatSmallOnesAre()
    {
        var filter = Filter.Convolution(90, 11, 11, 90, 3, 1, 1);
        const int Images = 832;
        Assert.True(filter.OutputShape(Images).Count >= Cache.LargeFloats);
        using var d = new CpuDevice(2);
        float[] some = SampleValues.Of(filter.InputShape(3).Count, 1);
        float[] FirstOf(int images)
        {
            Tensor x = d.AllocateActivation(filter.InputShape(images)), y = d.AllocateActivation(filter.OutputShape(images));
            float[] values = new float[x.Shape.Count];
            some.CopyTo(values, 0);
            d.Write(values, x);
            d.Convolve(x, Weights(d, filter, 2), Bias(d, filter, 3), filter, true, y);
            return Read(d, y)[..(3 * filter.OutputShape(1).Features)];
        }
        Assert.Equal(FirstOf(3), FirstOf(Images));
    }

    [Fact]
    public void ADisposedDeviceRefusesEverything()
    {
        var device = new CpuDevice(2);
        var tensor = device.AllocateActivation(new(1, 1, 1, 1));
        device.Dispose();
        device.Dispose();
        Assert.Throws<ObjectDisposedException>(() => device.AllocatePlain(new(1, 1, 1, 1)));
        Assert.Throws<ObjectDisposedException>(() => device.Scale(1, tensor));
        Assert.Throws<ObjectDisposedException>(() => device.Read(tensor, new float[1]));
        Assert.Throws<ObjectDisposedException>(device.Synchronize);
    }

    [Fact]
    public void MoreMemoryThanThereIsIsRefusedInOneLine()
    {
        using var device = new CpuDevice(1);
        var refused = Assert.Throws<DeviceException>(() => device.AllocatePlain(new(1, 1, 1 << 30, 1 << 18)));
        Assert.Equal("the processor's memory has no room for 1,125,899,906,842,624 bytes more: use a smaller batch (--set batch=N)", refused.Message);
    }

    /// <summary>What could not grow is not there any more: the next operation, which may want less, gets memory and no null.</summary>
    [Fact]
    public unsafe void WorkingMemoryThatCouldNotGrowIsMadeAnew()
    {
        using var memory = new Workspace();
        memory.Scratch(64);
        Assert.Throws<DeviceException>(() => { memory.Scratch(1L << 48); });
        memory.Scratch(32)[31] = 1;
    }

    [Fact]
    public void OperationsAllocateNothing()
    {
        var filter = Filter.Convolution(16, 5, 5, 32, 3, 1, 1);
        using var d = new CpuDevice(3);
        Tensor x = Activation(d, filter.InputShape(2), 1), w = Weights(d, filter, 2), bias = Bias(d, filter, 3), y = d.AllocateActivation(filter.OutputShape(2));
        Tensor dX = d.AllocateActivation(x.Shape), dW = d.AllocateWeights(filter), dBias = d.AllocatePlain(bias.Shape), v = d.AllocateWeights(filter);
        void Step()
        {
            d.Convolve(x, w, bias, filter, true, y);
            d.RectifyBackward(y, y);
            d.ConvolveBackwardInput(y, w, filter, dX);
            d.ConvolveBackwardWeights(x, y, filter, dW, dBias);
            d.Normalize(x, LocalResponse.Paper, dX);
            d.Descend(dW, 0.1f, 0.9f, 0, v, w);
        }
        Step();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Step();
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Theory]
    [InlineData("128", SimdLevel.Vector128)]
    [InlineData("256", SimdLevel.Vector256)]
    [InlineData("512", SimdLevel.Vector512)]
    public void TheEnvironmentNamesALevel(string value, SimdLevel level)
    {
        Assert.SkipUnless(SimdLevels.IsSupported(level), $"this processor has no {level}");
        Assert.Equal(level, SimdLevels.Choose(null, value));
    }

    [Fact]
    public void WithoutAnyNameTheBestLevelIsTaken() => Assert.Equal(SimdLevels.Best, SimdLevels.Choose(null, null));

    [Fact]
    public void AnArgumentIsStrongerThanTheEnvironment() => Assert.Equal(SimdLevel.Vector128, SimdLevels.Choose(SimdLevel.Vector128, "512"));

    [Fact]
    public void ABadLevelIsRefusedWithWhatIsAllowed()
    {
        var error = Assert.Throws<ArgumentException>(() => SimdLevels.Choose(null, "1024"));
        Assert.Equal("ALEXNET_SIMD must be 128, 256 or 512, got '1024'", error.Message);
        Assert.Throws<ArgumentException>(() => new CpuDevice(0));
        Assert.Throws<ArgumentException>(() => new CpuDevice(1, (SimdLevel)64));
    }

    [Fact]
    public void TheTilesAreWhatTheirGeneratorPrints()
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(root.FullName, "AlexNetActors.sln"))) root = root.Parent!;
        string tiles = Path.Combine(root.FullName, "src", "AlexNetActors.Compute", "Cpu", "Tiles.g.cs");
        Assert.Equal(KernelTiles.Text(), File.ReadAllText(tiles));
    }

    /// <summary>The results of every operation with arithmetic in it, on shapes with and without remainders.</summary>
    static List<(string Name, float[] Values)> EveryOperation(IDevice d)
    {
        var results = new List<(string, float[])>();
        void Add(string name, Tensor tensor) => results.Add((name, Read(d, tensor)));
        var filters = new[]
        {
            (33, Filter.Convolution(3, 19, 26, 48, 11, 4, 2)), (40, Filter.Convolution(20, 9, 9, 40, 5, 1, 2)), (3, Filter.Convolution(48, 13, 13, 130, 3, 1, 1)),
            (33, Filter.Convolution(33, 13, 13, 50, 3, 1, 1)), (3, Filter.Convolution(16, 8, 16, 20, 5, 1, 1)),
            (40, Filter.FullyConnected(40, 4, 4, 70)), (128, Filter.FullyConnected(1200, 1, 1, 33)), (2, Filter.FullyConnected(7, 1, 1, 600)),
        };
        foreach (var (images, filter) in filters)
        {
            Tensor x = Activation(d, filter.InputShape(images), 1), w = Weights(d, filter, 2), bias = Bias(d, filter, 3), y = d.AllocateActivation(filter.OutputShape(images));
            Tensor dX = d.AllocateActivation(x.Shape), dW = d.AllocateWeights(filter), dBias = d.AllocatePlain(bias.Shape);
            d.Convolve(x, w, bias, filter, true, y);
            Add($"Convolve {filter}", y);
            if (filter.Stride == 1) d.ConvolveBackwardInput(y, w, filter, dX);
            Add($"ConvolveBackwardInput {filter}", dX);
            d.ConvolveBackwardWeights(x, y, filter, dW, dBias);
            Add($"ConvolveBackwardWeights {filter}", dW);
            Add($"ConvolveBackwardWeights, bias {filter}", dBias);
            d.Descend(dW, 0.01f, 0.9f, 5e-4f, Weights(d, filter, 4), w);
            Add($"Descend {filter}", w);
        }
        var shape = new Shape(35, 21, 9, 8);
        Tensor a = Activation(d, shape, 1), n = d.AllocateActivation(shape), dA = d.AllocateActivation(shape), pooled = d.AllocateActivation(shape with { Height = 4, Width = 3 });
        d.Normalize(a, LocalResponse.Paper, n);
        Add("Normalize", n);
        d.MaxPool(n, 3, 2, pooled);
        Add("MaxPool", pooled);
        d.MaxPoolBackward(n, pooled, Activation(d, pooled.Shape, 2), 3, 2, dA);
        Add("MaxPoolBackward", dA);
        d.NormalizeBackward(a, dA, LocalResponse.Paper, n);
        Add("NormalizeBackward", n);
        d.NormalizeMaxPool(a, LocalResponse.Paper, 3, 2, pooled);
        Add("NormalizeMaxPool", pooled);
        d.NormalizeMaxPoolBackward(a, pooled, Activation(d, pooled.Shape, 2), LocalResponse.Paper, 3, 2, dA);
        Add("NormalizeMaxPoolBackward", dA);
        d.RectifyBackward(a, n);
        d.Scale(0.3f, n);
        d.AddChannels(Activation(d, shape, 3), 0, shape.Channels, n, 0);
        Add("RectifyBackward, Scale, AddChannels", n);
        var neurons = Activation(d, new(35, 77, 1, 1), 1);
        d.Dropout(new Philox(1, Purpose.Dropout, 6, 2), 0.5, 3, neurons);
        Add("Dropout", neurons);
        return results;
    }

    static void AssertSameBits(List<(string Name, float[] Values)> expected, List<(string Name, float[] Values)> got, string where)
    {
        foreach (var (e, g) in expected.Zip(got))
            for (int n = 0; n < e.Values.Length; n++)
                Assert.True(BitConverter.SingleToInt32Bits(e.Values[n]) == BitConverter.SingleToInt32Bits(g.Values[n]), $"{e.Name}, {where}: element {n} is {g.Values[n]:R}, not {e.Values[n]:R}");
    }
}
