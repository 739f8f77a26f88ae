using AlexNetActors.Compute.Cpu.Winograd;

namespace AlexNetActors.Compute.Cpu;

/// <summary>
/// The three passes of a filter, convolution or fully connected layer, as work for a team: convolutions Winograd's way where that was chosen and
/// pays. Expects shapes to be right.
/// </summary>
internal sealed unsafe class FilterPasses(ThreadTeam team, Workspace memory, ConvolutionMethod method)
{
    /// <summary>Floats of transposed gradient kept at once in <see cref="ConvolveBackwardWeights"/>, at least a row. Decides the order of sums.</summary>
    const long TransposedFloats = 1 << 18;

    /// <summary>Floats at the points kept at once in the fast gradient by the weights. Decides the order of sums.</summary>
    const long PointFloats = 1 << 20;

    /// <summary>output = weights * input + bias, rectified if asked.</summary>
    public void Convolve(CpuTensor input, CpuTensor weights, CpuTensor bias, Filter filter, bool rectify, CpuTensor output)
    {
        if (filter.CoversInput)
            team.Run(new FullyConnected
            {
                Input = input.Pointer,
                ImageBlocks = input.ImageBlocks,
                Inputs = input.Shape.Features,
                Neurons = filter.Kernels,
                Weights = weights.Pointer,
                Bias = bias.Pointer,
                Rectify = rectify,
                Output = output.Pointer,
            });
        else if (IsFast(filter))
            FastConvolution(input, weights, turned: false, TilePlan.Of(filter), bias.Pointer, rectify, output);
        else
        {
            float* panels = memory.Scratch(filter.WeightsShape.Count);
            team.Run(new PackKernels { Weights = weights.Pointer, Filter = filter, Panels = panels });
            team.Run(new Convolution
            {
                Input = input.Pointer,
                ImageBlocks = input.ImageBlocks,
                C = filter.Channels,
                H = filter.Height,
                W = filter.Width,
                Panels = panels,
                Bias = bias.Pointer,
                K = filter.Kernels,
                R = filter.SizeY,
                S = filter.SizeX,
                Stride = filter.Stride,
                PadY = filter.Pad,
                PadX = filter.Pad,
                Rectify = rectify,
                Output = output.Pointer,
                OH = filter.OutputHeight,
                OW = filter.OutputWidth,
            });
        }
    }

    /// <summary>dInput = gradient by the input: the same product with the weights turned.</summary>
    public void ConvolveBackwardInput(CpuTensor dOutput, CpuTensor weights, Filter filter, CpuTensor dInput)
    {
        if (filter.CoversInput)
        {
            team.Run(new FullyConnectedBackwardInput
            {
                DOutput = dOutput.Pointer,
                ImageBlocks = dOutput.ImageBlocks,
                Inputs = dInput.Shape.Features,
                Neurons = filter.Kernels,
                Weights = weights.Pointer,
                DInput = dInput.Pointer,
            });
            return;
        }
        if (IsFast(filter))
        {
            FastConvolution(dOutput, weights, turned: true, TilePlan.Of(filter), null, false, dInput);
            return;
        }
        float* panels = memory.Scratch(filter.WeightsShape.Count);
        team.Run(new PackTurnedChannels { Weights = weights.Pointer, Filter = filter, Panels = panels });
        team.Run(new Convolution
        {
            Input = dOutput.Pointer,
            ImageBlocks = dOutput.ImageBlocks,
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
            Output = dInput.Pointer,
            OH = filter.Height,
            OW = filter.Width,
        });
    }

    /// <summary>dWeights, dBias = gradients by the weights and the bias.</summary>
    public void ConvolveBackwardWeights(CpuTensor input, CpuTensor dOutput, Filter filter, CpuTensor dWeights, CpuTensor dBias)
    {
        if (filter.CoversInput) FullyConnectedBackwardWeights(input, dOutput, filter, dWeights, dBias);
        else if (IsFast(filter)) FastConvolutionBackwardWeights(input, dOutput, TilePlan.Of(filter), dWeights, dBias);
        else ConvolutionBackwardWeights(input, dOutput, filter, dWeights, dBias);
    }

