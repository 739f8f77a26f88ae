using AlexNetActors.Compute;
using AlexNetActors.Compute.Gpu;
using static AlexNetActors.Tests.Compute.Ptx.PtxRun;

namespace AlexNetActors.Tests.Compute.Ptx;

/// <summary>
/// Every kernel computes what it should where its CUDA code is executed, and nothing but that: no access outside of its buffers, none that
/// depends on chance, nothing read that nobody wrote. Shapes are small and fit no block size; grids are smaller than the work, so that
/// threads go around.
/// <para>Tolerance: float32 sums against float64, a few units of 2^-24 of the terms. What tensor cores multiply is rounded to a
/// mantissa of 10 bits first, and so it is for the reference: the rest is as exact.</para>
/// </summary>
public sealed class PtxKernelTests
{
    const double Tolerance = 2e-5;

    static readonly Dictionary<string, Action> Cases = new()
    {
        ["Elementwise.RectifyBackward"] = RectifyBackward,
        ["Elementwise.Add"] = Add,
        ["Elementwise.Scale"] = Scale,
        ["Elementwise.Dropout"] = Dropout,
        ["Elementwise.Descend"] = Descend,
        ["Maps.Normalize"] = Normalize,
        ["Maps.NormalizeShares"] = NormalizeBackward,
        ["Maps.NormalizeBackward"] = NormalizeBackward,
        ["WalkedMaps.Normalize"] = Normalize,
        ["WalkedMaps.NormalizeBackward"] = NormalizeBackward,
        ["Maps.MaxPool"] = () => Pool(isBackward: false),
        ["Maps.MaxPoolBackward"] = () => Pool(isBackward: true),
        ["Products.Convolve"] = () => PtxProducts.Convolve(Products.Convolve, Tolerance, x => x),
        ["Products.ConvolveBackwardWeights"] = () => PtxProducts.ConvolveBackwardWeights(Products.ConvolveBackwardWeights, Tolerance, x => x),
        ["Sums.SumParts"] = SumParts,
        ["Sums.SumRows"] = SumRows,
        ["Sums.SumRowParts"] = SumRowParts,
        ["TensorProducts.Convolve"] = () => PtxProducts.Convolve(TensorProducts.Convolve, Tolerance, Tf32),
        ["TensorProducts.ConvolveBackwardWeights"] = () => PtxProducts.ConvolveBackwardWeights(TensorProducts.ConvolveBackwardWeights, Tolerance, Tf32),
        ["TileTransforms.Transform"] = TransformTiles,
        ["Transposition.Transpose"] = Transpose,
        ["Transposition.LoadCrops"] = LoadCrops,
    };

    [Theory]
    [MemberData(nameof(PtxKernel.Names), MemberType = typeof(PtxKernel))]
    public void KernelsComputeWhatTheyShould(string name)
    {
        Assert.True(Cases.ContainsKey(name), $"no case runs {name}");
        Cases[name]();
    }

    [Fact]
    public void ProductsSideBySideAreThoseOfEach() => PtxProducts.Batches(Products.Convolve, Products.ConvolveBackwardWeights, Tolerance);

    static void RectifyBackward()
    {
        float[] output = SampleValues.Of(148, 1), dOutput = SampleValues.Of(148, 2);
        (output[3], output[70], output[147]) = (float.NaN, 0, -0f);
        PtxBuffer o = PtxBuffer.Of<float>("output", output), d = PtxBuffer.Of<float>("dOutput", dOutput);
        Launch(Elementwise.RectifyBackward, 2, 16, 37, o, d);
        Assert.Equal(output.Zip(dOutput, (x, y) => x > 0 ? y : 0), d.Read<float>());
        Assert.Equal(output, o.Read<float>());
    }

    static void Add()
    {
        float[] values = SampleValues.Of(148, 1), sums = SampleValues.Of(148, 2);
        var buffer = PtxBuffer.Of<float>("sums", sums);
        Launch(Elementwise.Add, 2, 16, 36, PtxBuffer.Of<float>("values", values), buffer);
        Assert.Equal(sums.Select((s, i) => i < 144 ? s + values[i] : s), buffer.Read<float>());
    }

    static void Scale()
    {
        var values = SampleValues.Of(103, 1);
        var buffer = PtxBuffer.Of<float>("values", values);
        Launch(Elementwise.Scale, 2, 32, 100, 0.3f, buffer);
        Assert.Equal(values.Select((v, i) => i < 100 ? v * 0.3f : v), buffer.Read<float>());
    }

