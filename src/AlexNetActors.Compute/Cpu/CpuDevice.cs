using System.Runtime.CompilerServices;

namespace AlexNetActors.Compute.Cpu;

/// <summary>
/// The processor as a device: C# with explicit vectors, on the caller's thread and, if asked, some of its own. Results are the same
/// bits for any number of threads, and for every <see cref="SimdLevel"/> on processors that fuse multiply and add.
/// <para>NaN is never hidden: it passes the rectifier and maximum pooling.</para>
/// </summary>
public sealed unsafe class CpuDevice : IDevice
{
    readonly ThreadTeam team;
    readonly List<CpuTensor> tensors = [];
    readonly Workspace memory = new();
    readonly FilterPasses filters;
    bool disposed;

    /// <param name="threads">Threads that share each operation, the caller's included.</param>
    /// <param name="level">Null: what the environment variable ALEXNET_SIMD (128, 256 or 512) says, else the best there is.</param>
    /// <param name="method">How it convolves.</param>
    /// <exception cref="ArgumentException">Less than one thread, or a level that this processor does not have.</exception>
    public CpuDevice(int threads = 1, SimdLevel? level = null, ConvolutionMethod method = ConvolutionMethod.Fast)
    {
        if (threads < 1) throw new ArgumentException($"a device needs at least 1 thread, got {threads}");
        Level = SimdLevels.Choose(level, Environment.GetEnvironmentVariable(SimdLevels.Variable));
        Name = method == ConvolutionMethod.Fast ? "cpu" : "cpu-direct";
        team = new ThreadTeam(threads, Level, Name);
        filters = new FilterPasses(team, memory, method);
    }

    public string Name { get; }
    public string Memory => "cpu";
    public int Buffers => tensors.Count + memory.Made;
    public SimdLevel Level { get; }

    public Tensor AllocateActivation(Shape shape) => Allocate(CpuLayout.Activation, shape);

    public Tensor AllocateWeights(Filter filter) => Allocate(WeightsLayout(filter), filter.WeightsShape);

    public Tensor AllocatePlain(Shape shape) => Allocate(CpuLayout.Plain, shape);

    public void WriteChannels(ReadOnlySpan<float> values, int firstChannel, int channels, Tensor destination, ChannelOrder order = ChannelOrder.Canonical)
    {
        var d = Activation(destination);
        fixed (float* v = values) CopyActivation(CopyDirection.ToDevice, v, values.Length, d, firstChannel, channels, order);
    }

    public void ReadChannels(Tensor source, int firstChannel, int channels, Span<float> values, ChannelOrder order = ChannelOrder.Canonical)
    {
        var s = Activation(source);
        fixed (float* v = values) CopyActivation(CopyDirection.FromDevice, v, values.Length, s, firstChannel, channels, order);
    }

    public Memory<byte> WhereItLies(Tensor activation)
    {
        var a = Activation(activation);
        return HasOwnOrder(a.Shape) && a.Floats <= int.MaxValue / sizeof(float) ? a.Bytes : default;
    }

    /// <summary>Blocks of 32 images, as they lie; where the last is not full, those past the last image would take room.</summary>
    static bool HasOwnOrder(Shape activation) => activation.Images % 32 == 0;

    public void Write(ReadOnlySpan<float> canonical, Tensor destination)
    {
        fixed (float* c = canonical) Copy(CopyDirection.ToDevice, c, canonical.Length, Of(destination));
    }

    public void Read(Tensor source, Span<float> canonical)
    {
        fixed (float* c = canonical) Copy(CopyDirection.FromDevice, c, canonical.Length, Of(source));
    }

    public void DrawNormal(Philox random, ulong first, double deviation, Tensor destination)
    {
        var d = Of(destination);
        if (d.Layout is CpuLayout.Activation or CpuLayout.Plain)
        {
            var values = new float[d.Shape.Count];
            random.FillNormal(first, deviation, values);
            Write(values, destination);
            return;
        }
        float* rows = memory.Scratch((long)d.Shape.Features * team.Count);
        team.Run(new DrawNormal { Random = random, First = first, Deviation = deviation, Rows = rows, Copy = CopyOf(CopyDirection.ToDevice, null, d) });
    }

    /// <summary>They are in its memory.</summary>
    public void SendAhead(byte[] pixels) { }

