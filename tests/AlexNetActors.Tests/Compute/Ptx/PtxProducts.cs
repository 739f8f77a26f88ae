using AlexNetActors.Compute;
using AlexNetActors.Compute.Gpu;
using static AlexNetActors.Tests.Compute.Ptx.PtxRun;

namespace AlexNetActors.Tests.Compute.Ptx;

/// <summary>
/// Runs a kernel that convolves as <see cref="Products"/> does against <see cref="ReferenceDevice"/>: more rows and columns than a tile
/// and fewer, padding, strides, depths that end within a strip, whole and cut in parts.
/// </summary>
static class PtxProducts
{
    /// <summary>Images, the filter, depth of a part: whole strips of all kernels.</summary>
    static IEnumerable<(int Images, Filter Filter, int PartDepth)> Convolutions =>
    [
        (3, Filter.Convolution(3, 5, 7, 5, 3, 1, 1), 32),     // columns of three tiles, the last not full; one part
        (2, Filter.Convolution(3, 15, 13, 68, 5, 4, 2), 32),  // two tiles of rows; parts of 32, 32 and 11
        (33, Filter.Convolution(7, 6, 5, 1, 2, 1, 0), 1024),  // images that are no power of two; a single row
        (2, Filter.Convolution(2, 3, 3, 6, 6, 1, 2), 48),     // a filter wider than the picture
        (2, new Filter(4, 5, 6, 9, 2, 3, 1, 1), 1024),        // a depth of exactly three strips
        (5, Filter.FullyConnected(128, 1, 1, 10), 1024),      // a table of taps without filling
    ];

    /// <param name="kernel">As <see cref="Products.Convolve"/>.</param>
    /// <param name="tolerance">Of its sums, relative.</param>
    /// <param name="rounded">What it makes of the values that it multiplies.</param>
    public static void Convolve(Delegate kernel, double tolerance, Func<float, float> rounded)
    {
        foreach (var (images, f, partDepth) in Convolutions)
        {
            foreach (bool rectify in new[] { false, true }) Forward(kernel, images, f, partDepth, rectify, tolerance, rounded);
            if (f.Stride == 1) BackwardInput(kernel, images, f, partDepth, tolerance, rounded);
        }
    }

    static void Forward(Delegate kernel, int images, Filter f, int partDepth, bool rectify, double tolerance, Func<float, float> rounded)
    {
        int stride = RoundUp(images, 8), kernels = RoundUp(f.Kernels, 4);
        var s = ProductShape.Forward(f, stride, kernels, rectify);
        var output = Product(kernel, s, partDepth, Turned(Values(f.WeightsShape, 2), f.Kernels, kernels, 0), TapTable.Of(f, backward: false, stride / 4),
            Turned(Values(f.InputShape(images), 1), images, stride, float.NaN), Values(new(1, f.Kernels, 1, 1), 3));
        AssertClose(Reference(d =>
        {
            var o = d.AllocateActivation(f.OutputShape(images));
            d.Convolve(SampleValues.Activation(d, f.InputShape(images), 1, x => rounded((float)x)), SampleValues.Weights(d, f, 2, x => rounded((float)x)), SampleValues.Bias(d, f, 3), f, rectify, o);
            return o;
        }), Canonical(output, images, stride), tolerance);
    }

    static void BackwardInput(Delegate kernel, int images, Filter f, int partDepth, double tolerance, Func<float, float> rounded)
    {
        int stride = RoundUp(images, 8), channels = RoundUp(f.Channels, 4), area = f.SizeY * f.SizeX;
        var weights = Values(f.WeightsShape, 2);
        var turned = new float[f.Kernels * area * channels]; // [K, R, S, C]
        for (int n = 0; n < weights.Length; n++) turned[(n / area / f.Channels * area + n % area) * channels + n / area % f.Channels] = weights[n];
        var s = ProductShape.BackwardInput(f, stride, channels);
        var dInput = Product(kernel, s, partDepth, turned, TapTable.Of(f, backward: true, stride / 4), Turned(Values(f.OutputShape(images), 1), images, stride, 0), [0]);
        AssertClose(Reference(d =>
        {
            var i = d.AllocateActivation(f.InputShape(images));
            d.ConvolveBackwardInput(SampleValues.Activation(d, f.OutputShape(images), 1, x => rounded((float)x)), SampleValues.Weights(d, f, 2, x => rounded((float)x)), f, i);
            return i;
        }), Canonical(dInput, images, stride), tolerance);
    }