    static void Dropout()
    {
        const int Features = 9, Images = 5, Stride = 8, FirstFeature = 1_000_000_000;
        foreach (double rate in new[] { 0, 0.5, 1 })
        {
            var random = new Philox(0x123456789abcdef, Purpose.Dropout, 6, 77);
            ulong threshold = (ulong)(rate * (1L << 32));
            var values = SampleValues.Of(Features * Stride, 1);
            var buffer = PtxBuffer.Of<float>("activation", values);
            Launch(Elementwise.Dropout, 1, 32, Features, Images, Stride, FirstFeature, threshold, PhiloxKey.Of(random), buffer);
            Assert.Equal(values.Select((v, i) => i % Stride < Images && random.Word((ulong)(FirstFeature + i / Stride) * Images + (ulong)(i % Stride)) < threshold ? 0 : v), buffer.Read<float>());
        }
    }

    static void Descend()
    {
        const float Rate = 0.01f, Momentum = 0.9f, DecayRate = 5e-6f;
        float[] gradient = SampleValues.Of(77, 1), velocity = SampleValues.Of(77, 2), weights = SampleValues.Of(77, 3);
        PtxBuffer g = PtxBuffer.Of<float>("gradient", gradient), v = PtxBuffer.Of<float>("velocity", velocity), w = PtxBuffer.Of<float>("weights", weights);
        Launch(Elementwise.Descend, 1, 32, 77, Rate, Momentum, DecayRate, g, v, w);
        var expected = velocity.Select((x, i) => Momentum * x - DecayRate * weights[i] - Rate * gradient[i]).ToArray();
        Assert.Equal(expected, v.Read<float>());
        Assert.Equal(expected.Zip(weights, (x, y) => x + y), w.Read<float>());
    }

    static void Normalize()
    {
        foreach (var (shape, response) in Normalizations)
        {
            int stride = RoundUp(shape.Images, 8), count = shape.Features * stride;
            var output = Unwritten("output", count);
            Launch(Maps.Normalize, 3, 32, count, NormOf(shape, response), Activation("input", shape, 1), output);
            AssertClose(Reference(d =>
            {
                var o = d.AllocateActivation(shape);
                d.Normalize(SampleValues.Activation(d, shape, 1), response, o);
                return o;
            }), Canonical(output, shape.Images, stride), Tolerance);
            if (response.Window != WalkedMaps.Window) continue;
            var walked = Unwritten("output", count);
            Launch(WalkedMaps.Normalize, 3, 32, NormOf(shape, response), Activation("input", shape, 1), walked);
            Assert.Equal(Canonical(output, shape.Images, stride), Canonical(walked, shape.Images, stride));
        }
    }

    /// <summary>Both halves of the gradient, one after the other; the rectifier's is 0 where the input is not above 0.</summary>
    static void NormalizeBackward()
    {
        foreach (var (shape, response) in Normalizations)
            foreach (bool rectify in new[] { false, true })
            {
                int stride = RoundUp(shape.Images, 8), count = shape.Features * stride;
                PtxBuffer shares = Unwritten("shares", count), dInput = Unwritten("dInput", count);
                PtxBuffer input = Activation("input", shape, 1), dOutput = Activation("dOutput", shape, 2);
                Launch(Maps.NormalizeShares, 3, 32, count, NormOf(shape, response), input, dOutput, shares);
                Launch(Maps.NormalizeBackward, 3, 32, count, NormOf(shape, response), rectify ? 1 : 0, input, dOutput, shares, dInput);
                AssertClose(Reference(d =>
                {
                    Tensor a = SampleValues.Activation(d, shape, 1), i = d.AllocateActivation(shape);
                    d.NormalizeBackward(a, SampleValues.Activation(d, shape, 2), response, i);
                    if (rectify) d.RectifyBackward(a, i);
                    return i;
                }), Canonical(dInput, shape.Images, stride), Tolerance);
                if (response.Window != WalkedMaps.Window) continue;
                var walked = Unwritten("dInput", count);
                Launch(WalkedMaps.NormalizeBackward, 3, 32, NormOf(shape, response), rectify ? 1 : 0, input, dOutput, walked);
                Assert.Equal(Canonical(dInput, shape.Images, stride), Canonical(walked, shape.Images, stride));
            }
    }

