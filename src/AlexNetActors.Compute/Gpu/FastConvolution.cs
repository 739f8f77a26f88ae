using AlexNetActors.Compute.Cpu.Winograd;
using ILGPU;
using ILGPU.Runtime;

namespace AlexNetActors.Compute.Gpu;

/// <summary>
/// Fast convolution (Winograd 1980; Lavin and Gray 2015, arXiv:1509.09308) of stride 1, by the transforms of the processor's: inputs and
/// weights are taken to the points of tiles, multiplied there, at each point a product of matrices, and gathered. All points are one launch,
/// or one batch of BLAS's where that was chosen. Unlike the processor's, all tiles have the same points: matrices of one size.
/// <para>Some images at a time, so that what lies at the points stays near a large GPU's second cache: as many as their shape says.</para>
/// </summary>
sealed class FastConvolution(WorkQueue queue, ProductQueue products) : IDisposable
{
    /// <summary>Inputs and outputs at the points; 32 images if they have more.</summary>
    const long BytesTogether = 80 << 20;
    const int ImagesMin4 = 8;

    readonly Dictionary<LineTransform, MemoryBuffer1D<Float4, Stride1D.Dense>> _matrices = [];
    readonly Scratch<float> _weights = new(queue.Shared), _inputs = new(queue.Shared), _outputs = new(queue.Shared);

    public int Made => _matrices.Count + _weights.Made + _inputs.Made + _outputs.Made;
    public long Bytes => _weights.Bytes + _inputs.Bytes + _outputs.Bytes;

    public static bool Pays(Filter f) => f.Stride == 1 && TilePlan.Pays(f);

    /// <summary>The working memory that filters take at most, on so many images: for each purpose that of the largest.</summary>
    public static long BytesOf(IReadOnlyCollection<Filter> filters, int images)
    {
        int images4 = WorkQueue.RoundUp(images, IlgpuDevice.ImageMultiple) / 4;
        long weights = 0, inputs = 0, outputs = 0;
        foreach (var filter in filters.Where(Pays))
            foreach (var f in (Filter[])[filter, Mirrored(filter)])
            {
                int together = Together(f, images4);
                long partsMax = (long)WorkQueue.Tiles(images4, together) * (ProductQueue.PartsWanted / Grid(f).Area + 1), columns = (long)Grid(f).Area * Grid(f).Tiles * together * 4;
                weights = Math.Max(weights, partsMax * Grid(f).Area * f.Channels * WorkQueue.RoundUp(f.Kernels, IlgpuDevice.KernelMultiple));
                (inputs, outputs) = (Math.Max(inputs, columns * f.Channels), Math.Max(outputs, columns * f.Kernels));
            }
        return sizeof(float) * (weights + inputs + outputs);
    }

    /// <summary>output = weights * input + bias, rectified if asked.</summary>
    public void Convolve(GpuTensor input, GpuTensor weights, GpuTensor bias, Filter f, bool rectify, GpuTensor output) =>
        Convolve(f, input.View4, input.Stride / 4, weights.View4, TilePlace.Filters(f.SizeY, weights.Stride / 4, turned: false), weights.Stride / 4, addBias: 1, rectify ? 1 : 0, bias.View, output.View4);

    /// <summary>dInput = gradient by the input: the convolution of the output's gradient with the filters turned.</summary>
    /// <param name="dOutput">[K, OH, OW, B]</param>
    /// <param name="weights">[K, R, S, C], channels filled up.</param>
    /// <param name="f">The filter.</param>
    /// <param name="dInput">[C, H, W, B]</param>
    public void ConvolveBackwardInput(GpuTensor dOutput, ArrayView<float> weights, Filter f, GpuTensor dInput)
    {
        int channels4 = WorkQueue.Tiles(f.Channels, 4);
        Convolve(Mirrored(f), dOutput.View4, dOutput.Stride / 4, weights.Cast<Float4>(), TilePlace.Filters(f.SizeY, channels4, turned: true), channels4, addBias: 0, rectify: 0, weights, dInput.View4);
    }

