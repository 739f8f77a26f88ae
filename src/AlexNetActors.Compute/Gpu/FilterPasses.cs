using ILGPU;
using ILGPU.Runtime;

namespace AlexNetActors.Compute.Gpu;

/// <summary>
/// The three passes of a filter, convolution or fully connected layer, as products on a queue; fully connected ones by cuBLAS where it was
/// chosen. Expects the accelerator to be entered and shapes to be right.
/// <para>Sums are cut by shape alone, never by what the hardware has: devices of one kind give the same bits.</para>
/// </summary>
sealed class FilterPasses(WorkQueue queue, bool onTensorCores) : IDisposable
{
    /// <summary>Groups of a product: four for each of 132 multiprocessors.</summary>
    public const int PartsWanted = 528;

    const int PartDepthMin = 256; // shallower parts would cost more to add than they gain

    readonly Dictionary<(Filter Filter, bool Backward, int Images), MemoryBuffer1D<Tap, Stride1D.Dense>> _taps = [];
    CuBlas? _cuBlas;
    readonly Scratch<float> _turned = new(queue.Accelerator), _parts = new(queue.Accelerator);

    public int Made => _taps.Count + _turned.Made + _parts.Made;

    /// <summary>Of the working memory; the tables of taps are small.</summary>
    public long Bytes => _turned.Bytes + _parts.Bytes;

    /// <summary>From now on cuBLAS multiplies for fully connected layers; it is this object's to close.</summary>
    public void FullyConnectedBy(CuBlas cuBlas) => _cuBlas = cuBlas;

    /// <summary>output = weights * input + bias, rectified if asked.</summary>
    public void Convolve(GpuTensor input, GpuTensor weights, GpuTensor bias, Filter filter, bool rectify, GpuTensor output)
    {
        var (i, w, z, o) = (input, weights, bias, output);
        var f = Flat(filter);
        var s = ProductShape.Forward(f, i.Stride, w.Stride, rectify);
        if (_cuBlas == null || !f.CoversInput)
        {
            Product(s, w.View4, Taps(f, backward: false, i.Stride), i.View4, z.View, o.View4);
            return;
        }
        _cuBlas.Multiply(Gemm.Forward(i.Rows, o.Rows, w.Stride, i.Stride), i.View, w.View, o.View);
        SumParts(s with { PartSize = o.Count / 4 }, 1, o.Stride / 4, o.View4, z.View, o.View4);
    }

    /// <summary>dInput = gradient by the input: the same product with the weights turned.</summary>
    public void ConvolveBackwardInput(GpuTensor dOutput, GpuTensor weights, Filter filter, GpuTensor dInput)
    {
        var (dO, w, dI) = (dOutput, weights, dInput);
        var f = Flat(filter);
        if (_cuBlas != null && f.CoversInput)
        {
            _cuBlas.Multiply(Gemm.BackwardInput(dI.Rows, dO.Rows, w.Stride, dO.Stride), dO.View, w.View, dI.View);
            return;
        }
        int area = f.SizeY * f.SizeX, channels = WorkQueue.RoundUp(f.Channels, IlgpuDevice.KernelMultiple);
        var turned = _turned.Of((long)f.Kernels * area * channels, queue.Stream); // [K, R, S, C]
        queue.Transpose(new TransposeShape { Rows = f.Channels, Columns = f.Kernels, SourceStride = area * w.Stride, DestinationStride = area * channels, SourceBatchStride = w.Stride, DestinationBatchStride = channels }, area, w.View, turned);
        Product(ProductShape.BackwardInput(f, dO.Stride, channels), turned.Cast<Float4>(), Taps(f, backward: true, dO.Stride), dO.View4, turned, dI.View4);
    }

    /// <summary>dWeights, dBias = gradients by the weights and the bias.</summary>
    public void ConvolveBackwardWeights(GpuTensor input, GpuTensor dOutput, Filter filter, GpuTensor dWeights, GpuTensor dBias)
    {
        var (i, dO, dW, dB) = (input, dOutput, dWeights, dBias);
        var f = Flat(filter);
        SumRows(dO, f.Kernels, dB);
        if (_cuBlas != null && f.CoversInput)
        {
            _cuBlas.Multiply(Gemm.BackwardWeights(i.Rows, dO.Rows, dW.Stride, dO.Stride), dO.View, i.View, dW.View);
            return;
        }
        var s = ProductShape.BackwardWeights(f, dO.Stride, dW.Stride);
        (s.RowTiles, s.PartSize) = (WorkQueue.Tiles(f.Kernels, Products.TileRows), dW.Count / 4);
        int tiles = s.RowTiles * WorkQueue.Tiles(dW.Rows, Products.TileColumns), parts = Cut(ref s, tiles);
        var target = parts == 1 ? dW.View4 : _parts.Of((long)parts * dW.Count, queue.Stream).Cast<Float4>();
        queue.Kernels.Get<ProductShape, ArrayView<Float4>, ArrayView<Tap>, int, ArrayView<Float4>, ArrayView<Float4>>(onTensorCores ? TensorProducts.ConvolveBackwardWeights : Products.ConvolveBackwardWeights, ProductGroups)(
            queue.Stream, new KernelConfig(new Index3D(tiles, parts, 1), new Index3D(Products.Threads, 1, 1)), s, dO.View4, Taps(f, backward: false, i.Stride), dW.Rows, i.View4, target);
        if (parts > 1) SumParts(s, parts, 1, target, dB.View, dW.View4);
    }

