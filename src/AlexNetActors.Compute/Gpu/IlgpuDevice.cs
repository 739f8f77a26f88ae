using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace AlexNetActors.Compute.Gpu;

/// <summary>
/// A GPU through ILGPU: CUDA, OpenCL, or to test the kernels the processor's threads. One stream; every operation is queued on it and
/// only reading waits. Several devices of one name share the accelerator, each with a stream and memory of its own.
/// <para>Sums are cut by shape alone, never by what the hardware has: devices of one kind give the same bits.</para>
/// </summary>
public sealed class IlgpuDevice : IDevice
{
    const int Threads = 128;
    const int GroupsMax = 4096;        // of an element-wise kernel: enough to fill any GPU, the rest is its loop
    const int ImageMultiple = 8;       // images lie in whole strips of a product
    const int KernelMultiple = 4;      // kernels in whole 128-bit accesses
    const int PartsWanted = 528;       // groups of a product: four for each of 132 multiprocessors
    const int PartDepthMin = 256;      // shallower parts would cost more to add than they gain
    const int TransferFloatsMax = 1 << 22;

    readonly GpuChoice _choice;
    readonly SharedAccelerator _shared;
    readonly AcceleratorStream _stream;
    readonly CuBlas? _cuBlas;
    readonly PinnedMemory _pinned;
    readonly List<IDisposable> _buffers = [];
    readonly Dictionary<(Filter Filter, bool Backward, int Images), MemoryBuffer1D<Tap, Stride1D.Dense>> _taps = [];
    readonly Scratch<float> _transfer, _turned, _parts, _normalized, _dNormalized;
    readonly CropTransfer _crops;
    readonly Scratch<int> _placements;
    readonly Scratch<float> _shifts;
    readonly long? _memoryBytes;
    int _allocated;
    long _allocatedBytes;
    bool _disposed;