    /// <summary>dWeights = gradient by the weights: inputs and the output's gradient at the points, their products summed over tiles and images.</summary>
    public void ConvolveBackwardWeights(GpuTensor input, GpuTensor dOutput, Filter f, GpuTensor dWeights)
    {
        var g = Grid(f);
        int images4 = input.Stride / 4, kernels4 = dWeights.Stride / 4, together = Together(f, images4), partSize = g.Area * f.Channels * kernels4;
        ProductShape Shape(int units) => ProductShape.AtPoints(g.Area, f.Kernels, f.Channels, g.Tiles * units, kernels4) with { Depth = g.Tiles * units * 4, LeftBatch = f.Kernels * g.Tiles * units, ResultBatch = f.Channels * kernels4, PartSize = partSize };
        int parts = 0, part = 0;
        for (int first = 0; first < images4; first += together) parts += products.Parts(Shape(Math.Min(together, images4 - first)), f.Channels);
        if (products.Blas is not null) parts = 1; // it adds to what is there
        var sumFloats = _weights.Of((long)parts * partSize * 4, queue.Stream);
        if (products.Blas is not null) sumFloats.MemSetToZero(queue.Stream);
        var sums = sumFloats.Cast<Float4>();
        for (int first = 0; first < images4; first += together)
        {
            int units = Math.Min(together, images4 - first);
            var (i, o) = (AtPoints(_inputs, g, f.Channels, units), AtPoints(_outputs, g, f.Kernels, units));
            Transform(LineTransforms.Inputs(g.Points), f.Channels, Tiles(g, units) with { Source = TilePlace.Map(f.Height, f.Width, images4, first, g.Outputs, -f.Pad), Target = Points(g, f.Channels, units) }, input.View4, input.View, i);
            Transform(LineTransforms.Evaluate(g.Outputs, g.Points), f.Kernels, Tiles(g, units) with { Source = TilePlace.Map(f.OutputHeight, f.OutputWidth, images4, first, g.Outputs, 0), Target = Points(g, f.Kernels, units) }, dOutput.View4, dOutput.View, o);
            if (products.Blas is { } blas) blas.Multiply(Gemm.BackwardWeights(f.Channels, f.Kernels, kernels4 * 4, g.Tiles * units * 4) with { Batch = g.Area, Add = true }, o.Cast<float>(), i.Cast<float>(), sumFloats);
            else part += products.ConvolveBackwardWeights(Shape(units), o, Channelwise(f), f.Channels, i, sums.SubView((long)part * partSize));
        }
        if (parts > 1) products.SumParts(Shape(together), parts, 1, sums, dWeights.View, sums);
        var filters = new TileShape { TilesAlong = 1, Units = kernels4, Columns = kernels4, Source = TilePlace.Points(g.Points, f.Channels, 1, 1, kernels4), Target = TilePlace.Filters(f.SizeY, kernels4, turned: false) };
        Transform(LineTransforms.GatherWeights(f.SizeY), f.Channels, filters, sums, dWeights.View, dWeights.View4);
    }

    void Convolve(Filter f, ArrayView<Float4> input, int images4, ArrayView<Float4> weights, TilePlace filters, int kernels4, int addBias, int rectify, ArrayView<float> bias, ArrayView<Float4> output)
    {
        var g = Grid(f);
        var w = _weights.Of((long)g.Area * f.Channels * kernels4 * 4, queue.Stream).Cast<Float4>();
        Transform(LineTransforms.EvaluateWeights(f.SizeY), f.Channels, new TileShape { TilesAlong = 1, Units = kernels4, Columns = kernels4, Source = filters, Target = TilePlace.Points(g.Points, f.Channels, 1, 1, kernels4) }, weights, bias, w);
        int together = Together(f, images4);
        for (int first = 0; first < images4; first += together)
        {
            int units = Math.Min(together, images4 - first);
            var (i, o) = (AtPoints(_inputs, g, f.Channels, units), AtPoints(_outputs, g, f.Kernels, units));
            Transform(LineTransforms.Inputs(g.Points), f.Channels, Tiles(g, units) with { Source = TilePlace.Map(f.Height, f.Width, images4, first, g.Outputs, -f.Pad), Target = Points(g, f.Channels, units) }, input, bias, i);
            if (products.Blas is { } blas) blas.Multiply(Gemm.Forward(f.Channels, f.Kernels, kernels4 * 4, g.Tiles * units * 4) with { Batch = g.Area }, i.Cast<float>(), w.Cast<float>(), o.Cast<float>());
            else products.Convolve(ProductShape.AtPoints(g.Area, f.Kernels, f.Channels, g.Tiles * units, kernels4), w, Channelwise(f), backward: false, i, bias, o);
            Transform(LineTransforms.Gather(g.Outputs, g.Points), f.Kernels, Tiles(g, units) with { Source = Points(g, f.Kernels, units), Target = TilePlace.Map(f.OutputHeight, f.OutputWidth, images4, first, g.Outputs, 0), AddBias = addBias, Rectify = rectify }, o, bias, output);
        }
    }

