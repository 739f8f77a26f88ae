using System.Runtime.InteropServices;
using AlexNetActors.Compute;
using AlexNetActors.Compute.Cpu;
using static AlexNetActors.Tests.Compute.SampleValues;

namespace AlexNetActors.Tests.Compute;

/// <summary>
/// Every device computes what <see cref="ReferenceDevice"/> defines, on shapes that fit no block size. Written once; a subclass names
/// the device.
/// <para>Tolerance: the reference sums in float64, a device in float32, so an element may be off by a few units of 2^-24 for each
/// doubling of the length of its sum, relative to the size of the terms; 2e-6 rms and 2e-5 for the worst element, relative to the
/// reference's rms, leave a factor of about five over what is seen and are a hundred times below what one wrong term would cost.</para>
/// </summary>
public abstract class DeviceConformance : IDisposable
{
    const double RmsTolerance = 2e-6, WorstTolerance = 2e-5;

    readonly ReferenceDevice reference = new();
    IDevice? device;

    protected abstract IDevice Create();

    /// <summary>Of the three convolutions: where a device says why, it may be wider.</summary>
    protected virtual (double Rms, double Worst) ConvolutionTolerance => (RmsTolerance, WorstTolerance);

    /// <summary>Skips, saying why, what would take this device too long.</summary>
    /// <param name="elements">Of the largest tensor.</param>
    /// <param name="multiplyAccumulates">Of a convolution.</param>
    protected virtual void SkipUnlessAffordable(long elements, long multiplyAccumulates = 0) { }

    IDevice Device => device ??= Create();

