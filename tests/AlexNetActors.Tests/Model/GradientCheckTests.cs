using AlexNetActors.Compute;
using AlexNetActors.Data;
using AlexNetActors.Model;

namespace AlexNetActors.Tests.Model;

/// <summary>
/// Backward is the derivative of forward, through layers, segments and towers: central differences of the whole network's loss on the
/// reference device, for weights and biases of every layer and both towers.
/// <para>Step and tolerance: tensors are float32, so the loss is good to about 1e-8 and a difference over 2h carries 1e-8 / 2h, while every
/// kink of a rectifier or a pool inside the step costs its whole jump. A single element moves by 4e-3 of its tensor's scale and must agree to
/// 1 % of the tensor's largest gradient. A whole tensor moves along its own gradient, where many units move at once, so less far: as far as
/// changes the loss by 5e-5; the slope there is the gradient's length and must agree to 0.5 %. A fifth of either is seen; a backward
/// that forgets a term is off by tens of per cent.</para>
/// </summary>
public sealed class GradientCheckTests : IDisposable
{
    const int Images = 4, ElementsATensor = 6;
    const double LossStep = 5e-5, ElementTolerance = 0.01, TensorTolerance = 0.005;

    readonly ReferenceDevice _device = new();
    readonly Tower[] _towers;
    readonly LocalLink _link = new();
    readonly Batch _batch = new(Images, Network.InputSize);

    /// <summary>Every kind of layer: normalised and pooled, pooled only, plain, dropped; normalisation strong enough to matter.</summary>
    static readonly Network Network = new(23, 6,
    [
        new("conv1", 6, Size: 5, Stride: 2, Pad: 2, Deviation: 0.005f, Bias: 0.2f, Normalize: true, Pool: true),
        new("conv2", 6, Size: 3, Pad: 1, Deviation: 0.3f, Bias: 0.1f, Normalize: true),
        new("conv3", 8, Size: 3, Pad: 1, SeesBoth: true, Deviation: 0.2f, Bias: 0.1f),
        new("conv4", 8, Size: 3, Pad: 1, Deviation: 0.25f, Bias: 0.1f),
        new("conv5", 6, Size: 3, Pad: 1, Deviation: 0.25f, Bias: 0.1f, Pool: true),
        new("fc6", 12, SeesBoth: true, Deviation: 0.3f, Bias: 0.1f, Dropout: 0.3),
        new("fc7", 12, SeesBoth: true, Deviation: 0.3f, Bias: 0.1f, Dropout: 0.3),
        new("fc8", 6, SeesBoth: true, Deviation: 0.3f),
    ], new LocalResponse(1, 0.1f, 5));

    static readonly PassId Step = new(0, PassKind.Train, 3);

    public GradientCheckTests()
    {
        _towers = [.. TowerIds.Both.Select(id => new Tower(Network, id, _device, Images, 11, [.. Enumerable.Repeat(128f, 23 * 23 * 3)], training: true))];
        foreach (var tower in _towers) tower.Initialize();
        var words = new Philox(1, Purpose.Crop, 0, 0);
        for (int n = 0; n < _batch.Pixels.Length; n++) _batch.Pixels[n] = (byte)words.Word((ulong)n);
        for (int b = 0; b < Images; b++) _batch.Labels[b] = b % Network.Classes;
        new Pass(_towers, _link).Train(Step, _batch, new Descent(0, 0, 0)); // gradients, and no update
    }

    public void Dispose() => _device.Dispose();

    public static TheoryData<int, string> Parameters
    {
        get
        {
            var data = new TheoryData<int, string>();
            foreach (var layer in Network.Layers)
                foreach (string kind in new[] { "weight", "bias" })
                    for (int tower = 0; tower < 2; tower++) data.Add(tower, $"{layer.Name}.{kind}");
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Parameters))]
    public void GradientIsTheDerivativeOfTheLoss(int tower, string name)
    {
        var p = _towers[tower].Parameters.Single(p => p.Name == name);
        float[] value = Read(p.Value), gradient = Read(p.Gradient!);
        double length = Math.Sqrt(gradient.Sum(g => (double)g * g)), largest = gradient.Max(Math.Abs);
        Assert.True(length > 0, $"{name} has no gradient");

        double scale = p.IsBias ? 0.2 : p.Layer.Spec.Deviation, h = 4e-3 * scale;
        double slope = Slope(p, value, [.. gradient.Select(g => g / length)], Math.Min(h, LossStep / length));
        TestContext.Current.TestOutputHelper?.WriteLine($"{name} slope {slope:E4} of {length:E4}: {Math.Abs(slope / length - 1):E1}");
        Assert.Equal(length, slope, TensorTolerance * length);

        var words = new Philox((ulong)tower, Purpose.Shuffle, (byte)p.Layer.Index, 0);
        for (ulong n = 0; n < ElementsATensor; n++)
        {
            int element = (int)words.Below(n, (uint)value.Length);
            var direction = new double[value.Length];
            direction[element] = 1;
            double difference = Slope(p, value, direction, h);
            TestContext.Current.TestOutputHelper?.WriteLine($"{name}[{element}] {Math.Abs(difference - gradient[element]) / largest:E1}");
            Assert.Equal(gradient[element], difference, ElementTolerance * largest);
        }
    }

    /// <summary>(loss(value + h direction) - loss(value - h direction)) / 2h, with the step that float32 really took.</summary>
    double Slope(Parameter p, float[] value, double[] direction, double h)
    {
        float[] above = [.. value.Zip(direction, (v, d) => (float)(v + h * d))], below = [.. value.Zip(direction, (v, d) => (float)(v - h * d))];
        double moved = above.Zip(below, (a, b) => (double)a - b).Zip(direction, (m, d) => m * d).Sum();
        double slope = (LossWith(p, above) - LossWith(p, below)) / moved;
        _device.Write(value, p.Value);
        return slope;
    }

    double LossWith(Parameter p, float[] value)
    {
        _device.Write(value, p.Value);
        foreach (var tower in _towers) tower.Load(_batch, training: true, Step.Number);
        for (int s = 0; s < Network.Segments.Count; s++)
        {
            var halves = _towers.Select(t => t.Forward(s)).ToArray();
            foreach (var tower in _towers) tower.Accept(s + 1, halves[(int)tower.Id.Other()]);
        }
        return Tower.Loss(_towers, _batch.Labels).Loss;
    }

    float[] Read(Tensor tensor)
    {
        var values = new float[tensor.Shape.Count];
        _device.Read(tensor, values);
        return values;
    }
}
