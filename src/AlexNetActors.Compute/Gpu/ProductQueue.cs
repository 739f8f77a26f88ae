using ILGPU;
using ILGPU.Runtime;

namespace AlexNetActors.Compute.Gpu;

/// <summary>
/// The product kernels on a queue. Sums are cut by shape alone, never by what the hardware has: devices of one kind give the same bits.
/// </summary>
sealed class ProductQueue(WorkQueue queue, bool onTensorCores) : IDisposable
{
    /// <summary>Groups of a product: four for each of 132 multiprocessors.</summary>
    public const int PartsWanted = 528;

    const int PartDepthMin = 256; // shallower parts would cost more to add than they gain

    readonly Dictionary<(Filter Filter, bool Backward, int Images4), MemoryBuffer1D<Tap, Stride1D.Dense>> _taps = [];
    readonly Scratch<float> _parts = new(queue.Shared);

    /// <summary>Who multiplies in place of the kernels wherever matrices lie whole: of fully connected layers, and at the points of fast convolution. Null when nobody. This object's to close.</summary>
    public IBlas? Blas { get; set; }

    public int Made => _taps.Count + _parts.Made;

    /// <summary>Of the working memory; the tables of taps are small.</summary>
    public long Bytes => _parts.Bytes;

    /// <summary><see cref="Products.Convolve"/> of all matrices, its parts added.</summary>
    /// <param name="s">What is multiplied.</param>
    /// <param name="weights">[batch, depth, K]</param>
    /// <param name="f">Whose taps fall on the input.</param>
    /// <param name="backward">From the output's gradient to the input's.</param>
    /// <param name="input">[batch, C, H, W, B]</param>
    /// <param name="bias">[K]</param>
    /// <param name="output">[batch, K, OH, OW, B]</param>
    public void Convolve(ProductShape s, ArrayView<Float4> weights, Filter f, bool backward, ArrayView<Float4> input, ArrayView<float> bias, ArrayView<Float4> output)
    {
        int columns4 = s.Pixels * s.Images4, tiles = Cut(ref s, columns4 * 4);
        s.PartSize = s.Batch * s.Rows * columns4;
        var whole = s;
        int parts = WorkQueue.Tiles(s.Depth, s.PartDepth);
        if (parts > 1) s.AddBias = s.Rectify = 0;
        var target = parts == 1 ? output : Parts(parts, s.PartSize);
        queue.Kernels.Get<ProductShape, ArrayView<Float4>, ArrayView<Tap>, ArrayView<Float4>, ArrayView<float>, ArrayView<Float4>>(onTensorCores ? TensorProducts.Convolve : Products.Convolve, Groups)(
            queue.Stream, Grid(tiles, parts, s), s, weights, Taps(f, backward, s.Images4), input, bias, target);
        if (parts > 1) SumParts(whole, parts, columns4, target, bias, output);
    }

    /// <summary>Parts in which <see cref="ConvolveBackwardWeights"/> leaves its sums.</summary>
    public int Parts(ProductShape s, int tapCount)
    {
        Cut(ref s, tapCount);
        return WorkQueue.Tiles(s.Depth, s.PartDepth);
    }

    /// <summary>Memory for the parts of a sum, until the next is wanted.</summary>
    public ArrayView<Float4> Parts(int parts, int partSize) => _parts.Of((long)parts * partSize * 4, queue.Stream).Cast<Float4>();

    /// <summary><see cref="Products.ConvolveBackwardWeights"/> of all matrices.</summary>
    /// <param name="s">What is multiplied.</param>
    /// <param name="dOutput">[batch, K, OH, OW, B]</param>
    /// <param name="f">Whose taps fall on the input.</param>
    /// <param name="tapCount">Weights of a kernel.</param>
    /// <param name="input">[batch, C, H, W, B]</param>
    /// <param name="parts">[parts, batch, weights of a kernel, K]</param>
    /// <returns>Parts.</returns>
    public int ConvolveBackwardWeights(ProductShape s, ArrayView<Float4> dOutput, Filter f, int tapCount, ArrayView<Float4> input, ArrayView<Float4> parts)
    {
        int tiles = Cut(ref s, tapCount), count = WorkQueue.Tiles(s.Depth, s.PartDepth);
        queue.Kernels.Get<ProductShape, ArrayView<Float4>, ArrayView<Tap>, int, ArrayView<Float4>, ArrayView<Float4>>(onTensorCores ? TensorProducts.ConvolveBackwardWeights : Products.ConvolveBackwardWeights, Groups)(
            queue.Stream, Grid(tiles, count, s), s, dOutput, Taps(f, backward: false, s.Images4), tapCount, input, parts);
        return count;
    }

    /// <summary>output = the sum of the parts, in order; they may begin where it lies.</summary>
    public void SumParts(ProductShape s, int parts, int rowLength, ArrayView<Float4> values, ArrayView<float> bias, ArrayView<Float4> output) =>
        queue.Kernels.Get<int, int, int, int, int, ArrayView<Float4>, ArrayView<float>, ArrayView<Float4>>(Sums.SumParts)(
            queue.Stream, WorkQueue.Over(s.PartSize), s.PartSize, parts, rowLength, s.AddBias, s.Rectify, values, bias, output);

    KernelSpecialization Groups => onTensorCores ? TensorProducts.Groups : Products.Groups;

    static KernelConfig Grid(int tiles, int parts, ProductShape s) => new(new Index3D(tiles, parts, s.Batch), new Index3D(Products.Threads, 1, 1));

    /// <summary>
    /// Cuts a product into tiles, and its depth into parts so that its groups are enough for a large GPU.
    /// </summary>
    /// <returns>Tiles of one of its matrices.</returns>
    int Cut(ref ProductShape s, int columns)
    {
        s.RowTiles = WorkQueue.Tiles(s.Rows, Products.TileRows);
        int tiles = s.RowTiles * WorkQueue.Tiles(columns, Products.TileColumns);
        int parts = Math.Clamp(PartsWanted / (tiles * s.Batch), 1, Math.Max(1, s.Depth / PartDepthMin));
        s.PartDepth = WorkQueue.RoundUp(WorkQueue.Tiles(s.Depth, parts), onTensorCores ? TensorProducts.Depth : Products.Depth);
        return tiles;
    }

    /// <summary>The table of a filter's weights: which value of its source each meets. Made once.</summary>
    ArrayView<Tap> Taps(Filter f, bool backward, int images4)
    {
        if (!_taps.TryGetValue((f, backward, images4), out var table))
        {
            var taps = TapTable.Of(f, backward, images4);
            _taps[(f, backward, images4)] = table = queue.Shared.Allocate<Tap>(taps.Length, "for a table of taps");
            table.View.CopyFromCPU(queue.Stream, taps);
        }
        return table.View.BaseView;
    }

    public void Dispose()
    {
        Blas?.Dispose();
        foreach (var table in _taps.Values) table.Dispose();
        _parts.Dispose();
    }
}