    /// <summary>Products side by side, whole and in parts: those of tensor cores have no such.</summary>
    public static void Batches(Delegate convolve, Delegate backwardWeights, double tolerance)
    {
        const int Points = 3, Kernels = 68, Channels = 20, Columns = 40;
        float[] weights = SampleValues.Of(Points * Channels * Kernels, 1), input = SampleValues.Of(Points * Channels * Columns, 2), dOutput = SampleValues.Of(Points * Kernels * Columns, 3);
        var f = Filter.FullyConnected(Channels, 1, 1, Kernels);
        PtxBuffer taps = PtxBuffer.Of<Tap>("taps", TapTable.Of(f, backward: false, Columns / 4)), bias = PtxBuffer.Of<float>("bias", [0]);
        foreach (int partDepth in new[] { 8, 1024 })
        {
            var s = ProductShape.AtPoints(Points, Kernels, Channels, Columns / 4, Kernels / 4) with { RowTiles = 2, PartDepth = partDepth, PartSize = Points * Kernels * Columns / 4 };
            int parts = Tiles(s.Depth, partDepth);
            var output = Unwritten("output", parts * s.PartSize * 4);
            Launch(convolve, new PtxSize(2, parts, Points), Products.Threads, s, PtxBuffer.Of<float>("weights", weights), taps, PtxBuffer.Of<float>("input", input), bias, output);
            AssertClose(Sums(Points * Kernels * Columns, Channels, (n, c) => (double)weights[(n / Columns / Kernels * Channels + c) * Kernels + n / Columns % Kernels] * input[(n / Columns / Kernels * Channels + c) * Columns + n % Columns]),
                Summed(output, parts, s.PartSize, 1, 0, 0, bias).Read<float>(), tolerance);

            s = s with { Depth = Columns, LeftBatch = Kernels * Columns / 4, ResultBatch = Channels * Kernels / 4, PartSize = Points * Channels * Kernels / 4 };
            parts = Tiles(s.Depth, partDepth);
            var dWeights = Unwritten("dWeights", parts * s.PartSize * 4);
            Launch(backwardWeights, new PtxSize(2, parts, Points), Products.Threads, s, PtxBuffer.Of<float>("dOutput", dOutput), taps, Channels, PtxBuffer.Of<float>("input", input), dWeights);
            AssertClose(Sums(Points * Channels * Kernels, Columns, (n, b) => (double)dOutput[(n / Kernels / Channels * Kernels + n % Kernels) * Columns + b] * input[n / Kernels * Columns + b]),
                Summed(dWeights, parts, s.PartSize, 1, 0, 0, bias).Read<float>(), tolerance);
        }
    }

    static float[] Sums(int count, int depth, Func<int, int, double> term) => [.. Enumerable.Range(0, count).Select(n => (float)Enumerable.Range(0, depth).Sum(d => term(n, d)))];

    static PtxBuffer Product(Delegate kernel, ProductShape s, int partDepth, float[] weights, Tap[] taps, float[] input, float[] bias)
    {
        int columns4 = s.Pixels * s.Images4, parts = Cut(ref s, partDepth, s.Rows * columns4), tiles = s.RowTiles * Tiles(columns4 * 4, Products.TileColumns);
        var (addBias, rectify) = (s.AddBias, s.Rectify);
        if (parts > 1) s.AddBias = s.Rectify = 0;
        PtxBuffer output = Unwritten("output", parts * s.PartSize * 4), biases = PtxBuffer.Of<float>("bias", bias);
        Launch(kernel, (tiles, parts), Products.Threads, s, PtxBuffer.Of<float>("weights", weights), PtxBuffer.Of<Tap>("taps", taps), PtxBuffer.Of<float>("input", input), biases, output);
        return Summed(output, parts, s.PartSize, columns4, addBias, rectify, biases);
    }

    /// <param name="kernel">As <see cref="Products.ConvolveBackwardWeights"/>.</param>
    /// <param name="tolerance">Of its sums, relative.</param>
    /// <param name="rounded">What it makes of the values that it multiplies.</param>
    public static void ConvolveBackwardWeights(Delegate kernel, double tolerance, Func<float, float> rounded)
    {
        foreach (var (images, f, partDepth) in Convolutions)
        {
            int stride = RoundUp(images, 8), kernels = RoundUp(f.Kernels, 4), weights = f.WeightsShape.Features;
            var s = ProductShape.BackwardWeights(f, stride, kernels);
            int parts = Cut(ref s, partDepth, weights * kernels / 4), tiles = s.RowTiles * Tiles(weights, Products.TileColumns);
            PtxBuffer dWeights = Unwritten("dWeights", parts * s.PartSize * 4);
            Launch(kernel, (tiles, parts), Products.Threads, s, PtxBuffer.Of<float>("dOutput", Turned(Values(f.OutputShape(images), 2), images, stride, 0)), PtxBuffer.Of<Tap>("taps", TapTable.Of(f, backward: false, stride / 4)),
                weights, PtxBuffer.Of<float>("input", Turned(Values(f.InputShape(images), 1), images, stride, 1e3f)), dWeights);
            var sums = Summed(dWeights, parts, s.PartSize, 1, 0, 0, PtxBuffer.Of<float>("bias", [0]));
            AssertClose(Reference(d =>
            {
                Tensor w = d.AllocateWeights(f), b = SampleValues.Bias(d, f, 3);
                d.ConvolveBackwardWeights(SampleValues.Activation(d, f.InputShape(images), 1, x => rounded((float)x)), SampleValues.Activation(d, f.OutputShape(images), 2, x => rounded((float)x)), f, w, b);
                return w;
            }), Canonical(sums, f.Kernels, kernels), tolerance);
        }
    }

    static int Cut(ref ProductShape s, int partDepth, int partSize)
    {
        (s.RowTiles, s.PartDepth, s.PartSize) = (Tiles(s.Rows, Products.TileRows), partDepth, partSize);
        return Tiles(s.Depth, partDepth);
    }

    static PtxBuffer Summed(PtxBuffer parts, int count, int partSize, int rowLength, int addBias, int rectify, PtxBuffer bias)
    {
        if (count == 1) return parts;
        var sums = Unwritten("sums", partSize * 4);
        Launch(AlexNetActors.Compute.Gpu.Sums.SumParts, 4, 32, partSize, count, rowLength, addBias, rectify, parts, bias, sums);
        return sums;
    }

    static float[] Values(Shape shape, int seed) => SampleValues.Of(shape.Count, seed);

    static int Tiles(int count, int size) => (count + size - 1) / size;
}