    static NormShape NormOf(Shape shape, LocalResponse response) =>
        new() { Channels = shape.Channels, Plane = shape.Height * shape.Width * RoundUp(shape.Images, 8), Half = response.Window / 2, K = response.K, Alpha = response.Alpha };

    static IEnumerable<(Shape, LocalResponse)> Normalizations =>
    [
        (new(3, 7, 2, 3), new LocalResponse(1f, 0.3f, 5)),
        (new(9, 1, 3, 2), new LocalResponse(1f, 0.3f, 5)), // fewer channels than the window has to either side
        (new(9, 2, 1, 1), new LocalResponse(2f, 0.1f, 9)), // a window wider than the channels
        (new(8, 1, 2, 2), LocalResponse.Paper with { Window = 1 }),
    ];

    static void Pool(bool isBackward)
    {
        // Few values, so that windows have ties; the second leaves rows and columns that no window sees.
        foreach (var (shape, size, stride) in new[] { (new Shape(3, 2, 7, 9), 3, 2), (new Shape(9, 1, 6, 5), 2, 3), (new Shape(1, 3, 4, 4), 4, 1), (new Shape(2, 2, 5, 5), 3, 1) })
        {
            var pooled = shape with { Height = (shape.Height - size) / stride + 1, Width = (shape.Width - size) / stride + 1 };
            int images = RoundUp(shape.Images, 8), count = shape.Features * images, pooledCount = pooled.Features * images;
            var s = new PoolShape { Height = shape.Height, Width = shape.Width, OutputHeight = pooled.Height, OutputWidth = pooled.Width, Images = images, Size = size, Stride = stride };
            var input = Activation("input", shape, 1, Few);
            Tensor MaxPool(ReferenceDevice d)
            {
                var o = d.AllocateActivation(pooled);
                d.MaxPool(SampleValues.Activation(d, shape, 1, Few), size, stride, o);
                return o;
            }
            var output = Unwritten("output", pooledCount);
            Launch(Maps.MaxPool, 3, 32, pooledCount, s, input, output);
            Assert.Equal(Reference(MaxPool), Canonical(output, shape.Images, images));
            if (!isBackward) continue;
            var dInput = Unwritten("dInput", count);
            Launch(Maps.MaxPoolBackward, 3, 32, count / 4, s, input, output, Activation("dOutput", pooled, 2), dInput);
            AssertClose(Reference(d =>
            {
                var i = d.AllocateActivation(shape);
                d.MaxPoolBackward(SampleValues.Activation(d, shape, 1, Few), MaxPool(d), SampleValues.Activation(d, pooled, 2), size, stride, i);
                return i;
            }), Canonical(dInput, shape.Images, images), Tolerance);
        }
    }

    static void SumParts()
    {
        const int Count = 10, Parts = 3, RowLength = 5;
        float[] parts = SampleValues.Of(Parts * Count * 4, 1), bias = SampleValues.Of(Count / RowLength, 2);
        foreach (var (addBias, rectify) in new[] { (false, false), (true, false), (true, true) })
        {
            var output = Unwritten("output", Count * 4);
            Launch(Sums.SumParts, 1, 8, Count, Parts, RowLength, addBias ? 1 : 0, rectify ? 1 : 0, PtxBuffer.Of<float>("parts", parts), PtxBuffer.Of<float>("bias", bias), output);
            Assert.Equal(Enumerable.Range(0, Count * 4).Select(i =>
            {
                float sum = parts[i] + parts[Count * 4 + i] + parts[2 * Count * 4 + i] + (addBias ? bias[i / 4 / RowLength] : 0);
                return rectify ? Math.Max(sum, 0) : sum;
            }), output.Read<float>());
        }
    }

    static void SumRows()
    {
        const int Rows = 3;
        foreach (var (length, partLength) in new[] { (300, 128), (300, 100), (5, 8), (129, 129) })
        {
            int parts = (length + partLength - 1) / partLength;
            var values = SampleValues.Of(Rows * length, 1);
            var sums = Unwritten("sums", Rows * parts);
            Launch(Sums.SumRows, (Rows, parts), Sums.Threads, length, partLength, PtxBuffer.Of<float>("values", values), sums);
            AssertClose([.. Enumerable.Range(0, Rows * parts).Select(i => (float)Enumerable.Range(0, length).Where(n => n / partLength == i % parts).Sum(n => (double)values[i / parts * length + n]))], sums.Read<float>(), Tolerance);
        }
    }

