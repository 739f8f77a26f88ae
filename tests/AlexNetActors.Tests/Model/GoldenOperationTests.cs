using AlexNetActors.Compute;
using AlexNetActors.Model;

namespace AlexNetActors.Tests.Model;

/// <summary>
/// Every operation, forward and backward, equals PyTorch's; <see cref="TestDevices.Tolerance"/> says how closely.
/// </summary>
public sealed class GoldenOperationTests
{
    const double Tolerance = 1e-5; // where nothing is convolved

    static readonly IReadOnlyDictionary<string, NamedValues> Expected = Golden.Read("ops");

    // The rows of FILTERS in make_fixtures.py.
    static readonly Dictionary<string, (int Images, Filter Filter)> Filters = new()
    {
        ["conv1"] = (3, Filter.Convolution(3, 27, 27, 20, 11, 4, 2)),
        ["conv2"] = (2, Filter.Convolution(24, 9, 9, 40, 5, 1, 2)),
        ["conv3"] = (33, Filter.Convolution(18, 5, 6, 12, 3, 1, 1)),
        ["strided"] = (5, Filter.Convolution(5, 8, 7, 9, 3, 2, 1)),
        ["fc6"] = (35, Filter.FullyConnected(10, 3, 2, 24)),
        ["fc7"] = (34, Filter.FullyConnected(70, 1, 1, 33)),
    };

    static readonly Dictionary<string, (LocalResponse Response, double Scale)> Responses = new()
    {
        ["paper"] = (LocalResponse.Paper, 40),
        ["strong"] = (new(1, 0.3f, 5), 1),
        ["narrow"] = (new(2, 0.1f, 3), 2),
    };

    public static TheoryData<string, string> FilterCases => Cases(Filters.Keys);
    public static TheoryData<string, string> ResponseCases => Cases(Responses.Keys);
    public static TheoryData<string, string> PoolCases => Cases(["distinct", "ties"]);

    [Theory]
    [MemberData(nameof(FilterCases))]
    public void FilterEqualsPyTorch(string deviceName, string name)
    {
        using var device = TestDevices.Open(deviceName);
        var (images, filter) = Filters[name];
        var weights = device.AllocateWeights(filter);
        device.Write(Golden.Values(2, filter.WeightsShape), weights);
        var bias = Plain(device, new Shape(1, filter.Kernels, 1, 1), 3);
        var input = Activation(device, filter.InputShape(images), 1);
        var (output, rectified) = (device.AllocateActivation(filter.OutputShape(images)), device.AllocateActivation(filter.OutputShape(images)));
        device.Convolve(input, weights, bias, filter, false, output);
        device.Convolve(input, weights, bias, filter, true, rectified);
        Check(deviceName, device, output, $"{name}.output");
        Check(deviceName, device, rectified, $"{name}.rectified");

        var dOutput = Activation(device, filter.OutputShape(images), 4);
        var (dWeights, dBias) = (device.AllocateWeights(filter), device.AllocatePlain(bias.Shape));
        device.ConvolveBackwardWeights(input, dOutput, filter, dWeights, dBias);
        Check(deviceName, device, dWeights, $"{name}.dWeights");
        Check(deviceName, device, dBias, $"{name}.dBias");
        if (filter.Stride == 1)
        {
            var dInput = device.AllocateActivation(input.Shape);
            device.ConvolveBackwardInput(dOutput, weights, filter, dInput);
            Check(deviceName, device, dInput, $"{name}.dInput");
        }

        device.RectifyBackward(rectified, dOutput);
        device.ConvolveBackwardWeights(input, dOutput, filter, dWeights, dBias);
        Check(deviceName, device, dWeights, $"{name}.rectified.dWeights");
        Check(deviceName, device, dBias, $"{name}.rectified.dBias");
    }

    [Theory]
    [MemberData(nameof(ResponseCases))]
    public void NormalizeEqualsPyTorch(string deviceName, string name)
    {
        using var device = TestDevices.Open(deviceName);
        var (response, scale) = Responses[name];
        var shape = new Shape(3, 11, 4, 3);
        var (output, dInput) = (device.AllocateActivation(shape), device.AllocateActivation(shape));
        var input = Activation(device, shape, 1, scale);
        device.Normalize(input, response, output);
        device.NormalizeBackward(input, Activation(device, shape, 4), response, dInput);
        Check(device, output, $"normalize.{name}.output");
        Check(device, dInput, $"normalize.{name}.dInput");
    }

    [Theory]
    [MemberData(nameof(PoolCases))]
    public void MaxPoolEqualsPyTorch(string deviceName, string name)
    {
        using var device = TestDevices.Open(deviceName);
        var (shape, pooled) = (new Shape(3, 5, 13, 11), new Shape(3, 5, 6, 5));
        var (output, dInput) = (device.AllocateActivation(pooled), device.AllocateActivation(shape));
        var input = Activation(device, shape, 1, rounded: name == "ties");
        device.MaxPool(input, 3, 2, output);
        device.MaxPoolBackward(input, output, Activation(device, pooled, 4), 3, 2, dInput);
        Check(device, output, $"pool.{name}.output");
        Check(device, dInput, $"pool.{name}.dInput");
    }

    [Fact]
    public void CrossEntropyEqualsPyTorch()
    {
        var logits = Golden.Values(1, new Shape(40, 10, 1, 1), scale: 5);
        int[] labels = [.. Enumerable.Range(0, 40).Select(b => 7 * b % 10)];
        Golden.AssertClose(Expected["loss"], [(float)Loss.Evaluate(logits, labels, 10).Loss], Tolerance);
        float[] whole = new float[400], half = new float[200];
        foreach (int first in new[] { 0, 5 })
        {
            Loss.Evaluate(logits, labels, 10, first == 0 ? half : [], first == 0 ? [] : half);
            for (int b = 0; b < 40; b++) half.AsSpan(b * 5, 5).CopyTo(whole.AsSpan(b * 10 + first));
        }
        Golden.AssertClose(Expected["loss.dLogits"], whole, Tolerance);
    }

    static TheoryData<string, string> Cases(IEnumerable<string> names)
    {
        var data = new TheoryData<string, string>();
        foreach (var device in TestDevices.Names)
            foreach (string name in names)
                data.Add(device.Data, name);
        return data;
    }

    static Tensor Activation(IDevice device, Shape shape, int seed, double scale = 1, bool rounded = false)
    {
        var tensor = device.AllocateActivation(shape);
        device.Write(Golden.Values(seed, shape, scale, rounded), tensor);
        return tensor;
    }

    static Tensor Plain(IDevice device, Shape shape, int seed)
    {
        var tensor = device.AllocatePlain(shape);
        device.Write(Golden.Values(seed, shape), tensor);
        return tensor;
    }

    static void Check(IDevice device, Tensor got, string name) => Check(null, device, got, name);

    static void Check(string? filterOn, IDevice device, Tensor got, string name)
    {
        var values = new float[got.Shape.Count];
        device.Read(got, values);
        Golden.AssertClose(Expected[name], values, filterOn is null ? Tolerance : TestDevices.Tolerance(filterOn));
    }
}
