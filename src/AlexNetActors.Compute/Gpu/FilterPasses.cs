using ILGPU;
using ILGPU.Runtime;

namespace AlexNetActors.Compute.Gpu;

/// <summary>
/// The three passes of a filter, convolution or fully connected layer, as products on a queue: convolutions by <see cref="FastConvolution"/>
/// where that was chosen and pays, fully connected layers by BLAS where that was chosen. Expects the accelerator to be entered and shapes to be right.
/// </summary>
sealed class FilterPasses : IDisposable
{
    readonly WorkQueue _queue;
    readonly ProductQueue _products;
    readonly FastConvolution? _fast;
    readonly Scratch<float> _turned, _rowParts;

    public FilterPasses(WorkQueue queue, GpuChoice choice)
    {
        (_queue, _products, _turned, _rowParts) = (queue, new ProductQueue(queue, choice.Precision == ComputePrecision.Tf32), new(queue.Shared), new(queue.Shared));
        if (choice.Convolution == ConvolutionMethod.Fast) _fast = new FastConvolution(queue, _products);
    }

    public int Made => _products.Made + (_fast?.Made ?? 0) + _turned.Made + _rowParts.Made;

    /// <summary>Of the working memory; tables are small.</summary>
    public long Bytes => _products.Bytes + (_fast?.Bytes ?? 0) + _turned.Bytes + _rowParts.Bytes;

    /// <inheritdoc cref="ProductQueue.Blas"/>
    public IBlas? Blas { get => _products.Blas; set => _products.Blas = value; }

    /// <summary>output = weights * input + bias, rectified if asked.</summary>
    public void Convolve(GpuTensor input, GpuTensor weights, GpuTensor bias, Filter filter, bool rectify, GpuTensor output)
    {
        var (i, w, z, o) = (input, weights, bias, output);
        var f = Flat(filter);
        var s = ProductShape.Forward(f, i.Stride, w.Stride, rectify);
        if (Blas is { } blas && f.CoversInput)
        {
            blas.Multiply(Gemm.Forward(i.Rows, o.Rows, w.Stride, i.Stride), i.View, w.View, o.View);
            _products.SumParts(s with { PartSize = o.Count / 4 }, 1, o.Stride / 4, o.View4, z.View, o.View4);
        }
        else if (_fast != null && FastConvolution.Pays(f)) _fast.Convolve(i, w, z, f, rectify, o);
        else _products.Convolve(s, w.View4, f, backward: false, i.View4, z.View, o.View4);
    }

    /// <summary>dInput = gradient by the input: the same product with the weights turned.</summary>
    public void ConvolveBackwardInput(GpuTensor dOutput, GpuTensor weights, Filter filter, GpuTensor dInput)
    {
        var (dO, w, dI) = (dOutput, weights, dInput);
        var f = Flat(filter);
        if (Blas is { } blas && f.CoversInput)
        {
            blas.Multiply(Gemm.BackwardInput(dI.Rows, dO.Rows, w.Stride, dO.Stride), dO.View, w.View, dI.View);
            return;
        }
        int area = f.SizeY * f.SizeX, channels = WorkQueue.RoundUp(f.Channels, IlgpuDevice.KernelMultiple);
        var turned = _turned.Of((long)f.Kernels * area * channels, _queue.Stream); // [K, R, S, C]
        _queue.Transpose(new TransposeShape { Rows = f.Channels, Columns = f.Kernels, SourceStride = area * w.Stride, DestinationStride = area * channels, SourceBatchStride = w.Stride, DestinationBatchStride = channels }, area, w.View, turned);
        if (_fast != null && FastConvolution.Pays(f)) _fast.ConvolveBackwardInput(dO, turned, f, dI);
        else _products.Convolve(ProductShape.BackwardInput(f, dO.Stride, channels), turned.Cast<Float4>(), f, backward: true, dO.View4, turned, dI.View4);
    }

    /// <summary>dWeights, dBias = gradients by the weights and the bias.</summary>
    public void ConvolveBackwardWeights(GpuTensor input, GpuTensor dOutput, Filter filter, GpuTensor dWeights, GpuTensor dBias)
    {
        var (i, dO, dW, dB) = (input, dOutput, dWeights, dBias);
        var f = Flat(filter);
        SumRows(dO, f.Kernels, dB);
        if (Blas is { } blas && f.CoversInput) blas.Multiply(Gemm.BackwardWeights(i.Rows, dO.Rows, dW.Stride, dO.Stride), dO.View, i.View, dW.View);
        else if (_fast != null && FastConvolution.Pays(f)) _fast.ConvolveBackwardWeights(i, dO, f, dW);
        else
        {
            var s = ProductShape.BackwardWeights(f, dO.Stride, dW.Stride) with { PartSize = dW.Count / 4 };
            int parts = _products.Parts(s, dW.Rows);
            var target = parts == 1 ? dW.View4 : _products.Parts(parts, s.PartSize);
            _products.ConvolveBackwardWeights(s, dO.View4, f, dW.Rows, i.View4, target);
            if (parts > 1) _products.SumParts(s, parts, 1, target, dB.View, dW.View4);
        }
    }

    void SumRows(GpuTensor values, int rows, GpuTensor sums)
    {
        const int RowPartMin = 4096, RowPartsMax = 16;
        int length = values.Count / rows, parts = Math.Clamp(length / RowPartMin, 1, RowPartsMax), partLength = WorkQueue.Tiles(length, parts);
        var target = parts == 1 ? sums.View : _rowParts.Of(rows * parts, _queue.Stream);
        _queue.Kernels.Get<int, int, ArrayView<float>, ArrayView<float>>(Sums.SumRows)(
            _queue.Stream, new KernelConfig(new Index3D(rows, parts, 1), new Index3D(Sums.Threads, 1, 1)), length, partLength, values.View, target);
        if (parts > 1) _queue.Kernels.Get<int, int, ArrayView<float>, ArrayView<float>>(Sums.SumRowParts)(_queue.Stream, WorkQueue.Over(rows), rows, parts, target, sums.View);
    }

    /// <summary>A filter that covers its input is one of size 1 on a single pixel whose channels are all values: memory lies so already.</summary>
    static Filter Flat(Filter f) => f.CoversInput ? Filter.FullyConnected(f.Channels * f.Height * f.Width, 1, 1, f.Kernels) : f;

    public void Dispose()
    {
        _fast?.Dispose();
        _products.Dispose();
        _turned.Dispose();
        _rowParts.Dispose();
    }
}
