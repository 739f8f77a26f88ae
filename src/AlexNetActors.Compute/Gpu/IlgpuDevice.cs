using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace AlexNetActors.Compute.Gpu;

/// <summary>
/// A GPU through ILGPU: CUDA, OpenCL, or to test the kernels the processor's threads. One stream; every operation is queued on it and
/// only reading waits. Several devices of one name share the accelerator, each with a stream and memory of its own.
/// </summary>
public sealed class IlgpuDevice : IDevice
{
    /// <summary>Kernels lie in whole 128-bit accesses, images in whole strips of a product.</summary>
    internal const int KernelMultiple = 4, ImageMultiple = 8;

    readonly SharedAccelerator _shared;
    readonly WorkQueue _queue;
    readonly HostTransfers _host;
    readonly CropTransfer _crops;
    readonly Scratch<int> _placements;
    readonly Scratch<float> _shifts, _normalized, _dNormalized;
    readonly FilterPasses _filters;
    readonly List<IDisposable> _tensors = [];
    readonly HashSet<WorkQueue> _readers = []; // of other devices: what they have queued may still read tensors of this one
    readonly long? _memoryBytes;
    long _tensorBytes;
    volatile bool _disposed;

    /// <exception cref="DeviceException">The driver refuses, or cuBLAS does.</exception>
    internal IlgpuDevice(AcceleratorEntry entry, GpuChoice choice)
    {
        (Name, Memory, _memoryBytes, LeavesProcessorFree) = (entry.Name, entry.Memory, entry.MemoryBytes, !entry.IsProcessor);
        _shared = SharedAccelerator.Join(entry);
        try
        {
            using var _ = Enter();
            _queue = new WorkQueue(Name, _shared);
            _host = new HostTransfers(_shared, _queue);
            (_crops, _placements, _shifts, _normalized, _dNormalized) = (new(_shared), new(_shared), new(_shared), new(_shared), new(_shared));
            _filters = new FilterPasses(_queue, choice);
            if (choice.CuBlas is { } library) MultiplyBy(stream => new CuBlas(library, _shared, (CudaStream)stream, choice.Precision));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <inheritdoc cref="ProductQueue.Blas"/>
    internal void MultiplyBy(Func<AcceleratorStream, IBlas> open) => _filters.Blas = open(_queue.Stream);

    public string Name { get; }

    /// <summary>GPUs of one driver reach each other's memory; OpenCL devices only their own.</summary>
    public string Memory { get; }

    public bool LeavesProcessorFree { get; }

    public int Buffers => _tensors.Count + _host.Made + _filters.Made + _normalized.Made + _dNormalized.Made + _crops.Made + _placements.Made + _shifts.Made;

    /// <summary>Bytes of its memory that are taken now, but for tables of taps, and cuBLAS's.</summary>
    internal long BytesHeld => _tensorBytes + _host.Bytes + _filters.Bytes + _normalized.Bytes + _dNormalized.Bytes + _crops.Bytes + _placements.Bytes + _shifts.Bytes;

    public Tensor AllocateActivation(Shape shape) => Allocate(GpuLayout.Activation, shape);
    public Tensor AllocateWeights(Filter filter) => Allocate(GpuLayout.Weights, filter.WeightsShape);
    public Tensor AllocatePlain(Shape shape) => Allocate(GpuLayout.Plain, shape);

    /// <summary>Bytes of a tensor, with what fills it up.</summary>
    internal static long BytesOf(GpuLayout layout, Shape shape)
    {
        var (rows, _, stride) = Arrangement(layout, shape);
        return (rows * stride + 3) / 4 * 4 * sizeof(float); // whole 128-bit accesses
    }

    /// <summary>Bytes of working memory at most, when these are the largest tensors and the filters on so many images: see the scratches.</summary>
    internal static long ScratchBytes(long largestActivation, long largestWeights, long cropBytes, IReadOnlyCollection<Filter> filters, int images) =>
        2 * largestActivation + largestWeights + 2 * cropBytes + FastConvolution.BytesOf(filters, images) + sizeof(float) * ((long)ProductQueue.PartsWanted * Products.TileRows * Products.TileColumns + 2 * HostTransfers.FloatsMax);

    static (long Rows, int Columns, int Stride) Arrangement(GpuLayout layout, Shape shape) => layout switch
    {
        GpuLayout.Activation => (shape.Features, shape.Images, WorkQueue.RoundUp(shape.Images, ImageMultiple)),
        GpuLayout.Weights => (shape.Features, shape.Images, WorkQueue.RoundUp(shape.Images, KernelMultiple)),
        _ => (shape.Count, 1, 1),
    };

    GpuTensor Allocate(GpuLayout layout, Shape shape)
    {
        Require.Allocation(shape);
        var (rows, columns, stride) = Arrangement(layout, shape);
        long bytes = BytesOf(layout, shape);
        if (bytes / sizeof(float) > WorkQueue.ElementsMax) throw new DeviceException($"{Name} cannot hold a tensor {shape} in one piece, of more than {WorkQueue.ElementsMax:N0} values: use a smaller batch (--set batch=N)");
        using var _ = Enter();
        var buffer = _shared.Allocate<float>(bytes / sizeof(float), $"for a tensor {shape} beside {_tensorBytes:N0} that it holds{(_memoryBytes is { } all ? $", of {all:N0}" : "")}");
        _tensorBytes += bytes;
        buffer.MemSetToZero(_queue.Stream);
        _tensors.Add(buffer);
        return new GpuTensor(this, layout, shape, buffer, (int)rows, columns, stride);
    }

    public void WriteChannels(ReadOnlySpan<float> values, int firstChannel, int channels, Tensor destination, ChannelOrder order = ChannelOrder.Canonical)
    {
        var d = Activation(destination);
        Require.Channels("WriteChannels", firstChannel, channels, d.Shape);
        int plane = d.Shape.Height * d.Shape.Width;
        _host.Upload("WriteChannels", values, d, firstChannel * plane, channels * plane);
    }

    public void ReadChannels(Tensor source, int firstChannel, int channels, Span<float> values, ChannelOrder order = ChannelOrder.Canonical)
    {
        var s = Activation(source);
        Require.Channels("ReadChannels", firstChannel, channels, s.Shape);
        int plane = s.Shape.Height * s.Shape.Width;
        _host.Download("ReadChannels", s, firstChannel * plane, channels * plane, values);
    }

    public void Write(ReadOnlySpan<float> canonical, Tensor destination) => _host.Upload("Write", canonical, Of(destination), 0, Of(destination).Rows);

    public void Read(Tensor source, Span<float> canonical) => _host.Download("Read", Of(source), 0, Of(source).Rows, canonical);

    /// <summary>Drawn by the processor: the same bits as everywhere, and once a run.</summary>
    public void DrawNormal(Philox random, ulong first, double deviation, Tensor destination)
    {
        var d = Of(destination);
        int columns = d.Columns == 1 ? 1 : Math.Clamp(HostTransfers.FloatsMax / d.Rows, 1, d.Columns);
        var values = new float[columns * d.Rows];
        for (int column = 0; column < d.Columns; column += columns)
        {
            var part = values.AsSpan(0, Math.Min(columns, d.Columns - column) * d.Rows);
            random.FillNormal(first + (ulong)column * (ulong)d.Rows, deviation, part);
            _host.UploadColumns(part, d, 0, d.Rows, column);
        }
    }

    public void SendAhead(byte[] pixels)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        _crops.SendAhead(pixels);
    }

    public void LoadCrops(ReadOnlySpan<byte> pixels, ReadOnlySpan<Placement> placements, ReadOnlySpan<float> colourShift, Tensor mean, Tensor output)
    {
        var (m, o) = (Plain(mean), Activation(output));
        Require.LoadCrops(pixels.Length, placements, colourShift.Length, m.Shape, o.Shape);
        var (images, _, height, width) = o.Shape;
        var crops = _crops.Receive(pixels);
        using var _ = Enter();
        var pinned = _host.Rent<int>(3 * images);
        for (int b = 0; b < images; b++) (pinned[3 * b], pinned[3 * b + 1], pinned[3 * b + 2]) = (placements[b].Top, placements[b].Left, placements[b].Mirrored ? 1 : 0);
        var places = _host.PinnedToDevice(pinned, _placements);
        var shifts = _host.ToDevice(colourShift, _shifts);
        _queue.Kernels.Get<int, int, int, int, int, ArrayView<byte>, ArrayView<int>, ArrayView<float>, ArrayView<float>, ArrayView<float>>(Transposition.LoadCrops)(
            _queue.Stream, new KernelConfig(WorkQueue.Tiles(images, Transposition.Tile) * WorkQueue.Tiles(height * width * 3, Transposition.Tile), Transposition.Threads),
            images, o.Stride, height, width, m.Shape.Height, crops, places, shifts, m.View, o.View);
    }

    public void Convolve(Tensor input, Tensor weights, Tensor bias, Filter filter, bool rectify, Tensor output)
    {
        var (i, w) = (Activation(input), Weights(weights));
        var (z, o) = (Plain(bias), Activation(output));
        Require.Convolve(i.Shape, w.Shape, z.Shape, filter, o.Shape);
        using var _ = Enter();
        _filters.Convolve(i, w, z, filter, rectify, o);
    }

    public void ConvolveBackwardInput(Tensor dOutput, Tensor weights, Filter filter, Tensor dInput)
    {
        var (dO, w) = (Activation(dOutput), Weights(weights));
        var dI = Activation(dInput);
        Require.ConvolveBackwardInput(dO.Shape, w.Shape, filter, dI.Shape);
        using var _ = Enter();
        _filters.ConvolveBackwardInput(dO, w, filter, dI);
    }

    public void ConvolveBackwardWeights(Tensor input, Tensor dOutput, Filter filter, Tensor dWeights, Tensor dBias)
    {
        var (i, dO) = (Activation(input), Activation(dOutput));
        var (dW, dB) = (Weights(dWeights), Plain(dBias));
        Require.ConvolveBackwardWeights(i.Shape, dO.Shape, filter, dW.Shape, dB.Shape);
        using var _ = Enter();
        _filters.ConvolveBackwardWeights(i, dO, filter, dW, dB);
    }

    public void RectifyBackward(Tensor output, Tensor dOutput)
    {
        var (o, d) = (Activation(output), Activation(dOutput));
        Require.Same("RectifyBackward", "dOutput", d.Shape, o.Shape);
        using var _ = Enter();
        RectifyBackward(o, d);
    }

    public void Normalize(Tensor input, LocalResponse response, Tensor output)
    {
        var (i, o) = (Activation(input), Activation(output));
        Require.Normalize("Normalize", i.Shape, response, o.Shape);
        using var _ = Enter();
        Normalize(i, response, o.View);
    }

    public void NormalizeBackward(Tensor input, Tensor dOutput, LocalResponse response, Tensor dInput)
    {
        var (i, dO, dI) = (Activation(input), Activation(dOutput), Activation(dInput));
        Require.NormalizeBackward("NormalizeBackward", i.Shape, dO.Shape, response, dI.Shape);
        using var _ = Enter();
        NormalizeBackward(i, dO.View, response, rectify: false, dI);
    }

    public void MaxPool(Tensor input, int size, int stride, Tensor output)
    {
        var (i, o) = (Activation(input), Activation(output));
        Require.MaxPool("MaxPool", i.Shape, size, stride, o.Shape);
        using var _ = Enter();
        MaxPool(i.View, PoolOf(i, size, stride, o), o);
    }

    public void MaxPoolBackward(Tensor input, Tensor output, Tensor dOutput, int size, int stride, Tensor dInput)
    {
        var (i, o) = (Activation(input), Activation(output));
        var (dO, dI) = (Activation(dOutput), Activation(dInput));
        Require.MaxPoolBackward("MaxPoolBackward", i.Shape, o.Shape, dO.Shape, size, stride, dI.Shape);
        using var _ = Enter();
        MaxPoolBackward(i.View, PoolOf(i, size, stride, o), o, dO, dI.View, dI.Count);
    }

    /// <summary>One after the other, over memory that all layers share.</summary>
    public void NormalizeMaxPool(Tensor input, LocalResponse response, int size, int stride, Tensor output)
    {
        var (i, o) = (Activation(input), Activation(output));
        Require.Normalize("NormalizeMaxPool", i.Shape, response, i.Shape);
        Require.MaxPool("NormalizeMaxPool", i.Shape, size, stride, o.Shape);
        using var _ = Enter();
        var normalized = _normalized.Of(i.Count, _queue.Stream);
        Normalize(i, response, normalized);
        MaxPool(normalized, PoolOf(i, size, stride, o), o);
    }

    public void NormalizeMaxPoolBackward(Tensor input, Tensor output, Tensor dOutput, LocalResponse response, int size, int stride, Tensor dInput)
    {
        var (i, o) = (Activation(input), Activation(output));
        var (dO, dI) = (Activation(dOutput), Activation(dInput));
        Require.Normalize("NormalizeMaxPoolBackward", i.Shape, response, i.Shape);
        Require.MaxPoolBackward("NormalizeMaxPoolBackward", i.Shape, o.Shape, dO.Shape, size, stride, dI.Shape);
        using var _ = Enter();
        var (normalized, dNormalized) = (_normalized.Of(i.Count, _queue.Stream), _dNormalized.Of(i.Count, _queue.Stream));
        Normalize(i, response, normalized);
        MaxPoolBackward(normalized, PoolOf(i, size, stride, o), o, dO, dNormalized, i.Count);
        NormalizeBackward(i, dNormalized, response, rectify: true, dI);
    }

    public void Dropout(Philox random, double rate, int firstFeature, Tensor activation)
    {
        var a = Activation(activation);
        Require.Dropout(rate, a.Shape);
        using var _ = Enter();
        _queue.Kernels.Get<int, int, int, int, ulong, PhiloxKey, ArrayView<float>>(Elementwise.Dropout)(
            _queue.Stream, WorkQueue.Over(a.Rows * a.Columns), a.Rows, a.Columns, a.Stride, firstFeature, (ulong)(rate * (1L << 32)), PhiloxKey.Of(random), a.View);
    }

    public void Scale(float factor, Tensor activation)
    {
        var a = Activation(activation);
        using var _ = Enter();
        _queue.Kernels.Get<int, float, ArrayView<float>>(Elementwise.Scale)(_queue.Stream, WorkQueue.Over(a.Count), a.Count, factor, a.View);
    }

    public void CopyChannels(Tensor source, int sourceChannel, int channels, Tensor destination, int destinationChannel)
    {
        if (source is not GpuTensor { Layout: GpuLayout.Activation } s || s.Owner.Memory != Memory) throw new ArgumentException($"CopyChannels expects an activation in the memory of {Memory}, got {source.Shape}");
        var (from, to) = Channels("CopyChannels", s, sourceChannel, channels, Activation(destination), destinationChannel);
        using var _ = Enter();
        lock (s.Owner._readers)
        {
            if (s.Owner._disposed) throw new DeviceException($"CopyChannels: the device of the source {source.Shape} is closed");
            if (s.Owner != this) s.Owner._readers.Add(_queue);
            _shared.Reach(s.Owner._shared);
            to.CopyFrom(_queue.Stream, from);
        }
    }

    public void AddChannels(Tensor source, int sourceChannel, int channels, Tensor destination, int destinationChannel)
    {
        var (from, to) = Channels("AddChannels", Activation(source), sourceChannel, channels, Activation(destination), destinationChannel);
        using var _ = Enter();
        int count = (int)from.Length / 4;
        _queue.Kernels.Get<int, ArrayView<Float4>, ArrayView<Float4>>(Elementwise.Add)(_queue.Stream, WorkQueue.Over(count), count, from.Cast<Float4>(), to.Cast<Float4>());
    }

    /// <summary>Channels lie one after the other, each with all its images: those of both tensors are one piece of memory each.</summary>
    static (ArrayView<float> From, ArrayView<float> To) Channels(string operation, GpuTensor source, int sourceChannel, int channels, GpuTensor destination, int destinationChannel)
    {
        Require.CopyChannels(operation, source.Shape, sourceChannel, channels, destination.Shape, destinationChannel);
        int row = destination.Shape.Height * destination.Shape.Width * destination.Stride;
        return (source.View.SubView(sourceChannel * row, channels * row), destination.View.SubView(destinationChannel * row, channels * row));
    }

    public void Descend(Tensor gradient, float rate, float momentum, float decay, Tensor velocity, Tensor weights)
    {
        var w = Of(weights);
        var (g, v) = (Of(gradient, w.Layout), Of(velocity, w.Layout));
        Require.Descend(g.Shape, v.Shape, w.Shape);
        using var _ = Enter();
        _queue.Kernels.Get<int, float, float, float, ArrayView<float>, ArrayView<float>, ArrayView<float>>(Elementwise.Descend)(
            _queue.Stream, WorkQueue.Over(w.Count), w.Count, rate, momentum, decay * rate, g.View, v.View, w.View);
    }

    /// <summary>A few thousand values come to the host, behind one wait: less than a kernel for each of them and its flag.</summary>
    public bool AreFinite(ReadOnlySpan<Tensor> plain)
    {
        int count = 0, at = 0;
        foreach (var tensor in plain) count += Plain(tensor).Count;
        Span<float> values;
        using (Enter())
        {
            values = _host.Rent<float>(count);
            foreach (var tensor in plain)
            {
                var p = (GpuTensor)tensor;
                p.View.SubView(0, p.Count).CopyToCPUUnsafeAsync(_queue.Stream, ref values[at], p.Count);
                at += p.Count;
            }
        }
        _queue.Synchronize();
        bool finite = Finite.All(values);
        _host.Free();
        return finite;
    }

    /// <exception cref="DeviceException">What was queued has failed; the device is of no more use.</exception>
    public void Synchronize()
    {
        _queue.Synchronize();
        _host.Free();
    }

    /// <summary>Until the scope ends the accelerator is this thread's.</summary>
    Lock.Scope Enter()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _shared.Enter();
    }