    static void SumRowParts()
    {
        var parts = SampleValues.Of(50 * 3, 1);
        var sums = Unwritten("sums", 50);
        Launch(Sums.SumRowParts, 1, 32, 50, 3, PtxBuffer.Of<float>("parts", parts), sums);
        Assert.Equal(Enumerable.Range(0, 50).Select(r => parts[3 * r] + parts[3 * r + 1] + parts[3 * r + 2]), sums.Read<float>());
    }

    static void Transpose()
    {
        const int Matrices = 2;
        foreach (var (rows, columns) in new[] { (37, 45), (1, 33), (64, 3) })
        {
            var s = new TransposeShape { Rows = rows, Columns = columns, SourceStride = columns + 3, DestinationStride = rows + 2 };
            (s.SourceBatchStride, s.DestinationBatchStride) = (rows * s.SourceStride + 1, columns * s.DestinationStride + 4);
            float[] source = SampleValues.Of((Matrices - 1) * s.SourceBatchStride + (rows - 1) * s.SourceStride + columns, 1);
            float[] destination = SampleValues.Of((Matrices - 1) * s.DestinationBatchStride + (columns - 1) * s.DestinationStride + rows, 2);
            var buffer = PtxBuffer.Of<float>("destination", destination);
            Launch(Transposition.Transpose, (s.Tiles, Matrices), Transposition.Threads, s, PtxBuffer.Of<float>("source", source), buffer);
            for (int z = 0; z < Matrices; z++)
                for (int r = 0; r < rows; r++)
                    for (int c = 0; c < columns; c++)
                        destination[z * s.DestinationBatchStride + c * s.DestinationStride + r] = source[z * s.SourceBatchStride + r * s.SourceStride + c];
            Assert.Equal(destination, buffer.Read<float>());
        }
    }

    /// <summary>Tiles of a map to points with what hangs over it; points to a map, finished; filters there and, turned, back. Squares grow and shrink.</summary>
    static void TransformTiles()
    {
        const int Channels = 2, Height = 5, Width = 7, Images = 24, Units = Images / 4, First = 2, Some = 3; // units First to First + Some of all six
        const int Kernels4 = 19;                                                                            // more than a group's lanes
        foreach (var (from, to, origin, step) in new[] { (7, 7, -1, 5), (8, 8, -2, 4), (5, 7, 0, 5) })
        {
            int down = (Height + step - 1) / step, along = (Width + step - 1) / step, tiles = down * along;
            var s = new TileShape { From = from, To = to, TilesAlong = along, Units = Some, Columns = tiles * Some, Source = TilePlace.Map(Height, Width, Units, First, step, origin), Target = TilePlace.Points(to, Channels, along, tiles, Some) };
            RunTiles(s, Channels, Channels * Height * Width * Units, to * to * Channels * tiles * Some, tiles, Some, whole: true);
            s = s with { From = to, To = step, Source = s.Target, Target = TilePlace.Map(Height, Width, Units, First, step, 0), AddBias = 1, Rectify = 1 };
            RunTiles(s, Channels, to * to * Channels * tiles * Some, Channels * Height * Width * Units, tiles, Some, whole: false);
        }
        foreach (bool turned in new[] { false, true })
        {
            var filters = new TileShape { From = 3, To = 7, TilesAlong = 1, Units = Kernels4, Columns = Kernels4, Source = TilePlace.Filters(3, Kernels4, turned), Target = TilePlace.Points(7, Channels, 1, 1, Kernels4) };
            RunTiles(filters, Channels, 9 * Channels * Kernels4, 49 * Channels * Kernels4, 1, Kernels4, whole: true);
            filters = filters with { From = 7, To = 3, Source = filters.Target, Target = filters.Source };
            RunTiles(filters, Channels, 49 * Channels * Kernels4, 9 * Channels * Kernels4, 1, Kernels4, whole: true);
        }
    }