    void Transform(LineTransform transform, int channels, TileShape s, ArrayView<Float4> source, ArrayView<float> bias, ArrayView<Float4> target)
    {
        (s.From, s.To) = (transform.From(), transform.To());
        queue.Kernels.Get<TileShape, ArrayView<Float4>, ArrayView<Float4>, ArrayView<float>, ArrayView<Float4>>(TileTransforms.Transform)(
            queue.Stream, new KernelConfig(new Index3D(WorkQueue.Tiles(s.Columns, TileTransforms.Lanes), channels, 1), new Index3D(TileTransforms.Threads, 1, 1)), s, Matrix(transform), source, bias, target);
    }

    ArrayView<Float4> Matrix(LineTransform transform)
    {
        if (!_matrices.TryGetValue(transform, out var matrix))
        {
            _matrices[transform] = matrix = queue.Shared.Allocate<Float4>(2 * TileTransforms.Lines, "for a transform");
            matrix.View.CopyFromCPU(queue.Stream, MatrixOf(transform));
        }
        return matrix.View.BaseView;
    }

    /// <summary>[8][8]: columns are what the transform makes of unit vectors.</summary>
    public static unsafe Float4[] MatrixOf(LineTransform transform)
    {
        const int Lines = TileTransforms.Lines, Floats = 16;
        float* from = stackalloc float[Lines * Floats], to = stackalloc float[Lines * Floats];
        var matrix = new float[Lines * Lines];
        for (int n = 0; n < transform.From(); n++)
        {
            new Span<float>(from, Lines * Floats).Clear();
            new Span<float>(from + n * Floats, Floats).Fill(1);
            TileTransform.Line<Cpu.Simd128>(transform, from, to, Floats);
            for (int m = 0; m < transform.To(); m++) matrix[m * Lines + n] = to[m * Floats];
        }
        return [.. matrix.Chunk(4).Select(four => new Float4(four[0], four[1], four[2], four[3]))];
    }

    ArrayView<Float4> AtPoints(Scratch<float> scratch, TileGrid g, int channels, int units) => scratch.Of((long)g.Area * channels * g.Tiles * units * 4, queue.Stream).Cast<Float4>();

    /// <summary>At a point a convolution is a layer that sees all channels.</summary>
    static Filter Channelwise(Filter f) => Filter.FullyConnected(f.Channels, 1, 1, f.Kernels);

    /// <summary>The gradient by the input as a convolution of the gradient by the output.</summary>
    static Filter Mirrored(Filter f) => Filter.Convolution(f.Kernels, f.OutputHeight, f.OutputWidth, f.Channels, f.SizeY, 1, f.SizeY - 1 - f.Pad);

    static TileShape Tiles(TileGrid g, int units) => new() { TilesAlong = g.Along.Tiles, Units = units, Columns = g.Tiles * units };

    static TilePlace Points(TileGrid g, int channels, int units) => TilePlace.Points(g.Points, channels, g.Along.Tiles, g.Tiles, units);

    static TileGrid Grid(Filter f) => TileGrid.Of(f.OutputHeight, f.OutputWidth, f.SizeY);

    /// <summary>Bytes at the points of four images.</summary>
    static long PerUnit(Filter f) => 4L * sizeof(float) * Grid(f).Area * Grid(f).Tiles * (f.Channels + f.Kernels);

    /// <summary>Units of four images that are taken to the points together.</summary>
    static int Together(Filter f, int images4)
    {
        int most = Math.Max(ImagesMin4, (int)Math.Min(BytesTogether / PerUnit(f), images4) / ImagesMin4 * ImagesMin4), pieces = WorkQueue.Tiles(images4, most);
        return WorkQueue.RoundUp(WorkQueue.Tiles(images4, pieces), IlgpuDevice.ImageMultiple / 4);
    }

    public void Dispose()
    {
        foreach (var matrix in _matrices.Values) matrix.Dispose();
        foreach (var scratch in (Scratch<float>[])[_weights, _inputs, _outputs]) scratch.Dispose();
    }
}

/// <summary>Outputs cut into whole tiles; the last ones hang over.</summary>
readonly record struct TileGrid(TileAxis Down, TileAxis Along)
{
    /// <summary>Of a line; of a tile.</summary>
    public int Points => Down.MostPoints;
    public int Area => Points * Points;

    /// <summary>Of a line.</summary>
    public int Outputs => Down.Outputs(0);

    public int Tiles => Down.Tiles * Along.Tiles;

    public static TileGrid Of(int height, int width, int taps)
    {
        int outputs = new TileAxis(taps, 1, 0).Outputs(0);
        return new(new TileAxis(taps, WorkQueue.Tiles(height, outputs), 0), new TileAxis(taps, WorkQueue.Tiles(width, outputs), 0));
    }
}