    public void Dispose()
    {
        lock (_readers)
        {
            if (_disposed) return;
            _disposed = true;
        }
        foreach (var reader in _readers) GiveBack(reader.WaitUnlessClosed); // nobody joins them any more
        using (_shared.Enter())
        {
            GiveBack(() => _queue?.Synchronize());
            IEnumerable<IDisposable?> resources = [.. _tensors, _normalized, _dNormalized, _shifts, _placements, _crops, _filters, _host, _queue];
            foreach (var resource in resources) GiveBack(() => resource?.Dispose()); // one that could not be opened has not all of them
        }
        GiveBack(_shared.Leave);
    }

    /// <summary>A device that is lost refuses that too, as whoever waited for it has heard; the rest is given back all the same.</summary>
    static void GiveBack(Action action)
    {
        try
        {
            action();
        }
        catch (Exception e) when (e is DeviceException or AcceleratorException)
        {
        }
    }

    // What follows expects the accelerator to be entered.

    void RectifyBackward(GpuTensor output, GpuTensor dOutput) =>
        _queue.Kernels.Get<int, ArrayView<Float4>, ArrayView<Float4>>(Elementwise.RectifyBackward)(_queue.Stream, WorkQueue.Over(output.Count / 4), output.Count / 4, output.View4, dOutput.View4);