    public void LoadCrops(ReadOnlySpan<byte> pixels, ReadOnlySpan<Placement> placements, ReadOnlySpan<float> colourShift, Tensor mean, Tensor output)
    {
        var (m, o) = (Plain(mean), Activation(output));
        var (B, _, H, W) = o.Shape;
        Require.LoadCrops(pixels.Length, placements, colourShift.Length, m.Shape, o.Shape);
        fixed (byte* crops = pixels)
        fixed (Placement* places = placements)
        fixed (float* shifts = colourShift)
            team.Run(new LoadCrops
            {
                Pixels = crops,
                Placements = places,
                ColourShift = shifts,
                Mean = m.Pointer,
                MeanWidth = m.Shape.Height,
                Images = B,
                H = H,
                W = W,
                Scratch = memory.Scratch(Cpu.LoadCrops.ScratchOf(W) * team.Count),
                Output = o.Pointer,
            });
    }

    public void Convolve(Tensor input, Tensor weights, Tensor bias, Filter filter, bool rectify, Tensor output)
    {
        var (i, w, z, o) = (Activation(input), Weights(weights, filter), Plain(bias), Activation(output));
        Require.Convolve(i.Shape, w.Shape, z.Shape, filter, o.Shape);
        filters.Convolve(i, w, z, filter, rectify, o);
        ClearPadding(o); // the bias is there too
    }

    public void ConvolveBackwardInput(Tensor dOutput, Tensor weights, Filter filter, Tensor dInput)
    {
        var (dO, w, dI) = (Activation(dOutput), Weights(weights, filter), Activation(dInput));
        Require.ConvolveBackwardInput(dO.Shape, w.Shape, filter, dI.Shape);
        filters.ConvolveBackwardInput(dO, w, filter, dI);
    }

    public void ConvolveBackwardWeights(Tensor input, Tensor dOutput, Filter filter, Tensor dWeights, Tensor dBias)
    {
        var (i, dO, dW, dB) = (Activation(input), Activation(dOutput), Weights(dWeights, filter), Plain(dBias));
        Require.ConvolveBackwardWeights(i.Shape, dO.Shape, filter, dW.Shape, dB.Shape);
        filters.ConvolveBackwardWeights(i, dO, filter, dW, dB);
    }

    public void RectifyBackward(Tensor output, Tensor dOutput)
    {
        var (o, d) = (Activation(output), Activation(dOutput));
        Require.Same("RectifyBackward", "dOutput", d.Shape, o.Shape);
        team.Run(new RectifyBackward { Output = o.Pointer, DOutput = d.Pointer, Floats = o.Floats });
    }

    public void Normalize(Tensor input, LocalResponse response, Tensor output)
    {
        var (i, o) = (Activation(input), Activation(output));
        Require.Normalize("Normalize", i.Shape, response, o.Shape);
        RunLocalResponseNorm(i, null, response, o);
    }

    public void NormalizeBackward(Tensor input, Tensor dOutput, LocalResponse response, Tensor dInput)
    {
        var (i, dO, dI) = (Activation(input), Activation(dOutput), Activation(dInput));
        Require.NormalizeBackward("NormalizeBackward", i.Shape, dO.Shape, response, dI.Shape);
        RunLocalResponseNorm(i, dO.Pointer, response, dI);
    }

    void RunLocalResponseNorm(CpuTensor input, float* dOutput, LocalResponse response, CpuTensor output)
    {
        team.Run(new LocalResponseNorm
        {
            Input = input.Pointer,
            DOutput = dOutput,
            Pixels = input.ImageBlocks * input.Shape.Height * input.Shape.Width,
            C = input.Shape.Channels,
            Response = response,
            Scratch = memory.Scratch(LocalResponseNorm.ScratchOf(input.Shape.Channels, response) * team.Count),
            Output = output.Pointer,
        });
    }

    public void MaxPool(Tensor input, int size, int stride, Tensor output)
    {
        var (i, o) = (Activation(input), Activation(output));
        Require.MaxPool("MaxPool", i.Shape, size, stride, o.Shape);
        team.Run(new MaxPooling
        {
            Input = i.Pointer,
            ImageBlocks = i.ImageBlocks,
            C = i.Shape.Channels,
            H = i.Shape.Height,
            W = i.Shape.Width,
            Size = size,
            Stride = stride,
            Output = o.Pointer,
            OH = o.Shape.Height,
            OW = o.Shape.Width,
        });
    }

    public void MaxPoolBackward(Tensor input, Tensor output, Tensor dOutput, int size, int stride, Tensor dInput)
    {
        var (i, o, dO, dI) = (Activation(input), Activation(output), Activation(dOutput), Activation(dInput));
        Require.MaxPoolBackward("MaxPoolBackward", i.Shape, o.Shape, dO.Shape, size, stride, dI.Shape);
        team.Run(new MaxPoolingBackward
        {
            Input = i.Pointer,
            Output = o.Pointer,
            DOutput = dO.Pointer,
            ImageBlocks = i.ImageBlocks,
            C = i.Shape.Channels,
            H = i.Shape.Height,
            W = i.Shape.Width,
            Size = size,
            Stride = stride,
            OH = o.Shape.Height,
            OW = o.Shape.Width,
            DInput = dI.Pointer,
        });
    }

