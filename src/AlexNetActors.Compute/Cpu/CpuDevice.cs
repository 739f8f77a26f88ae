using AlexNetActors.Compute.Cpu.Winograd;

namespace AlexNetActors.Compute.Cpu;

/// <summary>
/// The processor as a device: C# with explicit vectors, on the caller's thread and, if asked, some of its own. Results are the same
/// bits for any number of threads, and for every <see cref="SimdLevel"/> on processors that fuse multiply and add.
/// <para>NaN is never hidden: it passes the rectifier and maximum pooling.</para>
/// </summary>
public sealed unsafe class CpuDevice : IDevice
{
    /// <summary>Floats of transposed gradient kept at once in <see cref="ConvolveBackwardWeights"/>, at least a row. Decides the order of sums.</summary>
    const long TransposedFloats = 1 << 18;

    /// <summary>Floats at the points kept at once in the fast gradient by the weights. Decides the order of sums.</summary>
    const long PointFloats = 1 << 20;

    readonly ThreadTeam team;
    readonly List<CpuTensor> tensors = [];
    readonly NativeBuffer ones = new(32);
    NativeBuffer scratch = new(0), zeros = new(0);
    bool disposed;

    /// <param name="threads">Threads that share each operation, the caller's included.</param>
    /// <param name="level">Null: what the environment variable ALEXNET_SIMD (128, 256 or 512) says, else the best there is.</param>
    /// <param name="name">As the command line names it.</param>
    /// <param name="method">How it convolves.</param>
    /// <exception cref="ArgumentException">Less than one thread, or a level that this processor does not have.</exception>
    public CpuDevice(int threads = 1, SimdLevel? level = null, string name = "cpu", ConvolutionMethod method = ConvolutionMethod.Fast)
    {
        if (threads < 1) throw new ArgumentException($"a device needs at least 1 thread, got {threads}");
        Level = SimdLevels.Choose(level, Environment.GetEnvironmentVariable(SimdLevels.Variable));
        (Name, Method) = (name, method);
        team = new ThreadTeam(threads, Level, name);
        new Span<float>(ones.Pointer, 32).Fill(1);
    }

    public string Name { get; }
    public string Memory => "cpu";
    public int Buffers { get; private set; }
    public SimdLevel Level { get; }
    public ConvolutionMethod Method { get; }
    public int Threads => team.Count;

    public Tensor AllocateActivation(Shape shape) => Allocate(CpuLayout.Activation, shape);

    public Tensor AllocateWeights(Filter filter) => Allocate(WeightsLayout(filter), filter.WeightsShape);

    public Tensor AllocatePlain(Shape shape) => Allocate(CpuLayout.Plain, shape);

    public void WriteChannels(ReadOnlySpan<float> values, int firstChannel, int channels, Tensor destination, ChannelOrder order = ChannelOrder.Canonical)
    {
        var d = Of(destination, CpuLayout.Activation, "WriteChannels");
        fixed (float* v = values) CopyActivation(CopyDirection.ToDevice, v, values.Length, d, firstChannel, channels, order, "WriteChannels");
    }

    public void ReadChannels(Tensor source, int firstChannel, int channels, Span<float> values, ChannelOrder order = ChannelOrder.Canonical)
    {
        var s = Of(source, CpuLayout.Activation, "ReadChannels");
        fixed (float* v = values) CopyActivation(CopyDirection.FromDevice, v, values.Length, s, firstChannel, channels, order, "ReadChannels");
    }

    public Memory<byte> WhereItLies(Tensor activation)
    {
        var a = Of(activation, CpuLayout.Activation, "WhereItLies");
        return HasOwnOrder(a.Shape) && a.Floats <= int.MaxValue / sizeof(float) ? a.Bytes : default;
    }

    /// <summary>Blocks of 32 images, as they lie; where the last is not full, those past the last image would take room.</summary>
    static bool HasOwnOrder(Shape activation) => activation.Images % 32 == 0;