    /// <exception cref="DeviceException">The driver refuses, or cuBLAS does.</exception>
    internal IlgpuDevice(AcceleratorEntry entry, GpuChoice choice)
    {
        (Name, Memory, _memoryBytes, _choice) = (entry.Name, entry.Memory, entry.MemoryBytes, choice);
        _shared = Try($"open {entry.Description}", () => SharedAccelerator.Join(entry));
        using var _ = Enter();
        var accelerator = _shared.Accelerator;
        _stream = accelerator.CreateStream();
        _pinned = new PinnedMemory(accelerator);
        (_transfer, _turned, _parts, _normalized, _dNormalized) = (new(accelerator), new(accelerator), new(accelerator), new(accelerator), new(accelerator));
        (_crops, _placements, _shifts) = (new(accelerator), new(accelerator), new(accelerator));
        try
        {
            if (choice.CuBlas is { } library) _cuBlas = new CuBlas(library, (CudaAccelerator)accelerator, (CudaStream)_stream, choice.Precision);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public string Name { get; }

    /// <summary>GPUs of one driver reach each other's memory; OpenCL devices only their own.</summary>
    public string Memory { get; }

    bool OnTensorCores => _choice.Precision == ComputePrecision.Tf32;

    public int Buffers => _allocated + _taps.Count + _transfer.Made + _turned.Made + _parts.Made + _normalized.Made + _dNormalized.Made + _crops.Made + _placements.Made + _shifts.Made + _pinned.Made;

    /// <summary>Bytes of its memory that are taken now, but for tables of taps, and cuBLAS's.</summary>
    internal long BytesHeld => _allocatedBytes + _transfer.Bytes + _turned.Bytes + _parts.Bytes + _normalized.Bytes + _dNormalized.Bytes + _crops.Bytes + _placements.Bytes + _shifts.Bytes;

    public Tensor AllocateActivation(Shape shape) => Allocate(GpuLayout.Activation, shape);
    public Tensor AllocateWeights(Filter filter) => Allocate(GpuLayout.Weights, filter.WeightsShape);
    public Tensor AllocatePlain(Shape shape) => Allocate(GpuLayout.Plain, shape);

    /// <summary>Bytes of a tensor, with what fills it up.</summary>
    internal static long BytesOf(GpuLayout layout, Shape shape)
    {
        var (rows, _, stride) = Arrangement(layout, shape);
        return (rows * stride + 3) / 4 * 4 * sizeof(float); // whole 128-bit accesses
    }

    /// <summary>Bytes of working memory at most, when these are the largest tensors: see the scratches.</summary>
    internal static long ScratchBytes(long largestActivation, long largestWeights, long cropBytes) =>
        2 * largestActivation + largestWeights + 2 * cropBytes + sizeof(float) * ((long)PartsWanted * Products.TileRows * Products.TileColumns + 2 * TransferFloatsMax);

    static (long Rows, int Columns, int Stride) Arrangement(GpuLayout layout, Shape shape) => layout switch
    {
        GpuLayout.Activation => (shape.Features, shape.Images, RoundUp(shape.Images, ImageMultiple)),
        GpuLayout.Weights => (shape.Features, shape.Images, RoundUp(shape.Images, KernelMultiple)),
        _ => (shape.Count, 1, 1),
    };

    GpuTensor Allocate(GpuLayout layout, Shape shape)
    {
        Require.Allocation(shape);
        var (rows, columns, stride) = Arrangement(layout, shape);
        long bytes = BytesOf(layout, shape);
        if (bytes / sizeof(float) > int.MaxValue) throw new ArgumentException($"a tensor {shape} has more than 2^31 elements: use a smaller batch");
        using var _ = Enter();
        var buffer = Try($"allocate {bytes:N0} bytes for a tensor {shape} beside {_allocatedBytes:N0} that it holds{(_memoryBytes is { } all ? $", of {all:N0}" : "")}",
            () => _shared.Accelerator.Allocate1D<float>(bytes / sizeof(float)));
        _allocatedBytes += bytes;
        buffer.MemSetToZero(_stream);
        _buffers.Add(buffer);
        _allocated++;
        return new GpuTensor(this, layout, shape, buffer, (int)rows, columns, stride);
    }

    public void WriteChannels(ReadOnlySpan<float> canonical, int firstChannel, int channels, Tensor destination)
    {
        var d = Activation(destination, "WriteChannels");
        Require.Channels("WriteChannels", firstChannel, channels, d.Shape);
        int plane = d.Shape.Height * d.Shape.Width;
        Upload("WriteChannels", canonical, d, firstChannel * plane, channels * plane);
    }

    public void ReadChannels(Tensor source, int firstChannel, int channels, Span<float> canonical)
    {
        var s = Activation(source, "ReadChannels");
        Require.Channels("ReadChannels", firstChannel, channels, s.Shape);
        int plane = s.Shape.Height * s.Shape.Width;
        Download("ReadChannels", s, firstChannel * plane, channels * plane, canonical);
    }

    public void Write(ReadOnlySpan<float> canonical, Tensor destination) => Upload("Write", canonical, Of(destination, "Write"), 0, Of(destination, "Write").Rows);

    public void Read(Tensor source, Span<float> canonical) => Download("Read", Of(source, "Read"), 0, Of(source, "Read").Rows, canonical);

    /// <summary>Drawn by the processor: the same bits as everywhere, and once a run.</summary>
    public void DrawNormal(Philox random, ulong first, double deviation, Tensor destination)
    {
        var d = Of(destination, "DrawNormal");
        int columns = d.Columns == 1 ? 1 : Math.Clamp(TransferFloatsMax / d.Rows, 1, d.Columns);
        var values = new float[columns * d.Rows];
        for (int column = 0; column < d.Columns; column += columns)
        {
            var part = values.AsSpan(0, Math.Min(columns, d.Columns - column) * d.Rows);
            random.FillNormal(first + (ulong)column * (ulong)d.Rows, deviation, part);
            UploadColumns(part, d, 0, d.Rows, column);
        }
    }

    public void SendAhead(byte[] pixels)
    {
        using var _ = Enter();
        _crops.SendAhead(pixels);
    }

    public void LoadCrops(ReadOnlySpan<byte> pixels, ReadOnlySpan<Placement> placements, ReadOnlySpan<float> colourShift, Tensor mean, Tensor output)
    {
        var (m, o) = (Plain(mean, "LoadCrops"), Activation(output, "LoadCrops"));
        Require.LoadCrops(pixels.Length, placements, colourShift.Length, m.Shape, o.Shape);
        var (images, _, height, width) = o.Shape;
        using var _ = Enter();
        var crops = _crops.Receive(pixels);
        var pinned = _pinned.Rent<int>(3 * images, _stream);
        for (int b = 0; b < images; b++) (pinned[3 * b], pinned[3 * b + 1], pinned[3 * b + 2]) = (placements[b].Top, placements[b].Left, placements[b].Mirrored ? 1 : 0);
        var places = PinnedToDevice(pinned, _placements);
        var shifts = ToDevice(colourShift, _shifts);
        _shared.Kernels.Get<int, int, int, int, int, ArrayView<byte>, ArrayView<int>, ArrayView<float>, ArrayView<float>, ArrayView<float>>(Transposition.LoadCrops)(
            _stream, new KernelConfig(Tiles(images, Transposition.Tile) * Tiles(height * width * 3, Transposition.Tile), Transposition.Threads),
            images, o.Stride, height, width, m.Shape.Height, crops, places, shifts, m.View, o.View);
    }

    public void Convolve(Tensor input, Tensor weights, Tensor bias, Filter filter, bool rectify, Tensor output)
    {
        var (i, w) = (Activation(input, "Convolve"), Weights(weights, "Convolve"));
        var (z, o) = (Plain(bias, "Convolve"), Activation(output, "Convolve"));
        Require.Convolve(i.Shape, w.Shape, z.Shape, filter, o.Shape);
        var f = Flat(filter);
        using var _ = Enter();
        var s = new ProductShape
        {
            Rows = f.Kernels,
            Depth = f.WeightsShape.Features,
            Images4 = i.Stride / 4,
            Kernels4 = w.Stride / 4,
            Height = f.Height,
            Width = f.Width,
            Pixels = f.OutputHeight * f.OutputWidth,
            RowPixels = f.OutputWidth,
            Stride = f.Stride,
            Origin = -f.Pad,
            PartSize = o.Count / 4,
            AddBias = 1,
            Rectify = rectify ? 1 : 0,
        };
        if (_cuBlas == null || !f.CoversInput)
        {
            Product(s, w.View4, Taps(f, backward: false, i.Stride), i.View4, z.View, o.View4);
            return;
        }
        _cuBlas.Multiply(Gemm.Forward(i.Rows, o.Rows, w.Stride, i.Stride), i.View, w.View, o.View);
        SumParts(s, 1, o.Stride / 4, o.View4, z.View, o.View4);
    }

    public void ConvolveBackwardInput(Tensor dOutput, Tensor weights, Filter filter, Tensor dInput)
    {
        var (dO, w) = (Activation(dOutput, "ConvolveBackwardInput"), Weights(weights, "ConvolveBackwardInput"));
        var dI = Activation(dInput, "ConvolveBackwardInput");
        Require.ConvolveBackwardInput(dO.Shape, w.Shape, filter, dI.Shape);
        var f = Flat(filter);
        using var _ = Enter();
        if (_cuBlas != null && f.CoversInput)
        {
            _cuBlas.Multiply(Gemm.BackwardInput(dI.Rows, dO.Rows, w.Stride, dO.Stride), dO.View, w.View, dI.View);
            return;
        }
        int area = f.SizeY * f.SizeX, channels = RoundUp(f.Channels, KernelMultiple);
        var turned = _turned.Of((long)f.Kernels * area * channels, _stream); // [K, R, S, C]
        Transpose(new TransposeShape { Rows = f.Channels, Columns = f.Kernels, SourceStride = area * w.Stride, DestinationStride = area * channels, SourceBatchStride = w.Stride, DestinationBatchStride = channels }, area, w.View, turned);
        Product(new ProductShape
        {
            Rows = f.Channels,
            Depth = f.Kernels * area,
            Images4 = dO.Stride / 4,
            Kernels4 = channels / 4,
            Height = f.OutputHeight,
            Width = f.OutputWidth,
            Pixels = f.Height * f.Width,
            RowPixels = f.Width,
            Stride = 1,
            Origin = f.Pad,
        }, turned.Cast<Float4>(), Taps(f, backward: true, dO.Stride), dO.View4, turned, dI.View4);
    }

    public void ConvolveBackwardWeights(Tensor input, Tensor dOutput, Filter filter, Tensor dWeights, Tensor dBias)
    {
        var (i, dO) = (Activation(input, "ConvolveBackwardWeights"), Activation(dOutput, "ConvolveBackwardWeights"));
        var (dW, dB) = (Weights(dWeights, "ConvolveBackwardWeights"), Plain(dBias, "ConvolveBackwardWeights"));
        Require.ConvolveBackwardWeights(i.Shape, dO.Shape, filter, dW.Shape, dB.Shape);
        var f = Flat(filter);
        using var _ = Enter();
        SumRows(dO, f.Kernels, dB);
        if (_cuBlas != null && f.CoversInput)
        {
            _cuBlas.Multiply(Gemm.BackwardWeights(i.Rows, dO.Rows, dW.Stride, dO.Stride), dO.View, i.View, dW.View);
            return;
        }
        var s = new ProductShape
        {
            Rows = f.Kernels,
            RowTiles = Tiles(f.Kernels, Products.TileRows),
            Depth = f.OutputHeight * f.OutputWidth * dO.Stride,
            Images4 = dO.Stride / 4,
            Kernels4 = dW.Stride / 4,
            Height = f.Height,
            Width = f.Width,
            Pixels = f.OutputHeight * f.OutputWidth,
            RowPixels = f.OutputWidth,
            Stride = f.Stride,
            Origin = -f.Pad,
            PartSize = dW.Count / 4,
        };
        int tiles = s.RowTiles * Tiles(dW.Rows, Products.TileColumns), parts = Cut(ref s, tiles);
        var target = parts == 1 ? dW.View4 : _parts.Of((long)parts * dW.Count, _stream).Cast<Float4>();
        _shared.Kernels.Get<ProductShape, ArrayView<Float4>, ArrayView<Tap>, int, ArrayView<Float4>, ArrayView<Float4>>(OnTensorCores ? TensorProducts.ConvolveBackwardWeights : Products.ConvolveBackwardWeights, ProductGroups)(
            _stream, new KernelConfig(new Index3D(tiles, parts, 1), new Index3D(Products.Threads, 1, 1)), s, dO.View4, Taps(f, backward: false, i.Stride), dW.Rows, i.View4, target);
        if (parts > 1) SumParts(s, parts, 1, target, dB.View, dW.View4);
    }

    public void RectifyBackward(Tensor output, Tensor dOutput)
    {
        var (o, d) = (Activation(output, "RectifyBackward"), Activation(dOutput, "RectifyBackward"));
        Require.Same("RectifyBackward", "dOutput", d.Shape, o.Shape);
        using var _ = Enter();
        RectifyBackward(o, d);
    }

    public void Normalize(Tensor input, LocalResponse response, Tensor output)
    {
        var (i, o) = (Activation(input, "Normalize"), Activation(output, "Normalize"));
        Require.Normalize("Normalize", i.Shape, response, o.Shape);
        using var _ = Enter();
        Normalize(i, response, o.View);
    }

    public void NormalizeBackward(Tensor input, Tensor dOutput, LocalResponse response, Tensor dInput)
    {
        var (i, dO, dI) = (Activation(input, "NormalizeBackward"), Activation(dOutput, "NormalizeBackward"), Activation(dInput, "NormalizeBackward"));
        Require.NormalizeBackward("NormalizeBackward", i.Shape, dO.Shape, response, dI.Shape);
        using var _ = Enter();
        NormalizeBackward(i, dO.View, response, dI);
    }

    public void MaxPool(Tensor input, int size, int stride, Tensor output)
    {
        var (i, o) = (Activation(input, "MaxPool"), Activation(output, "MaxPool"));
        Require.MaxPool("MaxPool", i.Shape, size, stride, o.Shape);
        using var _ = Enter();
        MaxPool(i.View, PoolOf(i, size, stride, o), o);
    }

    public void MaxPoolBackward(Tensor input, Tensor output, Tensor dOutput, int size, int stride, Tensor dInput)
    {
        var (i, o) = (Activation(input, "MaxPoolBackward"), Activation(output, "MaxPoolBackward"));
        var (dO, dI) = (Activation(dOutput, "MaxPoolBackward"), Activation(dInput, "MaxPoolBackward"));
        Require.MaxPoolBackward("MaxPoolBackward", i.Shape, o.Shape, dO.Shape, size, stride, dI.Shape);
        using var _ = Enter();
        MaxPoolBackward(i.View, PoolOf(i, size, stride, o), o, dO, dI.View, dI.Count);
    }

    /// <summary>One after the other, over memory that all layers share.</summary>
    public void NormalizeMaxPool(Tensor input, LocalResponse response, int size, int stride, Tensor output)
    {
        var (i, o) = (Activation(input, "NormalizeMaxPool"), Activation(output, "NormalizeMaxPool"));
        Require.Normalize("NormalizeMaxPool", i.Shape, response, i.Shape);
        Require.MaxPool("NormalizeMaxPool", i.Shape, size, stride, o.Shape);
        using var _ = Enter();
        var normalized = _normalized.Of(i.Count, _stream);
        Normalize(i, response, normalized);
        MaxPool(normalized, PoolOf(i, size, stride, o), o);
    }

    public void NormalizeMaxPoolBackward(Tensor input, Tensor output, Tensor dOutput, LocalResponse response, int size, int stride, Tensor dInput)
    {
        var (i, o) = (Activation(input, "NormalizeMaxPoolBackward"), Activation(output, "NormalizeMaxPoolBackward"));
        var (dO, dI) = (Activation(dOutput, "NormalizeMaxPoolBackward"), Activation(dInput, "NormalizeMaxPoolBackward"));
        Require.Normalize("NormalizeMaxPoolBackward", i.Shape, response, i.Shape);
        Require.MaxPoolBackward("NormalizeMaxPoolBackward", i.Shape, o.Shape, dO.Shape, size, stride, dI.Shape);
        using var _ = Enter();
        var (normalized, dNormalized) = (_normalized.Of(i.Count, _stream), _dNormalized.Of(i.Count, _stream));
        Normalize(i, response, normalized);
        MaxPoolBackward(normalized, PoolOf(i, size, stride, o), o, dO, dNormalized, i.Count);
        NormalizeBackward(i, dNormalized, response, dI);
        RectifyBackward(i, dI);
    }

    public void Dropout(Philox random, double rate, int firstFeature, Tensor activation)
    {
        var a = Activation(activation, "Dropout");
        Require.Dropout(rate, a.Shape);
        using var _ = Enter();
        _shared.Kernels.Get<int, int, int, int, ulong, PhiloxKey, ArrayView<float>>(Elementwise.Dropout)(
            _stream, Over(a.Rows * a.Columns), a.Rows, a.Columns, a.Stride, firstFeature, (ulong)(rate * (1L << 32)), PhiloxKey.Of(random), a.View);
    }

    public void Scale(float factor, Tensor activation)
    {
        var a = Activation(activation, "Scale");
        using var _ = Enter();
        _shared.Kernels.Get<int, float, ArrayView<float>>(Elementwise.Scale)(_stream, Over(a.Count), a.Count, factor, a.View);
    }

    public void CopyChannels(Tensor source, int sourceChannel, int channels, Tensor destination, int destinationChannel)
    {
        var (from, to) = Channels("CopyChannels", source, sourceChannel, channels, destination, destinationChannel);
        using var _ = Enter();
        // From one GPU to another directly where the driver can; where it cannot it takes the way through the host by itself.
        if (((GpuTensor)source).Owner._shared is { } other && other != _shared) _shared.Accelerator.EnablePeerAccess(other.Accelerator);
        to.CopyFrom(_stream, from);
    }

    public void AddChannels(Tensor source, int sourceChannel, int channels, Tensor destination, int destinationChannel)
    {
        var (from, to) = Channels("AddChannels", source, sourceChannel, channels, destination, destinationChannel);
        using var _ = Enter();
        int count = (int)from.Length / 4;
        _shared.Kernels.Get<int, ArrayView<Float4>, ArrayView<Float4>>(Elementwise.Add)(_stream, Over(count), count, from.Cast<Float4>(), to.Cast<Float4>());
    }

    /// <summary>Channels lie one after the other, each with all its images: those of both tensors are one piece of memory each.</summary>
    (ArrayView<float> From, ArrayView<float> To) Channels(string operation, Tensor source, int sourceChannel, int channels, Tensor destination, int destinationChannel)
    {
        var d = Activation(destination, operation);
        if (source is not GpuTensor { Layout: GpuLayout.Activation } s || s.Owner.Memory != Memory) throw new ArgumentException($"{operation} expects an activation in the memory of {Memory}, got {source.Shape}");
        Require.CopyChannels(operation, s.Shape, sourceChannel, channels, d.Shape, destinationChannel);
        int row = d.Shape.Height * d.Shape.Width * d.Stride;
        return (s.View.SubView(sourceChannel * row, channels * row), d.View.SubView(destinationChannel * row, channels * row));
    }

    public void Descend(Tensor gradient, float rate, float momentum, float decay, Tensor velocity, Tensor weights)
    {
        var w = Of(weights, "Descend");
        var (g, v) = (Of(gradient, w.Layout, "Descend"), Of(velocity, w.Layout, "Descend"));
        Require.Descend(g.Shape, v.Shape, w.Shape);
        using var _ = Enter();
        _shared.Kernels.Get<int, float, float, float, ArrayView<float>, ArrayView<float>, ArrayView<float>>(Elementwise.Descend)(
            _stream, Over(w.Count), w.Count, rate, momentum, decay * rate, g.View, v.View, w.View);
    }

    /// <exception cref="DeviceException">What was queued has failed; the device is of no more use.</exception>
    public void Synchronize()
    {
        try
        {
            _stream.Synchronize();
        }
        catch (AcceleratorException e)
        {
            throw new DeviceException($"{Name} has failed and is lost to this process: {e.Message.TrimEnd('.')}; go on from the last checkpoint with --resume", e);
        }
        _pinned.Free();
    }

    /// <summary>Until the scope ends the accelerator is this thread's.</summary>
    Lock.Scope Enter()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _shared.Enter();
    }

    /// <summary>What the driver refuses becomes one line.</summary>
    T Try<T>(string what, Func<T> action)
    {
        try
        {
            return action();
        }
        catch (Exception e) when (e is AcceleratorException or NotSupportedException or OutOfMemoryException)
        {
            throw new DeviceException($"{Name} cannot {what}: {e.Message.TrimEnd('.')}", e);
        }
    }

    public void Dispose()
    {
        if (_disposed) return;
        using (Enter())
        {
            _disposed = true;
            try
            {
                _stream.Synchronize();
            }
            catch (AcceleratorException)
            {
                // Lost already, as whoever waited for it has heard; what it held is given back all the same.
            }
            foreach (var resource in Resources()) resource.Dispose();
        }
        _shared.Leave();
    }

    /// <summary>All that is this device's, the stream last.</summary>
    IEnumerable<IDisposable> Resources() =>
        [.. _buffers, .. _taps.Values, _transfer, _turned, _parts, _normalized, _dNormalized, _shifts, _crops, _placements, .. _cuBlas is null ? Array.Empty<IDisposable>() : [_cuBlas], _pinned, _stream];

    // What follows expects the accelerator to be entered.

    KernelSpecialization ProductGroups => OnTensorCores ? TensorProducts.Groups : Products.Groups;

    void Product(ProductShape s, ArrayView<Float4> weights, ArrayView<Tap> taps, ArrayView<Float4> input, ArrayView<float> bias, ArrayView<Float4> output)
    {
        int columns4 = s.Pixels * s.Images4;
        s.RowTiles = Tiles(s.Rows, Products.TileRows);
        s.PartSize = s.Rows * columns4;
        var whole = s;
        int tiles = s.RowTiles * Tiles(columns4 * 4, Products.TileColumns), parts = Cut(ref s, tiles);
        if (parts > 1) s.AddBias = s.Rectify = 0;
        var target = parts == 1 ? output : _parts.Of((long)parts * s.PartSize * 4, _stream).Cast<Float4>();
        _shared.Kernels.Get<ProductShape, ArrayView<Float4>, ArrayView<Tap>, ArrayView<Float4>, ArrayView<float>, ArrayView<Float4>>(OnTensorCores ? TensorProducts.Convolve : Products.Convolve, ProductGroups)(
            _stream, new KernelConfig(new Index3D(tiles, parts, 1), new Index3D(Products.Threads, 1, 1)), s, weights, taps, input, bias, target);
        if (parts > 1) SumParts(whole, parts, columns4, target, bias, output);
    }

    /// <summary>Into how many parts a product's depth is cut so that its groups are enough for a large GPU: a matter of the shape alone.</summary>
    int Cut(ref ProductShape s, int tiles)
    {
        int parts = Math.Clamp(PartsWanted / tiles, 1, Math.Max(1, s.Depth / PartDepthMin));
        s.PartDepth = RoundUp(Tiles(s.Depth, parts), OnTensorCores ? TensorProducts.Depth : Products.Depth);
        return Tiles(s.Depth, s.PartDepth);
    }

    void SumParts(ProductShape s, int parts, int rowLength, ArrayView<Float4> values, ArrayView<float> bias, ArrayView<Float4> output) =>
        _shared.Kernels.Get<int, int, int, int, int, ArrayView<Float4>, ArrayView<float>, ArrayView<Float4>>(Sums.SumParts)(
            _stream, Over(s.PartSize), s.PartSize, parts, rowLength, s.AddBias, s.Rectify, values, bias, output);

    void SumRows(GpuTensor values, int rows, GpuTensor sums)
    {
        const int RowPartMin = 4096, RowPartsMax = 16;
        int length = values.Count / rows, parts = Math.Clamp(length / RowPartMin, 1, RowPartsMax), partLength = Tiles(length, parts);
        var target = parts == 1 ? sums.View : _parts.Of(rows * parts, _stream);
        _shared.Kernels.Get<int, int, ArrayView<float>, ArrayView<float>>(Sums.SumRows)(
            _stream, new KernelConfig(new Index3D(rows, parts, 1), new Index3D(Sums.Threads, 1, 1)), length, partLength, values.View, target);
        if (parts > 1) _shared.Kernels.Get<int, int, ArrayView<float>, ArrayView<float>>(Sums.SumRowParts)(_stream, Over(rows), rows, parts, target, sums.View);
    }

    void RectifyBackward(GpuTensor output, GpuTensor dOutput) =>
        _shared.Kernels.Get<int, ArrayView<Float4>, ArrayView<Float4>>(Elementwise.RectifyBackward)(_stream, Over(output.Count / 4), output.Count / 4, output.View4, dOutput.View4);

    void Normalize(GpuTensor input, LocalResponse response, ArrayView<float> output) =>
        _shared.Kernels.Get<int, int, int, float, float, int, ArrayView<float>, ArrayView<float>>(Maps.Normalize)(
            _stream, Over(input.Count), input.Count, input.Shape.Channels, input.Count / input.Shape.Channels, response.K, response.Alpha, response.Window / 2, input.View, output);

    void NormalizeBackward(GpuTensor input, ArrayView<float> dOutput, LocalResponse response, GpuTensor dInput) =>
        _shared.Kernels.Get<int, int, int, float, float, int, ArrayView<float>, ArrayView<float>, ArrayView<float>>(Maps.NormalizeBackward)(
            _stream, Over(input.Count), input.Count, input.Shape.Channels, input.Count / input.Shape.Channels, response.K, response.Alpha, response.Window / 2, input.View, dOutput, dInput.View);

    void MaxPool(ArrayView<float> input, PoolShape s, GpuTensor output) =>
        _shared.Kernels.Get<int, PoolShape, ArrayView<float>, ArrayView<float>>(Maps.MaxPool)(_stream, Over(output.Count), output.Count, s, input, output.View);

    void MaxPoolBackward(ArrayView<float> input, PoolShape s, GpuTensor output, GpuTensor dOutput, ArrayView<float> dInput, int count) =>
        _shared.Kernels.Get<int, PoolShape, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>>(Maps.MaxPoolBackward)(
            _stream, Over(count), count, s, input, output.View, dOutput.View, dInput);

    static PoolShape PoolOf(GpuTensor input, int size, int stride, GpuTensor output) => new()
    {
        Height = input.Shape.Height,
        Width = input.Shape.Width,
        OutputHeight = output.Shape.Height,
        OutputWidth = output.Shape.Width,
        Images = input.Stride,
        Size = size,
        Stride = stride,
    };

    void Transpose(TransposeShape s, int matrices, ArrayView<float> source, ArrayView<float> destination) =>
        _shared.Kernels.Get<TransposeShape, ArrayView<float>, ArrayView<float>>(Transposition.Transpose)(
            _stream, new KernelConfig(new Index3D(s.Tiles, matrices, 1), new Index3D(Transposition.Threads, 1, 1)), s, source, destination);

    /// <summary>Canonical [columns, rows] into rows [firstRow, firstRow + rows) of a tensor, as many images at a time as are worth a copy.</summary>
    void Upload(string operation, ReadOnlySpan<float> canonical, GpuTensor destination, int firstRow, int rows)
    {
        Require.Length(operation, "values", canonical.Length, (long)rows * destination.Columns);
        if (destination.Stride == 1) // canonical there as here
        {
            using var _ = Enter();
            var pinned = Pin(canonical);
            destination.View.CopyFromCPUUnsafeAsync(_stream, ref MemoryMarshal.GetReference(pinned), pinned.Length);
            return;
        }
        int columns = ColumnsAtOnce(destination, rows);
        for (int column = 0; column < destination.Columns; column += columns)
            UploadColumns(canonical.Slice(column * rows, Math.Min(columns, destination.Columns - column) * rows), destination, firstRow, rows, column);
    }

    void UploadColumns(ReadOnlySpan<float> canonical, GpuTensor destination, int firstRow, int rows, int column)
    {
        using var _ = Enter();
        var values = ToDevice(canonical, _transfer);
        var s = new TransposeShape { Rows = canonical.Length / rows, Columns = rows, SourceStride = rows, DestinationStride = destination.Stride };
        Transpose(s, 1, values, destination.View.SubView(firstRow * destination.Stride + column));
    }

    void Download(string operation, GpuTensor source, int firstRow, int rows, Span<float> canonical)
    {
        Require.Length(operation, "values", canonical.Length, (long)rows * source.Columns);
        int columns = ColumnsAtOnce(source, rows);
        for (int column = 0; column < source.Columns; column += columns)
        {
            int count = Math.Min(columns, source.Columns - column);
            Span<float> pinned;
            using (Enter())
            {
                var turned = _transfer.Of(count * rows, _stream);
                Transpose(new TransposeShape { Rows = rows, Columns = count, SourceStride = source.Stride, DestinationStride = rows }, 1, source.View.SubView(firstRow * source.Stride + column), turned);
                pinned = _pinned.Rent<float>(count * rows, _stream);
                turned.CopyToCPUUnsafeAsync(_stream, ref MemoryMarshal.GetReference(pinned), count * rows);
            }
            Synchronize();
            pinned.CopyTo(canonical[(column * rows)..]);
        }
    }

    static int ColumnsAtOnce(GpuTensor tensor, int rows) => Math.Clamp(TransferFloatsMax / rows, 1, tensor.Columns);

    /// <summary>Through page-locked memory, so that the copy runs behind the call.</summary>
    ArrayView<T> ToDevice<T>(ReadOnlySpan<T> values, Scratch<T> scratch) where T : unmanaged => PinnedToDevice(Pin(values), scratch);

    ArrayView<T> PinnedToDevice<T>(Span<T> pinned, Scratch<T> scratch) where T : unmanaged
    {
        var view = scratch.Of(pinned.Length, _stream);
        view.CopyFromCPUUnsafeAsync(_stream, ref MemoryMarshal.GetReference(pinned), pinned.Length);
        return view;
    }

    Span<T> Pin<T>(ReadOnlySpan<T> values) where T : unmanaged
    {
        var pinned = _pinned.Rent<T>(values.Length, _stream);
        values.CopyTo(pinned);
        return pinned;
    }

    /// <summary>The table of a filter's weights: which value of its source each meets. Made once.</summary>
    ArrayView<Tap> Taps(Filter f, bool backward, int images)
    {
        if (!_taps.TryGetValue((f, backward, images), out var table))
        {
            var taps = TapTable.Of(f, backward, images / 4);
            _taps[(f, backward, images)] = table = _shared.Accelerator.Allocate1D<Tap>(taps.Length);
            table.View.CopyFromCPU(_stream, taps);
        }
        return table.View.BaseView;
    }

    /// <summary>A filter that covers its input is one of size 1 on a single pixel whose channels are all values: memory lies so already.</summary>
    static Filter Flat(Filter f) => f.CoversInput ? Filter.FullyConnected(f.Channels * f.Height * f.Width, 1, 1, f.Kernels) : f;

    static KernelConfig Over(int count) => new(Math.Min(Tiles(count, Threads), GroupsMax), Threads);

    static int Tiles(int count, int size) => (count + size - 1) / size;

    static int RoundUp(int count, int multiple) => Tiles(count, multiple) * multiple;

    GpuTensor Activation(Tensor tensor, string operation) => Of(tensor, GpuLayout.Activation, operation);
    GpuTensor Weights(Tensor tensor, string operation) => Of(tensor, GpuLayout.Weights, operation);
    GpuTensor Plain(Tensor tensor, string operation) => Of(tensor, GpuLayout.Plain, operation);

    GpuTensor Of(Tensor tensor, GpuLayout layout, string operation)
    {
        var own = Of(tensor, operation);
        return own.Layout == layout ? own : throw new ArgumentException($"{operation} expects a tensor of kind {layout}, got {own.Layout} {own.Shape}");
    }

    GpuTensor Of(Tensor tensor, string operation) =>
        tensor is GpuTensor own && own.Owner == this ? own : throw new ArgumentException($"{operation} was given a tensor {tensor.Shape} of another device");
}