    public void NormalizeMaxPool(Tensor input, LocalResponse response, int size, int stride, Tensor output)
    {
        var (i, o) = (Activation(input), Activation(output));
        Require.MaxPool("NormalizeMaxPool", i.Shape, size, stride, o.Shape);
        Require.Normalize("NormalizeMaxPool", i.Shape, response, i.Shape);
        RunNormalizedPooling(i, o, null, response, size, stride, null);
    }

    public void NormalizeMaxPoolBackward(Tensor input, Tensor output, Tensor dOutput, LocalResponse response, int size, int stride, Tensor dInput)
    {
        var (i, o, dO, dI) = (Activation(input), Activation(output), Activation(dOutput), Activation(dInput));
        Require.MaxPoolBackward("NormalizeMaxPoolBackward", i.Shape, o.Shape, dO.Shape, size, stride, dI.Shape);
        Require.Normalize("NormalizeMaxPoolBackward", i.Shape, response, i.Shape);
        RunNormalizedPooling(i, o, dO.Pointer, response, size, stride, dI);
    }

    void RunNormalizedPooling(CpuTensor input, CpuTensor output, float* dOutput, LocalResponse response, int size, int stride, CpuTensor? dInput)
    {
        var work = new NormalizedPooling
        {
            Input = input.Pointer,
            ImageBlocks = input.ImageBlocks,
            C = input.Shape.Channels,
            H = input.Shape.Height,
            W = input.Shape.Width,
            Response = response,
            Size = size,
            Stride = stride,
            OH = output.Shape.Height,
            OW = output.Shape.Width,
            Output = output.Pointer,
            IsBackward = dOutput != null,
            DOutput = dOutput,
            DInput = dInput == null ? null : dInput.Pointer,
            StoreThrough = input.Floats >= Cache.LargeFloats,
        };
        work.Scratch = memory.Scratch(work.ScratchFloats * team.Count);
        team.Run(work);
    }

    public void Dropout(Philox random, double rate, int firstFeature, Tensor activation)
    {
        var a = Activation(activation);
        Require.Dropout(rate, a.Shape);
        team.Run(new Dropout
        {
            Random = random,
            Threshold = (ulong)(rate * (1L << 32)),
            FirstFeature = firstFeature,
            Images = a.Shape.Images,
            C = a.Shape.Channels,
            Activation = a.Pointer,
        });
    }

    public void Scale(float factor, Tensor activation)
    {
        var a = Activation(activation);
        team.Run(new Scale { Factor = factor, Values = a.Pointer, Floats = a.Floats });
    }

    public void CopyChannels(Tensor source, int sourceChannel, int channels, Tensor destination, int destinationChannel) =>
        CopyChannels(source, sourceChannel, channels, destination, destinationChannel, add: false, "CopyChannels");

    public void AddChannels(Tensor source, int sourceChannel, int channels, Tensor destination, int destinationChannel) =>
        CopyChannels(source, sourceChannel, channels, destination, destinationChannel, add: true, "AddChannels");

    void CopyChannels(Tensor source, int sourceChannel, int channels, Tensor destination, int destinationChannel, bool add, string operation)
    {
        var d = Activation(destination, operation);
        if (source is not CpuTensor { Layout: CpuLayout.Activation } s) throw new ArgumentException($"{operation} expects an activation of a processor, got {source.Shape}");
        Require.CopyChannels(operation, s.Shape, sourceChannel, channels, d.Shape, destinationChannel);
        float* from = s.Pointer;
        if (from == null || !s.Memory.TryHold()) throw new DeviceException($"{operation}: the device of the source {source.Shape} is closed");
        try
        {
            team.Run(new CopyChannels
            {
                Add = add,
                Source = from + sourceChannel * 32,
                SourceChannels = s.Shape.Channels,
                Channels = channels,
                Pixels = s.ImageBlocks * s.Shape.Height * s.Shape.Width,
                Destination = d.Pointer + destinationChannel * 32,
                DestinationChannels = d.Shape.Channels,
            });
        }
        finally
        {
            s.Memory.Release();
        }
    }

    public void Descend(Tensor gradient, float rate, float momentum, float decay, Tensor velocity, Tensor weights)
    {
        var w = Of(weights);
        var (g, v) = (Of(gradient, w.Layout), Of(velocity, w.Layout));
        Require.Descend(g.Shape, v.Shape, w.Shape);
        team.Run(new Descend
        {
            Gradient = g.Pointer,
            Rate = rate,
            Momentum = momentum,
            Decay = decay,
            Velocity = v.Pointer,
            Weights = w.Pointer,
            Floats = w.Floats,
        });
    }