    void Normalize(GpuTensor input, LocalResponse response, ArrayView<float> output)
    {
        var s = NormOf(input, response);
        if (response.Window == WalkedMaps.Window) _queue.Kernels.Get<NormShape, ArrayView<float>, ArrayView<float>>(WalkedMaps.Normalize)(_queue.Stream, WorkQueue.Over(s.Plane), s, input.View, output);
        else _queue.Kernels.Get<int, NormShape, ArrayView<float>, ArrayView<float>>(Maps.Normalize)(_queue.Stream, WorkQueue.Over(input.Count), input.Count, s, input.View, output);
    }

    /// <summary>Uses the working memory of what is normalised, which is free again by then.</summary>
    void NormalizeBackward(GpuTensor input, ArrayView<float> dOutput, LocalResponse response, bool rectify, GpuTensor dInput)
    {
        var (grid, s) = (WorkQueue.Over(input.Count), NormOf(input, response));
        if (response.Window == WalkedMaps.Window)
        {
            _queue.Kernels.Get<NormShape, int, ArrayView<float>, ArrayView<float>, ArrayView<float>>(WalkedMaps.NormalizeBackward)(_queue.Stream, WorkQueue.Over(s.Plane), s, rectify ? 1 : 0, input.View, dOutput, dInput.View);
            return;
        }
        var shares = _normalized.Of(input.Count, _queue.Stream);
        _queue.Kernels.Get<int, NormShape, ArrayView<float>, ArrayView<float>, ArrayView<float>>(Maps.NormalizeShares)(_queue.Stream, grid, input.Count, s, input.View, dOutput, shares);
        _queue.Kernels.Get<int, NormShape, int, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>>(Maps.NormalizeBackward)(
            _queue.Stream, grid, input.Count, s, rectify ? 1 : 0, input.View, dOutput, shares, dInput.View);
    }