    void FullyConnectedBackwardWeights(CpuTensor input, CpuTensor dOutput, Filter filter, CpuTensor dWeights, CpuTensor dBias)
    {
        float* transposed = memory.Scratch((long)CpuTensor.BlocksOf32(filter.Kernels) * input.ImageBlocks * 32 * 32);
        team.Run(new TransposeNeurons { DOutput = dOutput.Pointer, ImageBlocks = input.ImageBlocks, Neurons = filter.Kernels, Transposed = transposed });
        team.Run(new FullyConnectedBackwardWeights
        {
            Input = input.Pointer,
            ImageBlocks = input.ImageBlocks,
            Inputs = input.Shape.Features,
            Neurons = filter.Kernels,
            Transposed = transposed,
            Ones = memory.Ones,
            DWeights = dWeights.Pointer,
            DBias = dBias.Pointer,
        });
    }

    void ConvolutionBackwardWeights(CpuTensor input, CpuTensor dOutput, Filter filter, CpuTensor dWeights, CpuTensor dBias)
    {
        int OH = filter.OutputHeight, OW = filter.OutputWidth;
        long row = (long)OW * CpuTensor.PaddedKernels(filter.Kernels) * 32;
        int rowsTogether = (int)Math.Clamp(TransposedFloats / row, 1, OH);
        float* transposed = memory.Scratch(rowsTogether * row);
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
                    Ones = memory.Ones,
                    DWeights = dWeights.Pointer,
                    DBias = dBias.Pointer,
                });
            }
    }

    bool IsFast(Filter filter) => method == ConvolutionMethod.Fast && TilePlan.Pays(filter);

    /// <summary>Forward, or with turned weights the gradient by the input: <paramref name="forward"/> is the plan of the convolution itself.</summary>
    void FastConvolution(CpuTensor input, CpuTensor weights, bool turned, TilePlan forward, float* bias, bool rectify, CpuTensor output)
    {
        var filter = forward.Filter;
        var plan = turned
            ? TilePlan.Of(new Filter(filter.Kernels, filter.OutputHeight, filter.OutputWidth, filter.Channels, filter.SizeY, filter.SizeX, 1, filter.SizeY - 1 - filter.Pad))
            : forward;
        nint panelFloats = WinogradConvolution.PanelFloatsOf(plan);
        nint weightsScratch = (turned ? EvaluateTurnedKernels.ScratchOf(forward) : EvaluateKernels.ScratchOf(forward)) * team.Count;
        nint scratch = WinogradConvolution.ScratchOf(plan) * team.Count;
        float* panels = memory.Scratch(panelFloats + Math.Max(weightsScratch, scratch)), rest = panels + panelFloats;
        float* none = memory.Zeros(Math.Max(CpuTensor.PaddedKernels(filter.Kernels), plan.Filter.Channels * 32));
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
        float* points = memory.Scratch(inputs + gradient + products + biasParts + EvaluateGradient.ScratchFloats * team.Count), rest = points + inputs + gradient + products;
        float* none = memory.Zeros(Math.Max(32 * 48, filter.Channels * 32));
        var productsAt = new TileMemory(points + inputs + gradient, 1, plan.Channels * kernels / 32);
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
                    Inputs = new TileMemory(points, together, plan.Channels),
                };
                var evaluateGradient = new EvaluateGradient
                {
                    Image = dOutput.Pointer + (nint)block * filter.OutputHeight * filter.OutputWidth * filter.Kernels * 32,
                    Plan = plan,
                    FirstTile = tile,
                    Tiles = tiles,
                    Zeros = none,
                    Ones = memory.Ones,
                    BiasParts = rest,
                    Scratch = rest + biasParts,
                    Gradient = new TileMemory(points + inputs, together, kernels),
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
                    Products = productsAt,
                    DBias = dBias.Pointer,
                });
            }
        team.Run(new GatherGradient { Plan = plan, Products = productsAt, Scratch = rest, DWeights = dWeights.Pointer });
    }

    static void Clear(CpuTensor tensor) => new Span<float>(tensor.Pointer, checked((int)tensor.Floats)).Clear();
}