    static void RunTiles(TileShape s, int channels, int sourceUnits, int targetUnits, int tiles, int units, bool whole)
    {
        const int Lines = TileTransforms.Lines;
        float[] values = SampleValues.Of(sourceUnits * 4, 1), coefficients = SampleValues.Of(Lines * Lines, 2), bias = SampleValues.Of(channels, 3), expected = new float[targetUnits * 4];
        for (int n = 0; n < Lines * Lines; n++)
            if (n / Lines >= s.To || n % Lines >= s.From) coefficients[n] = 0;
        Array.Fill(expected, float.NaN);
        for (int n = 0; n < channels * tiles * units * 4; n++)
        {
            int image = n % (units * 4), tile = n / (units * 4) % tiles, c = n / (units * 4) / tiles;
            int? At(TilePlace p, int i, int j)
            {
                int ty = tile / s.TilesAlong, tx = tile % s.TilesAlong, y = ty * p.Step + p.Origin + i, x = tx * p.Step + p.Origin + j;
                return y < 0 || y >= p.Height || x < 0 || x >= p.Width ? null : 4 * (p.First + c * p.Channel + ty * p.TileRow + tx * p.TileAlong + i * p.Row + j * p.Along) + image;
            }
            for (int i = 0; i < s.To; i++)
                for (int j = 0; j < s.To; j++)
                {
                    if (At(s.Target, i, j) is not { } at) continue;
                    double sum = s.AddBias != 0 ? bias[c] : 0;
                    for (int k = 0; k < s.From; k++)
                        for (int l = 0; l < s.From; l++)
                            if (At(s.Source, k, l) is { } source) sum += (double)coefficients[i * Lines + k] * coefficients[j * Lines + l] * values[source];
                    expected[at] = s.Rectify != 0 ? (float)Math.Max(sum, 0) : (float)sum;
                }
        }
        var target = Unwritten("target", targetUnits * 4);
        Launch(TileTransforms.Transform, ((s.Columns + TileTransforms.Lanes - 1) / TileTransforms.Lanes, channels), TileTransforms.Threads, s,
            PtxBuffer.Of<float>("matrix", coefficients), PtxBuffer.Of<float>("source", values), PtxBuffer.Of<float>("bias", bias), target);
        float[] got = target.Read<float>();
        Assert.Equal(!whole, expected.Any(float.IsNaN)); // images of others
        Assert.Equal(expected.Select(float.IsNaN), got.Select(float.IsNaN));
        AssertClose([.. expected.Where(v => !float.IsNaN(v))], [.. got.Where(v => !float.IsNaN(v))], Tolerance);
    }

    static void LoadCrops()
    {
        const int Record = 9;
        foreach (var shape in new[] { new Shape(33, 3, 5, 7), new Shape(2, 3, 3, 3) })
        {
            int stride = RoundUp(shape.Images, 8);
            byte[] pixels = [.. SampleValues.Of(shape.Count, 1, x => (float)Math.Clamp(128 + 64 * x, 0, 255)).Select(x => (byte)x)];
            Placement[] placements = [.. Enumerable.Range(0, shape.Images).Select(b => new Placement(b % (Record - shape.Height + 1), b * 5 % (Record - shape.Width + 1), b % 3 == 1))];
            float[] shifts = SampleValues.Of(3 * shape.Images, 2), mean = SampleValues.Of(3 * Record * Record, 3);
            var output = Unwritten("output", shape.Features * stride);
            Launch(Transposition.LoadCrops, (shape.Images + 31) / 32 * ((shape.Features + 31) / 32), Transposition.Threads, shape.Images, stride, shape.Height, shape.Width, Record,
                PtxBuffer.Of<byte>("pixels", pixels), PtxBuffer.Of<int>("placements", placements.SelectMany(p => new[] { p.Top, p.Left, p.Mirrored ? 1 : 0 }).ToArray()),
                PtxBuffer.Of<float>("colourShift", shifts), PtxBuffer.Of<float>("mean", mean), output);
            Assert.Equal(Reference(d =>
            {
                var o = d.AllocateActivation(shape);
                d.LoadCrops(pixels, placements, shifts, SampleValues.Plain(d, new(1, Record, Record, 3), 3), o);
                return o;
            }), Canonical(output, shape.Images, stride));
        }
    }

    /// <summary>The nearest value with a mantissa of 10 bits; of two as near, the larger in size.</summary>
    static float Tf32(float x)
    {
        if (x == 0) return x;
        float unit = MathF.ScaleB(1, MathF.ILogB(x) - 10);
        return MathF.Round(x / unit, MidpointRounding.AwayFromZero) * unit;
    }

    static float Few(double x) => (float)Math.Round(x);

    /// <summary>What <see cref="SampleValues.Activation"/> gives a device. NaN in the images that are not there: they are of no account.</summary>
    static PtxBuffer Activation(string name, Shape shape, int seed, Func<double, float>? map = null) =>
        PtxBuffer.Of<float>(name, Turned(SampleValues.Of(shape.Count, seed, map), shape.Images, RoundUp(shape.Images, 8), float.NaN));
}