    static NormShape NormOf(GpuTensor input, LocalResponse response) => new()
    {
        Channels = input.Shape.Channels,
        Plane = input.Count / input.Shape.Channels,
        Half = response.Window / 2,
        K = response.K,
        Alpha = response.Alpha,
    };

    void MaxPool(ArrayView<float> input, PoolShape s, GpuTensor output) =>
        _queue.Kernels.Get<int, PoolShape, ArrayView<float>, ArrayView<float>>(Maps.MaxPool)(_queue.Stream, WorkQueue.Over(output.Count), output.Count, s, input, output.View);

    void MaxPoolBackward(ArrayView<float> input, PoolShape s, GpuTensor output, GpuTensor dOutput, ArrayView<float> dInput, int count) =>
        _queue.Kernels.Get<int, PoolShape, ArrayView<Float4>, ArrayView<Float4>, ArrayView<Float4>, ArrayView<Float4>>(Maps.MaxPoolBackward)(
            _queue.Stream, WorkQueue.Over(count / 4), count / 4, s, input.Cast<Float4>(), output.View4, dOutput.View4, dInput.Cast<Float4>());

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

    // What follows names the operation that asks, in its errors.

    GpuTensor Activation(Tensor tensor, [CallerMemberName] string operation = "") => Of(tensor, GpuLayout.Activation, operation);
    GpuTensor Weights(Tensor tensor, [CallerMemberName] string operation = "") => Of(tensor, GpuLayout.Weights, operation);
    GpuTensor Plain(Tensor tensor, [CallerMemberName] string operation = "") => Of(tensor, GpuLayout.Plain, operation);

    GpuTensor Of(Tensor tensor, GpuLayout layout, [CallerMemberName] string operation = "")
    {
        var own = Of(tensor, operation);
        return own.Layout == layout ? own : throw new ArgumentException($"{operation} expects a tensor of kind {layout}, got {own.Layout} {own.Shape}");
    }

    GpuTensor Of(Tensor tensor, [CallerMemberName] string operation = "") =>
        _disposed ? throw new ObjectDisposedException(Name)
        : tensor is GpuTensor own && own.Owner == this ? own : throw new ArgumentException($"{operation} was given a tensor {tensor.Shape} of another device");
}