    public bool AreFinite(ReadOnlySpan<Tensor> plain)
    {
        foreach (var tensor in plain)
        {
            var p = Plain(tensor);
            if (!Finite.All(new ReadOnlySpan<float>(p.Pointer, (int)p.Shape.Count))) return false;
        }
        return true;
    }

    public void Synchronize() => ObjectDisposedException.ThrowIf(disposed, this);

    /// <summary>Ends the threads and frees every tensor.</summary>
    public void Dispose()
    {
        if (disposed) return;
        disposed = true;
        team.Dispose();
        foreach (var tensor in tensors) tensor.Dispose();
        memory.Dispose();
    }

    CpuTensor Allocate(CpuLayout layout, Shape shape)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        Require.Allocation(shape);
        var tensor = new CpuTensor(this, layout, shape);
        tensors.Add(tensor);
        return tensor;
    }

    void Copy(CopyDirection direction, float* canonical, int length, CpuTensor tensor, [CallerMemberName] string operation = "")
    {
        Require.Length(operation, "values", length, tensor.Shape.Count);
        switch (tensor.Layout)
        {
            case CpuLayout.Activation:
                CopyActivation(direction, canonical, length, tensor, 0, tensor.Shape.Channels, ChannelOrder.Canonical, operation);
                break;
            case CpuLayout.Plain:
                Span<float> outside = new(canonical, length), inside = new(tensor.Pointer, length);
                if (direction == CopyDirection.ToDevice) outside.CopyTo(inside);
                else inside.CopyTo(outside);
                break;
            default:
                team.Run(CopyOf(direction, canonical, tensor));
                break;
        }
    }

    static CopyWeights CopyOf(CopyDirection direction, float* canonical, CpuTensor weights) => new()
    {
        Direction = direction,
        Canonical = canonical,
        Kernels = weights.Shape.Images,
        Channels = weights.Shape.Channels,
        Taps = weights.Shape.Height * weights.Shape.Width,
        KernelsTogether = weights.KernelsTogether,
        Weights = weights.Pointer,
    };

    void CopyActivation(CopyDirection direction, float* values, int length, CpuTensor tensor, int firstChannel, int channels, ChannelOrder order, [CallerMemberName] string operation = "")
    {
        Require.Channels(operation, firstChannel, channels, tensor.Shape);
        Require.Length(operation, "values", length, (tensor.Shape with { Channels = channels }).Count);
        float* activation = tensor.Pointer + firstChannel * 32;
        int pixels = tensor.Shape.Height * tensor.Shape.Width, all = tensor.Shape.Channels;
        if (order == ChannelOrder.Canonical || !HasOwnOrder(tensor.Shape))
        {
            team.Run(new CopyActivation { Direction = direction, Canonical = values, Images = tensor.Shape.Images, Channels = channels, Pixels = pixels, Activation = activation, C = all });
            return;
        }
        bool toDevice = direction == CopyDirection.ToDevice;
        team.Run(new CopyChannels
        {
            Source = toDevice ? values : activation,
            SourceChannels = toDevice ? channels : all,
            Channels = channels,
            Pixels = tensor.ImageBlocks * pixels,
            Destination = toDevice ? activation : values,
            DestinationChannels = toDevice ? all : channels,
        });
    }

    void ClearPadding(CpuTensor activation)
    {
        int images = activation.Shape.Images % 32, features = activation.Shape.Features;
        if (images == 0) return;
        team.Run(new ClearPadding { LastBlock = activation.Pointer + (nint)(activation.ImageBlocks - 1) * features * 32, Features = features, Images = images });
    }

    // What follows names the operation that asks, in its errors.

    CpuTensor Activation(Tensor tensor, [CallerMemberName] string operation = "") => Of(tensor, CpuLayout.Activation, operation);

    CpuTensor Plain(Tensor tensor, [CallerMemberName] string operation = "") => Of(tensor, CpuLayout.Plain, operation);

    CpuTensor Weights(Tensor tensor, Filter filter, [CallerMemberName] string operation = "") => Of(tensor, WeightsLayout(filter), operation);

    CpuTensor Of(Tensor tensor, CpuLayout layout, [CallerMemberName] string operation = "")
    {
        var own = Of(tensor, operation);
        return own.Layout == layout ? own : throw new ArgumentException($"{operation} expects a tensor of kind {layout}, got {own.Layout} {own.Shape}");
    }

    CpuTensor Of(Tensor tensor, [CallerMemberName] string operation = "")
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        return tensor is CpuTensor own && own.Owner == this ? own : throw new ArgumentException($"{operation} was given a tensor {tensor.Shape} of another device");
    }

    static CpuLayout WeightsLayout(Filter filter) => filter.CoversInput ? CpuLayout.FullyConnected : CpuLayout.Convolution;
}