    public void Write(ReadOnlySpan<float> canonical, Tensor destination)
    {
        fixed (float* c = canonical) Copy(CopyDirection.ToDevice, c, canonical.Length, Of(destination, "Write"), "Write");
    }

    public void Read(Tensor source, Span<float> canonical)
    {
        fixed (float* c = canonical) Copy(CopyDirection.FromDevice, c, canonical.Length, Of(source, "Read"), "Read");
    }

    public void DrawNormal(Philox random, ulong first, double deviation, Tensor destination)
    {
        var d = Of(destination, "DrawNormal");
        if (d.Layout is CpuLayout.Activation or CpuLayout.Plain)
        {
            var values = new float[d.Shape.Count];
            random.FillNormal(first, deviation, values);
            Write(values, destination);
            return;
        }
        float* rows = Scratch((long)d.Shape.Features * Threads);
        team.Run(new DrawNormal { Random = random, First = first, Deviation = deviation, Rows = rows, Copy = CopyOf(CopyDirection.ToDevice, null, d) });
    }

    /// <summary>They are in its memory.</summary>
    public void SendAhead(byte[] pixels) { }

    public void LoadCrops(ReadOnlySpan<byte> pixels, ReadOnlySpan<Placement> placements, ReadOnlySpan<float> colourShift, Tensor mean, Tensor output)
    {
        var (m, o) = (Of(mean, CpuLayout.Plain, "LoadCrops"), Of(output, CpuLayout.Activation, "LoadCrops"));
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
                Scratch = Scratch(Cpu.LoadCrops.ScratchOf(W) * Threads),
                Output = o.Pointer,
            });
    }

    public void Convolve(Tensor input, Tensor weights, Tensor bias, Filter filter, bool rectify, Tensor output)
    {
        var (i, w) = (Of(input, CpuLayout.Activation, "Convolve"), OfWeights(weights, filter, "Convolve"));
        var (z, o) = (Of(bias, CpuLayout.Plain, "Convolve"), Of(output, CpuLayout.Activation, "Convolve"));
        Require.Convolve(i.Shape, w.Shape, z.Shape, filter, o.Shape);
        if (filter.CoversInput)
            team.Run(new FullyConnected
            {
                Input = i.Pointer,
                ImageBlocks = i.ImageBlocks,
                Inputs = i.Shape.Features,
                Neurons = filter.Kernels,
                Weights = w.Pointer,
                Bias = z.Pointer,
                Rectify = rectify,
                Output = o.Pointer,
            });
        else if (IsFast(filter))
            FastConvolution(i, w, turned: false, TilePlan.Of(filter), z.Pointer, rectify, o);
        else
        {
            float* panels = Scratch(filter.WeightsShape.Count);
            team.Run(new PackKernels { Weights = w.Pointer, Filter = filter, Panels = panels });
            team.Run(new Convolution
            {
                Input = i.Pointer,
                ImageBlocks = i.ImageBlocks,
                C = filter.Channels,
                H = filter.Height,
                W = filter.Width,
                Panels = panels,
                Bias = z.Pointer,
                K = filter.Kernels,
                R = filter.SizeY,
                S = filter.SizeX,
                Stride = filter.Stride,
                PadY = filter.Pad,
                PadX = filter.Pad,
                Rectify = rectify,
                Output = o.Pointer,
                OH = filter.OutputHeight,
                OW = filter.OutputWidth,
            });
        }
        ClearPadding(o); // the bias is there too
    }

    public void ConvolveBackwardInput(Tensor dOutput, Tensor weights, Filter filter, Tensor dInput)
    {
        var (dO, w) = (Of(dOutput, CpuLayout.Activation, "ConvolveBackwardInput"), OfWeights(weights, filter, "ConvolveBackwardInput"));
        var dI = Of(dInput, CpuLayout.Activation, "ConvolveBackwardInput");
        Require.ConvolveBackwardInput(dO.Shape, w.Shape, filter, dI.Shape);
        if (filter.CoversInput)
        {
            team.Run(new FullyConnectedBackwardInput
            {
                DOutput = dO.Pointer,
                ImageBlocks = dO.ImageBlocks,
                Inputs = dI.Shape.Features,
                Neurons = filter.Kernels,
                Weights = w.Pointer,
                DInput = dI.Pointer,
            });
            return;
        }
        if (IsFast(filter))
        {
            FastConvolution(dO, w, turned: true, TilePlan.Of(filter), null, false, dI);
            return;
        }
        float* panels = Scratch(filter.WeightsShape.Count);
        team.Run(new PackTurnedChannels { Weights = w.Pointer, Filter = filter, Panels = panels });
        team.Run(new Convolution
        {
            Input = dO.Pointer,
            ImageBlocks = dO.ImageBlocks,
            C = filter.Kernels,
            H = filter.OutputHeight,
            W = filter.OutputWidth,
            Panels = panels,
            K = filter.Channels,
            R = filter.SizeY,
            S = filter.SizeX,
            Stride = 1,
            PadY = filter.SizeY - 1 - filter.Pad,
            PadX = filter.SizeX - 1 - filter.Pad,
            Output = dI.Pointer,
            OH = filter.Height,
            OW = filter.Width,
        });
    }

    public void ConvolveBackwardWeights(Tensor input, Tensor dOutput, Filter filter, Tensor dWeights, Tensor dBias)
    {
        var (i, dO) = (Of(input, CpuLayout.Activation, "ConvolveBackwardWeights"), Of(dOutput, CpuLayout.Activation, "ConvolveBackwardWeights"));
        var (dW, dB) = (OfWeights(dWeights, filter, "ConvolveBackwardWeights"), Of(dBias, CpuLayout.Plain, "ConvolveBackwardWeights"));
        Require.ConvolveBackwardWeights(i.Shape, dO.Shape, filter, dW.Shape, dB.Shape);
        if (filter.CoversInput) FullyConnectedBackwardWeights(i, dO, filter, dW, dB);
        else if (IsFast(filter)) FastConvolutionBackwardWeights(i, dO, TilePlan.Of(filter), dW, dB);
        else ConvolutionBackwardWeights(i, dO, filter, dW, dB);
    }

    void FullyConnectedBackwardWeights(CpuTensor input, CpuTensor dOutput, Filter filter, CpuTensor dWeights, CpuTensor dBias)
    {
        float* transposed = Scratch((long)CpuTensor.BlocksOf32(filter.Kernels) * input.ImageBlocks * 32 * 32);
        team.Run(new TransposeNeurons { DOutput = dOutput.Pointer, ImageBlocks = input.ImageBlocks, Neurons = filter.Kernels, Transposed = transposed });
        team.Run(new FullyConnectedBackwardWeights
        {
            Input = input.Pointer,
            ImageBlocks = input.ImageBlocks,
            Inputs = input.Shape.Features,
            Neurons = filter.Kernels,
            Transposed = transposed,
            Ones = ones.Pointer,
            DWeights = dWeights.Pointer,
            DBias = dBias.Pointer,
        });
    }

    void ConvolutionBackwardWeights(CpuTensor input, CpuTensor dOutput, Filter filter, CpuTensor dWeights, CpuTensor dBias)
    {
        int OH = filter.OutputHeight, OW = filter.OutputWidth;
        long row = (long)OW * CpuTensor.PaddedKernels(filter.Kernels) * 32;
        int rowsTogether = (int)Math.Clamp(TransposedFloats / row, 1, OH);
        float* transposed = Scratch(rowsTogether * row);
        Clear(dWeights);
        Clear(dBias);
        for (int block = 0; block < input.ImageBlocks; block++)
            for (int y = 0; y < OH; y += rowsTogether)
            {
                int rows = Math.Min(rowsTogether, OH - y);
                team.Run(new TransposeRows
                {
                    DOutput = dOutput.Pointer + ((nint)block * OH + y) * OW * filter.Kernels * 32,
                    Rows = rows,
                    OW = OW,
                    K = filter.Kernels,
                    Transposed = transposed,
                });
                team.Run(new ConvolutionWeights
                {
                    Input = input.Pointer + (nint)block * filter.Height * filter.Width * filter.Channels * 32,
                    Filter = filter,
                    Transposed = transposed,
                    FirstRow = y,
                    Rows = rows,
                    Ones = ones.Pointer,
                    DWeights = dWeights.Pointer,
                    DBias = dBias.Pointer,
                });
            }
    }

    bool IsFast(Filter filter) => Method == ConvolutionMethod.Fast && TilePlan.Pays(filter);

    /// <summary>Forward, or with turned weights the gradient by the input: <paramref name="forward"/> is the plan of the convolution itself.</summary>
    void FastConvolution(CpuTensor input, CpuTensor weights, bool turned, TilePlan forward, float* bias, bool rectify, CpuTensor output)
    {
        var filter = forward.Filter;
        var plan = turned
            ? TilePlan.Of(new Filter(filter.Kernels, filter.OutputHeight, filter.OutputWidth, filter.Channels, filter.SizeY, filter.SizeX, 1, filter.SizeY - 1 - filter.Pad))
            : forward;
        nint panelFloats = (plan.Points * plan.Channels * plan.Filter.Kernels + Cache.LineFloats - 1) / Cache.LineFloats * Cache.LineFloats; // what lies behind is stored to by whole lines
        nint weightsScratch = (turned ? EvaluateTurnedKernels.ScratchOf(forward) : EvaluateKernels.ScratchOf(forward)) * Threads;
        nint scratch = WinogradConvolution.ScratchOf(plan) * Threads;
        float* panels = Scratch(panelFloats + Math.Max(weightsScratch, scratch)), rest = panels + panelFloats;
        float* none = Zeros(Math.Max(CpuTensor.PaddedKernels(filter.Kernels), plan.Filter.Channels * 32));
        if (turned) team.Run(new EvaluateTurnedKernels { Weights = weights.Pointer, Plan = forward, Scratch = rest, Panels = panels });
        else team.Run(new EvaluateKernels { Weights = weights.Pointer, Plan = plan, Zeros = none, Scratch = rest, Panels = panels });
        team.Run(new WinogradConvolution
        {
            Input = input.Pointer,
            ImageBlocks = input.ImageBlocks,
            Plan = plan,
            Panels = panels,
            Bias = bias,
            Rectify = rectify,
            StoreThrough = output.Floats >= Cache.LargeFloats,
            Zeros = none,
            Scratch = rest,
            Output = output.Pointer,
        });
    }

    void FastConvolutionBackwardWeights(CpuTensor input, CpuTensor dOutput, TilePlan plan, CpuTensor dWeights, CpuTensor dBias)
    {
        var filter = plan.Filter;
        int kernels = CpuTensor.PaddedKernels(filter.Kernels);
        int together = (int)Math.Clamp(PointFloats / (plan.Points * 32 * (plan.Channels + kernels)), 1, plan.Tiles);
        nint inputs = TileMemory.FloatsOf(plan.Points, together, plan.Channels), gradient = TileMemory.FloatsOf(plan.Points, together, kernels);
        nint products = TileMemory.FloatsOf(plan.Points, 1, plan.Channels * kernels / 32), biasParts = together * kernels;
        float* memory = Scratch(inputs + gradient + products + biasParts + EvaluateGradient.ScratchFloats * Threads), rest = memory + inputs + gradient + products;
        float* none = Zeros(Math.Max(32 * 48, filter.Channels * 32));
        var points = new TileMemory(memory + inputs + gradient, 1, plan.Channels * kernels / 32);
        for (int block = 0; block < input.ImageBlocks; block++)
            for (int tile = 0; tile < plan.Tiles; tile += together)
            {
                int tiles = Math.Min(together, plan.Tiles - tile);
                var evaluate = new EvaluateInputs
                {
                    Image = input.Pointer + (nint)block * filter.Height * filter.Width * filter.Channels * 32,
                    Plan = plan,
                    FirstTile = tile,
                    Tiles = tiles,
                    Zeros = none,
                    Inputs = new TileMemory(memory, together, plan.Channels),
                };
                var evaluateGradient = new EvaluateGradient
                {
                    Image = dOutput.Pointer + (nint)block * filter.OutputHeight * filter.OutputWidth * filter.Kernels * 32,
                    Plan = plan,
                    FirstTile = tile,
                    Tiles = tiles,
                    Zeros = none,
                    Ones = ones.Pointer,
                    BiasParts = rest,
                    Scratch = rest + biasParts,
                    Gradient = new TileMemory(memory + inputs, together, kernels),
                };
                team.Run(evaluate);
                team.Run(evaluateGradient);
                team.Run(new MultiplyGradient
                {
                    Plan = plan,
                    FirstTile = tile,
                    Tiles = tiles,
                    Inputs = evaluate.Inputs,
                    Gradient = evaluateGradient.Gradient,
                    Add = block + tile > 0,
                    BiasParts = rest,
                    Products = points,
                    DBias = dBias.Pointer,
                });
            }
        team.Run(new GatherGradient { Plan = plan, Products = points, Scratch = rest, DWeights = dWeights.Pointer });
    }

    public void RectifyBackward(Tensor output, Tensor dOutput)
    {
        var (o, d) = (Of(output, CpuLayout.Activation, "RectifyBackward"), Of(dOutput, CpuLayout.Activation, "RectifyBackward"));
        Require.Same("RectifyBackward", "dOutput", d.Shape, o.Shape);
        team.Run(new RectifyBackward { Output = o.Pointer, DOutput = d.Pointer, Floats = o.Floats });
    }

    public void Normalize(Tensor input, LocalResponse response, Tensor output)
    {
        var (i, o) = (Of(input, CpuLayout.Activation, "Normalize"), Of(output, CpuLayout.Activation, "Normalize"));
        Require.Normalize("Normalize", i.Shape, response, o.Shape);
        RunLocalResponseNorm(i, null, response, o);
    }

    public void NormalizeBackward(Tensor input, Tensor dOutput, LocalResponse response, Tensor dInput)
    {
        var (i, dO) = (Of(input, CpuLayout.Activation, "NormalizeBackward"), Of(dOutput, CpuLayout.Activation, "NormalizeBackward"));
        var dI = Of(dInput, CpuLayout.Activation, "NormalizeBackward");
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
            Scratch = Scratch(LocalResponseNorm.ScratchOf(input.Shape.Channels, response) * Threads),
            Output = output.Pointer,
        });
    }

    public void MaxPool(Tensor input, int size, int stride, Tensor output)
    {
        var (i, o) = (Of(input, CpuLayout.Activation, "MaxPool"), Of(output, CpuLayout.Activation, "MaxPool"));
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
        var (i, o) = (Of(input, CpuLayout.Activation, "MaxPoolBackward"), Of(output, CpuLayout.Activation, "MaxPoolBackward"));
        var (dO, dI) = (Of(dOutput, CpuLayout.Activation, "MaxPoolBackward"), Of(dInput, CpuLayout.Activation, "MaxPoolBackward"));
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
        var (i, o) = (Of(input, CpuLayout.Activation, "NormalizeMaxPool"), Of(output, CpuLayout.Activation, "NormalizeMaxPool"));
        Require.MaxPool("NormalizeMaxPool", i.Shape, size, stride, o.Shape);
        Require.Normalize("NormalizeMaxPool", i.Shape, response, i.Shape);
        RunNormalizedPooling(i, o, null, response, size, stride, null);
    }

    public void NormalizeMaxPoolBackward(Tensor input, Tensor output, Tensor dOutput, LocalResponse response, int size, int stride, Tensor dInput)
    {
        var (i, o) = (Of(input, CpuLayout.Activation, "NormalizeMaxPoolBackward"), Of(output, CpuLayout.Activation, "NormalizeMaxPoolBackward"));
        var (dO, dI) = (Of(dOutput, CpuLayout.Activation, "NormalizeMaxPoolBackward"), Of(dInput, CpuLayout.Activation, "NormalizeMaxPoolBackward"));
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
        work.Scratch = Scratch(work.ScratchFloats * Threads);
        team.Run(work);
    }

    public void Dropout(Philox random, double rate, int firstFeature, Tensor activation)
    {
        var a = Of(activation, CpuLayout.Activation, "Dropout");
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
        var a = Of(activation, CpuLayout.Activation, "Scale");
        team.Run(new Scale { Factor = factor, Values = a.Pointer, Floats = a.Floats });
    }

    public void CopyChannels(Tensor source, int sourceChannel, int channels, Tensor destination, int destinationChannel) =>
        CopyChannels(source, sourceChannel, channels, destination, destinationChannel, add: false, "CopyChannels");

    public void AddChannels(Tensor source, int sourceChannel, int channels, Tensor destination, int destinationChannel) =>
        CopyChannels(source, sourceChannel, channels, destination, destinationChannel, add: true, "AddChannels");

    void CopyChannels(Tensor source, int sourceChannel, int channels, Tensor destination, int destinationChannel, bool add, string operation)
    {
        var d = Of(destination, CpuLayout.Activation, operation);
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
        var w = Of(weights, "Descend");
        var (g, v) = (Of(gradient, w.Layout, "Descend"), Of(velocity, w.Layout, "Descend"));
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
            var p = Of(tensor, CpuLayout.Plain, "AreFinite");
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
        scratch.Dispose();
        zeros.Dispose();
        ones.Dispose();
    }

    CpuTensor Allocate(CpuLayout layout, Shape shape)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        Require.Allocation(shape);
        var tensor = new CpuTensor(this, layout, shape);
        tensors.Add(tensor);
        Buffers++;
        return tensor;
    }

    /// <summary>Working memory until the next call; contents arbitrary.</summary>
    float* Scratch(long floats)
    {
        if (floats > scratch.Floats)
        {
            scratch.Dispose();
            scratch = new NativeBuffer(floats);
            Buffers++;
        }
        return scratch.Pointer;
    }

    /// <summary>So many zeros.</summary>
    float* Zeros(long floats)
    {
        if (floats > zeros.Floats)
        {
            zeros.Dispose();
            zeros = new NativeBuffer(floats);
            Buffers++;
        }
        return zeros.Pointer;
    }

    void Copy(CopyDirection direction, float* canonical, int length, CpuTensor tensor, string operation)
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
        ToDevice = direction == CopyDirection.ToDevice,
        Canonical = canonical,
        Kernels = weights.Shape.Images,
        Channels = weights.Shape.Channels,
        Taps = weights.Shape.Height * weights.Shape.Width,
        KernelsTogether = weights.KernelsTogether,
        Weights = weights.Pointer,
    };

    void CopyActivation(CopyDirection direction, float* values, int length, CpuTensor tensor, int firstChannel, int channels, ChannelOrder order, string operation)
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

    static void Clear(CpuTensor tensor) => new Span<float>(tensor.Pointer, checked((int)tensor.Floats)).Clear();

    CpuTensor Of(Tensor tensor, string operation)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        return tensor is CpuTensor own && own.Owner == this ? own : throw new ArgumentException($"{operation} was given a tensor {tensor.Shape} of another device");
    }

    CpuTensor Of(Tensor tensor, CpuLayout layout, string operation)
    {
        var own = Of(tensor, operation);
        return own.Layout == layout ? own : throw new ArgumentException($"{operation} expects a tensor of kind {layout}, got {own.Layout} {own.Shape}");
    }

    CpuTensor OfWeights(Tensor tensor, Filter filter, string operation) => Of(tensor, WeightsLayout(filter), operation);

    static CpuLayout WeightsLayout(Filter filter) => filter.CoversInput ? CpuLayout.FullyConnected : CpuLayout.Convolution;
}