    KernelSpecialization ProductGroups => onTensorCores ? TensorProducts.Groups : Products.Groups;

    void Product(ProductShape s, ArrayView<Float4> weights, ArrayView<Tap> taps, ArrayView<Float4> input, ArrayView<float> bias, ArrayView<Float4> output)
    {
        int columns4 = s.Pixels * s.Images4;
        s.RowTiles = WorkQueue.Tiles(s.Rows, Products.TileRows);
        s.PartSize = s.Rows * columns4;
        var whole = s;
        int tiles = s.RowTiles * WorkQueue.Tiles(columns4 * 4, Products.TileColumns), parts = Cut(ref s, tiles);
        if (parts > 1) s.AddBias = s.Rectify = 0;
        var target = parts == 1 ? output : _parts.Of((long)parts * s.PartSize * 4, queue.Stream).Cast<Float4>();
        queue.Kernels.Get<ProductShape, ArrayView<Float4>, ArrayView<Tap>, ArrayView<Float4>, ArrayView<float>, ArrayView<Float4>>(onTensorCores ? TensorProducts.Convolve : Products.Convolve, ProductGroups)(
            queue.Stream, new KernelConfig(new Index3D(tiles, parts, 1), new Index3D(Products.Threads, 1, 1)), s, weights, taps, input, bias, target);
        if (parts > 1) SumParts(whole, parts, columns4, target, bias, output);
    }

    /// <summary>Into how many parts a product's depth is cut so that its groups are enough for a large GPU: a matter of the shape alone.</summary>
    int Cut(ref ProductShape s, int tiles)
    {
        int parts = Math.Clamp(PartsWanted / tiles, 1, Math.Max(1, s.Depth / PartDepthMin));
        s.PartDepth = WorkQueue.RoundUp(WorkQueue.Tiles(s.Depth, parts), onTensorCores ? TensorProducts.Depth : Products.Depth);
        return WorkQueue.Tiles(s.Depth, s.PartDepth);
    }

    void SumParts(ProductShape s, int parts, int rowLength, ArrayView<Float4> values, ArrayView<float> bias, ArrayView<Float4> output) =>
        queue.Kernels.Get<int, int, int, int, int, ArrayView<Float4>, ArrayView<float>, ArrayView<Float4>>(Sums.SumParts)(
            queue.Stream, WorkQueue.Over(s.PartSize), s.PartSize, parts, rowLength, s.AddBias, s.Rectify, values, bias, output);

    void SumRows(GpuTensor values, int rows, GpuTensor sums)
    {
        const int RowPartMin = 4096, RowPartsMax = 16;
        int length = values.Count / rows, parts = Math.Clamp(length / RowPartMin, 1, RowPartsMax), partLength = WorkQueue.Tiles(length, parts);
        var target = parts == 1 ? sums.View : _parts.Of(rows * parts, queue.Stream);
        queue.Kernels.Get<int, int, ArrayView<float>, ArrayView<float>>(Sums.SumRows)(
            queue.Stream, new KernelConfig(new Index3D(rows, parts, 1), new Index3D(Sums.Threads, 1, 1)), length, partLength, values.View, target);
        if (parts > 1) queue.Kernels.Get<int, int, ArrayView<float>, ArrayView<float>>(Sums.SumRowParts)(queue.Stream, WorkQueue.Over(rows), rows, parts, target, sums.View);
    }

    /// <summary>The table of a filter's weights: which value of its source each meets. Made once.</summary>
    ArrayView<Tap> Taps(Filter f, bool backward, int images)
    {
        if (!_taps.TryGetValue((f, backward, images), out var table))
        {
            var taps = TapTable.Of(f, backward, images / 4);
            _taps[(f, backward, images)] = table = queue.Accelerator.Allocate1D<Tap>(taps.Length);
            table.View.CopyFromCPU(queue.Stream, taps);
        }
        return table.View.BaseView;
    }

    /// <summary>A filter that covers its input is one of size 1 on a single pixel whose channels are all values: memory lies so already.</summary>
    static Filter Flat(Filter f) => f.CoversInput ? Filter.FullyConnected(f.Channels * f.Height * f.Width, 1, 1, f.Kernels) : f;

    public void Dispose()
    {
        _cuBlas?.Dispose();
        foreach (var table in _taps.Values) table.Dispose();
        _turned.Dispose();
        _parts.Dispose();
    }
}