    public void Dispose()
    {
        device?.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Images, then the filter: friendly and odd sizes, every stride, padding up to the whole filter, filters wider than the picture.</summary>
    public static TheoryData<int, Filter> Filters => new()
    {
        { 1, Filter.Convolution(1, 1, 2, 1, 1, 1, 0) },
        { 3, Filter.Convolution(3, 5, 7, 5, 3, 1, 1) },
        { 32, Filter.Convolution(5, 7, 6, 10, 3, 2, 1) },
        { 33, Filter.Convolution(7, 6, 5, 1, 2, 1, 0) },
        { 40, Filter.Convolution(3, 15, 13, 48, 5, 4, 2) },
        { 2, Filter.Convolution(3, 27, 27, 48, 11, 4, 2) },
        { 2, Filter.Convolution(3, 9, 26, 40, 7, 3, 3) },
        { 3, Filter.Convolution(16, 9, 9, 33, 5, 1, 2) },
        { 5, Filter.Convolution(17, 6, 8, 64, 3, 1, 1) },
        { 4, Filter.Convolution(48, 7, 7, 128, 5, 1, 2) },
        { 2, Filter.Convolution(64, 5, 5, 80, 3, 1, 1) },
        { 3, Filter.Convolution(40, 13, 13, 48, 3, 1, 1) },
        { 33, Filter.Convolution(16, 27, 8, 20, 5, 1, 2) },
        { 2, Filter.Convolution(18, 11, 14, 16, 3, 1, 0) },
        { 63, Filter.Convolution(16, 9, 8, 17, 3, 1, 1) },
        { 2, Filter.Convolution(5, 31, 26, 20, 6, 2, 1) },
        { 2, Filter.Convolution(2, 45, 40, 17, 15, 3, 4) },
        { 3, Filter.Convolution(20, 4, 3, 12, 1, 1, 0) },
        { 2, Filter.Convolution(4, 3, 3, 6, 5, 1, 2) },
        { 2, Filter.Convolution(2, 3, 3, 6, 6, 1, 2) },
        { 2, Filter.Convolution(18, 3, 3, 6, 6, 1, 2) },
        { 2, Filter.Convolution(5, 3, 4, 7, 2, 1, 3) },
        { 3, Filter.Convolution(17, 4, 4, 7, 3, 1, 3) },
        { 2, Filter.Convolution(5, 3, 4, 7, 2, 2, 3) },
        { 2, new Filter(6, 5, 9, 9, 3, 2, 1, 1) },
        { 2, new Filter(20, 5, 9, 9, 2, 5, 2, 1) },
    };

    public static TheoryData<int, Filter> Layers => new()
    {
        { 1, Filter.FullyConnected(1, 1, 1, 1) },
        { 3, Filter.FullyConnected(5, 3, 2, 10) },
        { 32, Filter.FullyConnected(7, 1, 1, 33) },
        { 33, Filter.FullyConnected(20, 4, 3, 20) },
        { 40, Filter.FullyConnected(33, 6, 6, 70) },
        { 5, Filter.FullyConnected(600, 1, 1, 300) },
    };

    public static TheoryData<Shape> Shapes => new() { new Shape(1, 1, 1, 1), new Shape(3, 5, 7, 6), new Shape(33, 10, 3, 4), new Shape(40, 130, 1, 1), new Shape(64, 16, 2, 8), new Shape(95, 3, 2, 2) };

    [Theory]
    [MemberData(nameof(Filters))]
    [MemberData(nameof(Layers))]
    public void ConvolveEqualsReference(int images, Filter filter)
    {
        SkipUnlessAffordable(filter.WeightsShape.Count, images * filter.MultiplyAccumulates);
        foreach (bool rectify in new[] { false, true })
            Check(filter.OutputShape(images), d =>
            {
                var output = d.AllocateActivation(filter.OutputShape(images));
                d.Convolve(Input(d, filter, images), Weights(d, filter, 2), Bias(d, filter, 3), filter, rectify, output);
                return output;
            }, ConvolutionTolerance);
    }

    [Theory]
    [MemberData(nameof(Filters))]
    [MemberData(nameof(Layers))]
    public void ConvolveBackwardInputEqualsReference(int images, Filter filter)
    {
        SkipUnlessAffordable(filter.WeightsShape.Count, images * filter.MultiplyAccumulates);
        Tensor Run(IDevice d)
        {
            var dInput = Activation(d, filter.InputShape(images), 9); // not zero: it is overwritten
            d.ConvolveBackwardInput(Activation(d, filter.OutputShape(images), 1), Weights(d, filter, 2), filter, dInput);
            return dInput;
        }
        if (filter.Stride == 1 || filter.CoversInput) Check(filter.InputShape(images), Run, ConvolutionTolerance);
        else Assert.Throws<ArgumentException>(() => Run(Device));
    }

    [Theory]
    [MemberData(nameof(Filters))]
    [MemberData(nameof(Layers))]
    public void ConvolveBackwardWeightsEqualsReference(int images, Filter filter)
    {
        SkipUnlessAffordable(filter.WeightsShape.Count, images * filter.MultiplyAccumulates);
        Tensor dBias = null!;
        Tensor Run(IDevice d)
        {
            var dWeights = Weights(d, filter, 8);
            dBias = Bias(d, filter, 9);
            d.ConvolveBackwardWeights(Input(d, filter, images), Activation(d, filter.OutputShape(images), 2), filter, dWeights, dBias);
            return dWeights;
        }
        Check(filter.WeightsShape, Run, ConvolutionTolerance);
        Check(new(1, filter.Kernels, 1, 1), d => { Run(d); return dBias; });
    }

    [Fact]
    public void ConvolveBackwardInputRefusesAStride()
    {
        var filter = Filter.Convolution(3, 7, 7, 5, 3, 2, 1);
        var (dOutput, weights) = (Device.AllocateActivation(filter.OutputShape(1)), Device.AllocateWeights(filter));
        var dInput = Device.AllocateActivation(filter.InputShape(1));
        Assert.Throws<ArgumentException>(() => Device.ConvolveBackwardInput(dOutput, weights, filter, dInput));
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void RectifyBackwardEqualsReference(Shape shape) => Check(shape, d =>
    {
        var dOutput = Activation(d, shape, 2);
        d.RectifyBackward(Activation(d, shape, 1, Rectified), dOutput);
        return dOutput;
    });

    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(33, 7, 5)]
    [InlineData(3, 2, 9)]
    [InlineData(40, 48, 5)]
    [InlineData(96, 6, 5)]
    [InlineData(2, 9, 3)]
    [InlineData(2, 130, 1)]
    public void NormalizeEqualsReference(int images, int channels, int window)
    {
        var shape = new Shape(images, channels, 3, 2);
        // With the paper's alpha and small values the norm is all but constant; with these it is not.
        foreach (var response in new[] { LocalResponse.Paper with { Window = window }, new LocalResponse(1f, 0.3f, window) })
        {
            Check(shape, d =>
            {
                var output = d.AllocateActivation(shape);
                d.Normalize(Activation(d, shape, 1), response, output);
                return output;
            });
            Check(shape, d =>
            {
                var dInput = Activation(d, shape, 9);
                d.NormalizeBackward(Activation(d, shape, 1), Activation(d, shape, 2), response, dInput);
                return dInput;
            });
        }
    }

    public static TheoryData<Shape, int, int> Pools => new()
    {
        { new Shape(3, 5, 7, 9), 3, 2 },
        { new Shape(33, 3, 6, 5), 2, 2 },
        { new Shape(2, 48, 13, 13), 3, 2 },
        { new Shape(2, 9, 5, 8), 3, 1 },
        { new Shape(1, 1, 4, 4), 4, 3 },
        { new Shape(2, 3, 7, 7), 1, 3 },
        { new Shape(2, 48, 6, 57), 3, 2 },
        { new Shape(96, 5, 7, 6), 3, 2 },
    };

    [Theory]
    [MemberData(nameof(Pools))]
    public void MaxPoolEqualsReference(Shape input, int size, int stride)
    {
        SkipUnlessAffordable(input.Count);
        var pooled = input with { Height = (input.Height - size) / stride + 1, Width = (input.Width - size) / stride + 1 };
        // Few values, so that windows have ties.
        foreach (var values in new Func<double, float>[] { x => (float)x, x => (float)Math.Round(x) })
        {
            Check(pooled, d =>
            {
                var output = d.AllocateActivation(pooled);
                d.MaxPool(Activation(d, input, 1, values), size, stride, output);
                return output;
            }, exact: true);
            Check(input, d =>
            {
                var (i, output, dInput) = (Activation(d, input, 1, values), d.AllocateActivation(pooled), Activation(d, input, 9));
                d.MaxPool(i, size, stride, output);
                d.MaxPoolBackward(i, output, Activation(d, pooled, 2), size, stride, dInput);
                return dInput;
            });
        }
    }

    [Theory]
    [MemberData(nameof(Pools))]
    public void NormalizeMaxPoolEqualsReference(Shape input, int size, int stride)
    {
        SkipUnlessAffordable(input.Count);
        var pooled = input with { Height = (input.Height - size) / stride + 1, Width = (input.Width - size) / stride + 1 };
        // Rectified, as in the network: windows of zeros are ties.
        foreach (var response in new[] { LocalResponse.Paper, new LocalResponse(1f, 0.3f, 3) })
        {
            Check(pooled, d =>
            {
                var output = d.AllocateActivation(pooled);
                d.NormalizeMaxPool(Activation(d, input, 1, Rectified), response, size, stride, output);
                return output;
            });
            Check(input, d =>
            {
                var (i, output, dInput) = (Activation(d, input, 1, Rectified), d.AllocateActivation(pooled), Activation(d, input, 9));
                d.NormalizeMaxPool(i, response, size, stride, output);
                d.NormalizeMaxPoolBackward(i, output, Activation(d, pooled, 2), response, size, stride, dInput);
                return dInput;
            });
        }
    }

    [Theory]
    [MemberData(nameof(Pools))]
    public void NormalizeMaxPoolEqualsBothAlone(Shape input, int size, int stride)
    {
        SkipUnlessAffordable(input.Count);
        var pooled = input with { Height = (input.Height - size) / stride + 1, Width = (input.Width - size) / stride + 1 };
        Tensor x = Activation(Device, input, 1, Rectified), dPooled = Activation(Device, pooled, 2);
        Tensor normalized = Device.AllocateActivation(input), alone = Device.AllocateActivation(pooled), together = Device.AllocateActivation(pooled);
        Tensor dNormalized = Device.AllocateActivation(input), dAlone = Device.AllocateActivation(input), dTogether = Device.AllocateActivation(input);
        Device.Normalize(x, LocalResponse.Paper, normalized);
        Device.MaxPool(normalized, size, stride, alone);
        Device.MaxPoolBackward(normalized, alone, dPooled, size, stride, dNormalized);
        Device.NormalizeBackward(x, dNormalized, LocalResponse.Paper, dAlone);
        Device.RectifyBackward(x, dAlone);
        Device.NormalizeMaxPool(x, LocalResponse.Paper, size, stride, together);
        Device.NormalizeMaxPoolBackward(x, together, dPooled, LocalResponse.Paper, size, stride, dTogether);
        Assert.Equal(Read(Device, alone), Read(Device, together));
        Assert.Equal(Read(Device, dAlone), Read(Device, dTogether));
    }

    [Theory]
    [InlineData(1, 1, 0)]
    [InlineData(3, 130, 7)]
    [InlineData(33, 20, 2048)]
    [InlineData(40, 70, 5)]
    public void DropoutEqualsReference(int images, int features, int firstFeature) => Check(new(images, features, 1, 1), d =>
    {
        var activation = Activation(d, new(images, features, 1, 1), 1);
        d.Dropout(new Philox(42, Purpose.Dropout, 6, 1_000_000), 0.5, firstFeature, activation);
        return activation;
    }, exact: true);

    [Theory]
    [MemberData(nameof(Shapes))]
    public void ScaleEqualsReference(Shape shape) => Check(shape, d =>
    {
        var activation = Activation(d, shape, 1);
        d.Scale(0.3f, activation);
        return activation;
    }, exact: true);

    [Theory]
    [MemberData(nameof(Shapes))]
    public void AddChannelsEqualsReference(Shape shape) => Check(shape, d =>
    {
        var activation = Activation(d, shape, 1);
        d.AddChannels(Activation(d, shape with { Channels = shape.Channels + 3 }, 2), 2, shape.Channels, activation, 0);
        return activation;
    }, exact: true);

    [Theory]
    [MemberData(nameof(Filters))]
    [MemberData(nameof(Layers))]
    public void DescendEqualsReference(int images, Filter filter)
    {
        SkipUnlessAffordable(Math.Max(filter.WeightsShape.Count, filter.InputShape(images).Count));
        foreach (bool velocity in new[] { false, true })
        {
            Check(filter.WeightsShape, d => Descend(d, seed => Weights(d, filter, seed), velocity));
            Check(new(1, filter.Kernels, 1, 1), d => Descend(d, seed => Bias(d, filter, seed), velocity));
        }
    }

    static Tensor Descend(IDevice d, Func<int, Tensor> allocate, bool velocity)
    {
        var (g, v, w) = (allocate(1), allocate(2), allocate(3));
        d.Descend(g, 0.25f, 0.9f, 0.125f, v, w);
        return velocity ? v : w;
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void WriteAndReadRoundTrip(Shape shape)
    {
        float[] values = SampleValues.Of(shape.Count, 1), read = new float[shape.Count];
        var filter = Filter.Convolution(shape.Channels, 11, 12, shape.Images, 3, 1, 1);
        foreach (var tensor in new[] { Device.AllocateActivation(shape), Device.AllocatePlain(shape), Device.AllocateWeights(Filter.FullyConnected(shape.Channels, shape.Height, shape.Width, shape.Images)) })
        {
            Device.Write(values, tensor);
            Device.Read(tensor, read);
            Assert.Equal(values, read);
        }
        var weights = Device.AllocateWeights(filter);
        values = SampleValues.Of(filter.WeightsShape.Count, 2);
        Device.Write(values, weights);
        Device.Read(weights, read = new float[values.Length]);
        Assert.Equal(values, read);
    }

    [Theory]
    [MemberData(nameof(Filters))]
    [MemberData(nameof(Layers))]
    public void DrawnNormalsAreThoseOfTheirCanonicalPlaces(int images, Filter filter)
    {
        SkipUnlessAffordable(Math.Max(filter.WeightsShape.Count, filter.InputShape(images).Count));
        var random = new Philox(3, Purpose.Weights, 4, 0);
        foreach (var tensor in new[] { Device.AllocateWeights(filter), Device.AllocatePlain(filter.WeightsShape), Device.AllocateActivation(filter.InputShape(images)) })
        {
            float[] expected = new float[tensor.Shape.Count], read = new float[expected.Length];
            random.FillNormal(12345, 0.01, expected);
            Device.DrawNormal(random, 12345, 0.01, tensor);
            Device.Read(tensor, read);
            Assert.Equal(expected, read);
        }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void TensorsStartZero(Shape shape)
    {
        var read = SampleValues.Of(shape.Count, 1);
        Device.Read(Device.AllocateActivation(shape), read);
        Assert.All(read, v => Assert.Equal(0, v));
    }

    [Theory]
    [InlineData(3, 1, 1)]
    [InlineData(33, 3, 4)]
    public void ChannelsAreWrittenReadAndCopied(int images, int height, int width)
    {
        var shape = new Shape(images, 70, height, width);
        Check(shape, d =>
        {
            var (source, destination) = (Activation(d, shape with { Channels = 11 }, 1), Activation(d, shape, 2));
            d.WriteChannels(SampleValues.Of((shape with { Channels = 6 }).Count, 3), 2, 6, source);
            d.CopyChannels(source, 1, 8, destination, 60);
            return destination;
        }, exact: true);
        var whole = new Shape(images, 70, height, width);
        foreach (var (first, channels) in new[] { (0, 70), (3, 1), (1, 69) })
        {
            float[] expected = new float[(whole with { Channels = channels }).Count], got = new float[expected.Length];
            reference.ReadChannels(Activation(reference, whole, 1), first, channels, expected);
            Device.ReadChannels(Activation(Device, whole, 1), first, channels, got);
            Assert.Equal(expected, got);
        }
    }

    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(32, 5, 7)]
    [InlineData(64, 1, 1)]
    [InlineData(33, 3, 4)]
    public void ChannelsTravelInTheDevicesOwnOrder(int images, int height, int width)
    {
        Shape source = new(images, 12, height, width), destination = new(images, 9, height, width);
        float[] values = new float[(source with { Channels = 6 }).Count];
        Device.ReadChannels(Activation(Device, source, 1), 4, 6, values, ChannelOrder.Own);
        var (expected, got) = (Activation(Device, destination, 2), Activation(Device, destination, 2));
        Device.WriteChannels(values, 3, 6, got, ChannelOrder.Own);
        Device.CopyChannels(Activation(Device, source, 1), 4, 6, expected, 3);
        Assert.Equal(Read(Device, expected), Read(Device, got));
    }

    [Theory]
    [InlineData(32, 5, 7)]
    [InlineData(64, 1, 1)]
    [InlineData(33, 3, 4)]
    public void WhereATensorLiesAreItsValuesInTheDevicesOwnOrder(int images, int height, int width)
    {
        var shape = new Shape(images, 12, height, width);
        var activation = Activation(Device, shape, 1);
        var place = Device.WhereItLies(activation);
        if (Device is CpuDevice) Assert.Equal(images % 32 != 0, place.IsEmpty);
        Assert.SkipWhen(place.IsEmpty, "this device keeps such a tensor where nobody else reaches it");
        float[] values = new float[shape.Count];
        Device.ReadChannels(activation, 0, 12, values, ChannelOrder.Own);
        Assert.Equal(values, MemoryMarshal.Cast<byte, float>(place.Span).ToArray());
        MemoryMarshal.Cast<byte, float>(place.Span)[5] = 7;
        Device.ReadChannels(activation, 0, 12, values, ChannelOrder.Own);
        Assert.Equal(7, values[5]);
    }

    [Theory]
    [InlineData(1, 5, 7)]
    [InlineData(35, 9, 6)]
    public void LoadCropsEqualsReference(int images, int height, int width)
    {
        var words = new Philox(5, Purpose.Crop, 0, 0);
        var pixels = new byte[images * height * width * 3];
        for (int n = 0; n < pixels.Length; n++) pixels[n] = (byte)words.Word((ulong)n);
        var placements = new Placement[images];
        for (int b = 0; b < images; b++) placements[b] = new Placement(b % 4, (b * 7) % 5, b % 2 == 1);
        Check(new(images, 3, height, width), d =>
        {
            var output = d.AllocateActivation(new(images, 3, height, width));
            d.LoadCrops(pixels, placements, SampleValues.Of(images * 3, 2), Plain(d, new(1, height + 3, width + 4, 3), 1), output);
            return output;
        }, exact: true);
    }

    [Theory]
    [InlineData(-1, 0)]
    [InlineData(0, 4)]
    [InlineData(int.MaxValue, 0)] // with the crop's size on top it is negative
    [InlineData(0, int.MaxValue - 2)]
    public void ACropOutsideOfTheMeanImageIsRefused(int top, int left)
    {
        var (mean, output) = (Device.AllocatePlain(new(1, 9, 9, 3)), Device.AllocateActivation(new(1, 3, 6, 6)));
        Assert.Contains($"({top}, {left})", Assert.Throws<ArgumentException>(() => Device.LoadCrops(new byte[6 * 6 * 3], [new Placement(top, left, false)], new float[3], mean, output)).Message);
    }

    [Fact]
    public void CropsSentAheadAreThoseThatAreAskedFor()
    {
        var shape = new Shape(5, 3, 6, 7);
        byte[][] batches = [.. Enumerable.Range(0, 4).Select(n => Enumerable.Range(0, 5 * 6 * 7 * 3).Select(i => (byte)(i * 7 + n * 31)).ToArray())];
        var (mean, output) = (Device.AllocatePlain(new(1, 9, 9, 3)), Device.AllocateActivation(shape));
        void IsLoaded(int n)
        {
            Device.LoadCrops(batches[n], new Placement[5], new float[15], mean, output);
            Assert.Equal(batches[n][0], Read(Device, output)[0]);
            Assert.Equal(batches[n][^1], Read(Device, output)[^1]);
        }
        Device.SendAhead(batches[0]);
        IsLoaded(0);
        Device.SendAhead(batches[1]);
        Device.SendAhead(batches[2]); // and again another
        IsLoaded(2);
        IsLoaded(3); // not sent
        Device.SendAhead(batches[0]);
        IsLoaded(1); // another than was sent
        Device.SendAhead(batches[3]);
        Device.SendAhead(batches[3]);
        IsLoaded(3);
    }

    [Fact]
    public void WrongShapesAreRefused()
    {
        var filter = Filter.Convolution(3, 7, 7, 5, 3, 1, 1);
        var (weights, bias) = (Device.AllocateWeights(filter), Device.AllocatePlain(new(1, 5, 1, 1)));
        var (input, output) = (Device.AllocateActivation(filter.InputShape(2)), Device.AllocateActivation(filter.OutputShape(2)));
        var other = Device.AllocateActivation(new(2, 4, 7, 7));
        void Refused(Action operation) => Assert.Throws<ArgumentException>(operation);
        Refused(() => Device.Convolve(other, weights, bias, filter, true, output));
        Refused(() => Device.Convolve(input, weights, bias, filter, true, other));
        Refused(() => Device.Convolve(input, weights, Device.AllocatePlain(new(1, 6, 1, 1)), filter, true, output));
        Refused(() => Device.Convolve(input, Device.AllocateWeights(filter with { Kernels = 6 }), bias, filter, true, output));
        Refused(() => Device.ConvolveBackwardInput(output, weights, filter, other));
        Refused(() => Device.ConvolveBackwardWeights(other, output, filter, weights, bias));
        Refused(() => Device.RectifyBackward(input, output));
        Refused(() => Device.Normalize(input, LocalResponse.Paper, output));
        Refused(() => Device.Normalize(input, LocalResponse.Paper with { Window = 4 }, input));
        Refused(() => Device.MaxPool(input, 3, 2, output));
        Refused(() => Device.MaxPool(input, 8, 2, output));
        Refused(() => Device.NormalizeMaxPool(input, LocalResponse.Paper, 3, 2, output));
        Refused(() => Device.NormalizeMaxPool(input, LocalResponse.Paper with { Window = 2 }, 1, 1, output));
        Refused(() => Device.NormalizeMaxPoolBackward(input, output, output, LocalResponse.Paper, 3, 2, output));
        Refused(() => Device.CopyChannels(input, 2, 2, output, 0));
        Refused(() => Device.CopyChannels(input, int.MaxValue, 1, output, 0));
        Refused(() => Device.Write(new float[5], input));
        Refused(() => Device.Read(input, new float[5]));
        Refused(() => Device.AddChannels(input, 2, 2, output, 0));
        Refused(() => Device.WriteChannels(new float[2 * 49], 3, 1, input));
        Refused(() => Device.Descend(bias, 1, 1, 1, weights, weights));
        Refused(() => Device.Convolve(new ReferenceDevice().AllocateActivation(filter.InputShape(2)), weights, bias, filter, true, output));
    }

    [Fact]
    public void NaNIsNotHidden()
    {
        var filter = Filter.Convolution(3, 5, 5, 7, 3, 1, 1);
        var (input, output) = (Activation(Device, filter.InputShape(3), 1), Device.AllocateActivation(filter.OutputShape(3)));
        var values = Read(Device, input);
        values[0] = float.NaN; // image 0, channel 0, top left
        Device.Write(values, input);
        Device.Convolve(input, Weights(Device, filter, 2), Bias(Device, filter, 3), filter, true, output);
        Assert.Equal(7 * 4, Count(output, float.IsNaN)); // the four pixels whose taps see it
        var pooled = Device.AllocateActivation(filter.OutputShape(3) with { Height = 2, Width = 2 });
        Device.MaxPool(output, 3, 2, pooled);
        Assert.Equal(7, Count(pooled, float.IsNaN));
    }

    int Count(Tensor tensor, Func<float, bool> condition) => Read(Device, tensor).Count(condition);

    void Check(Shape shape, Func<IDevice, Tensor> operation, bool exact = false) => Check(shape, operation, exact ? null : (RmsTolerance, WorstTolerance));

    void Check(Shape shape, Func<IDevice, Tensor> operation, (double Rms, double Worst)? tolerance)
    {
        float[] expected = Read(reference, operation(reference)), got = Read(Device, operation(Device));
        Assert.Equal(shape.Count, expected.Length);
        if (tolerance is { } allowed) AssertClose(expected, got, allowed);
        else Assert.Equal(expected, got);
    }

    static void AssertClose(float[] expected, float[] got, (double Rms, double Worst) allowed)
    {
        double squares = 0, errors = 0, worst = 0;
        for (int n = 0; n < expected.Length; n++)
        {
            double error = (double)got[n] - expected[n];
            Assert.False(double.IsNaN(error), $"element {n}: expected {expected[n]}, got {got[n]}");
            squares += (double)expected[n] * expected[n];
            errors += error * error;
            worst = Math.Max(worst, Math.Abs(error));
        }
        double rms = Math.Max(Math.Sqrt(squares / expected.Length), 1e-30), rmsError = Math.Sqrt(errors / expected.Length);
        Assert.True(rmsError <= allowed.Rms * rms && worst <= allowed.Worst * rms, $"rms error {rmsError / rms:E2}, worst {worst / rms:E2}, relative to the reference's rms {rms:E2}");
    }

    static Tensor Input(IDevice d, Filter filter, int images) => Activation(d, filter.InputShape(images), 1);

    static float Rectified(double x) => (float)Math.Max(0, x);
}
