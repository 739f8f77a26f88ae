using AlexNetActors.Actors;
using AlexNetActors.Compute;
using AlexNetActors.Compute.Gpu;
using AlexNetActors.Cuda.Tests.Driver;
using AlexNetActors.Data;
using AlexNetActors.Model;
using AlexNetActors.Tests;

namespace AlexNetActors.Cuda.Tests;

/// <summary>
/// A run on GPUs ends in the same bits whoever computes where and whenever the driver does what it is asked: the sequential trainer, two actors on
/// one GPU, two on two GPUs that reach each other's memory or do not.
/// </summary>
public sealed class CudaTrainingTests : CudaTest
{
    const int Steps = 2;

    /// <summary>
    /// Of weights, relative to their layer's rms: two steps' gradients, of float32 sums and of fast convolution, times a rate of 0.01. Two devices of the processor,
    /// fast and direct, are as far apart.
    /// </summary>
    const double Tolerance = 1e-4;

    internal static readonly Recipe Recipe = TinyRun.Recipe with
    {
        Network = new Network(inputSize: 12, classes: 10,
        [
            new("conv1", 16, Size: 3, Stride: 2, Pad: 1, Deviation: 0.02f, Normalize: true),
            new("conv2", 32, Size: 3, Pad: 1, SeesBoth: true, Deviation: 0.2f, Normalize: true, Pool: true),
            new("fc6", 8, SeesBoth: true, Deviation: 0.2f, Bias: 0.1f, Dropout: 0.5),
            new("fc8", 10, SeesBoth: true, Deviation: 0.2f),
        ], LocalResponse.Paper),
        Augmentation = new Augmentation(12, RandomCrop: true, Mirror: true, ColourSigma: 0.1),
    };

    readonly TinyRun _run = new(Recipe);

    [Fact]
    public void FastConvolution() => TheSameBits(new(Blas: BlasChoice.Own), orders: [ModelledCuda.Latest]);

    [Fact]
    public void DirectConvolution() => TheSameBits(new(Blas: BlasChoice.Own, Convolution: ConvolutionMethod.Direct), orders: [ModelledCuda.Soonest]);

    [Fact]
    public void FastConvolutionByCuBlas() => TheSameBits(new(Blas: BlasChoice.CuBlas), orders: [ModelledCuda.Latest, 2, 3]);

    /// <summary>How far their products may be off is the kernels' tests' to say: here a pool may find another maximum for it.</summary>
    [Theory]
    [InlineData(BlasChoice.Own, ModelledCuda.Soonest)]
    [InlineData(BlasChoice.CuBlas, ModelledCuda.Latest)]
    public void TensorCores(BlasChoice blas, int order) => TheSameBits(new(ComputePrecision.Tf32, blas), orders: [order], asOnCpu: false);

    void TheSameBits(GpuOptions options, int[] orders, bool asOnCpu = true)
    {
        using var run = _run;
        Assert.True(AlexNetActors.Compute.Gpu.FastConvolution.Pays(Recipe.Network.Layers[1].Filter));
        var (expected, weights) = Sequential("cuda:0", options);
        if (asOnCpu) AssertClose(Sequential("cpu-direct", options).Weights, weights);
        foreach (int order in orders)
            foreach (var (devices, peersReach) in new[] { ("cuda:0,cuda:0", true), ("cuda:0,cuda:1", order % 2 == 0) })
            {
                ModelledCuda.Begin(order, peersReach);
                Assert.Equal(expected, Group(options, devices, $"{devices} {order}"));
                Assert.Empty(ModelledCuda.Faults);
            }
    }

    (string Digest, IReadOnlyList<float[]> Weights) Sequential(string name, GpuOptions options)
    {
        using var device = DeviceCatalog.Find(name, options).Open(1);
        var trainer = _run.Sequential(Steps, device);
        for (int n = 0; n < Steps; n++) trainer.Step();
        return (trainer.Digest(), [.. trainer.Towers.SelectMany(t => TowerStates.Capture(t).Values).Select(v => v.Data)]);
    }

    string Group(GpuOptions options, string devices, string name)
    {
        var factories = devices.Split(',').Select(d => DeviceCatalog.Find(d, options)).Select(d => new DeviceFactory(d.Name, d.Kind, d.Memory, () => d.Open(1)));
        var events = _run.RunGroup(_run.Settings(Steps, run: name), _run.Means([.. factories]), serialized: false);
        Assert.IsType<RunFinished>(events[^1]);
        return events.OfType<CheckpointWritten>().Last().WeightsSha256;
    }

    static void AssertClose(IReadOnlyList<float[]> expected, IReadOnlyList<float[]> got)
    {
        foreach (var (e, g) in expected.Zip(got))
        {
            double rms = Math.Sqrt(e.Average(x => (double)x * x));
            Assert.All(e.Zip(g), p => Assert.True(Math.Abs(p.First - p.Second) <= Tolerance * rms, $"expected {p.First}, got {p.Second} where the rms is {rms}"));
        }
    }
}
