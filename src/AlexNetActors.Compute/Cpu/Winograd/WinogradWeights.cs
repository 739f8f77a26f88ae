using System.Runtime.CompilerServices;

namespace AlexNetActors.Compute.Cpu.Winograd;

/// <summary>Some tiles of the input of one block of images at the points.</summary>
internal unsafe struct EvaluateInputs : IWork
{
    const int ChannelsTogether = 16;

    public float* Image; // [H][W][C][32]
    public TilePlan Plan;
    public int FirstTile, Tiles;
    public float* Zeros; // [C][32]
    public TileMemory Inputs; // [points][tiles][phase and channel][32 images]

    public readonly void Run<TVector>(int part, int parts) where TVector : struct, ISimdVector<TVector>
    {
        int groups = (Plan.Channels + ChannelsTogether - 1) / ChannelsTogether;
        var (from, to) = IWork.Share((long)Tiles * groups, part, parts);
        while (from < to)
        {
            int slot = from / groups, end = Math.Min(to, (slot + 1) * groups);
            int first = from % groups * ChannelsTogether, last = Math.Min(Plan.Channels, (end - slot * groups) * ChannelsTogether);
            TileInputs.Evaluate<TVector>(Plan, Image, FirstTile + slot, Zeros, first, last, Inputs, slot);
            from = end;
        }
    }
}

/// <summary>
/// Some tiles of the gradient by the output of one block of images: transposed to [32 images][kernels of a panel], then taken to the
/// points. Their plain sums are the tiles' parts of the gradient by the bias.
/// </summary>
internal unsafe struct EvaluateGradient : IWork
{
    public float* Image; // [OH][OW][K][32]
    public TilePlan Plan;
    public int FirstTile, Tiles;
    public float* Zeros; // [32][48]
    public float* Ones; // [32]
    public float* Scratch; // ScratchFloats for each part
    public TileMemory Gradient; // [points][tiles][K rounded up][32]: panels of [32 images][width]
    public float* BiasParts; // [tiles][K rounded up]

    /// <summary>For one part: a tile's pixels of one panel.</summary>
    public const int ScratchFloats = TilePlan.MostOutputs * 32 * 48;

    public readonly void Run<TVector>(int part, int parts) where TVector : struct, ISimdVector<TVector>
    {
        int panels = KernelPanels.Count(Plan.Filter.Kernels);
        var (from, to) = IWork.Share((long)Tiles * panels, part, parts);
        for (int unit = from; unit < to; unit++) Evaluate<TVector>(unit / panels, unit % panels, Scratch + part * ScratchFloats);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    readonly void Evaluate<TVector>(int slot, int panel, float* transposed) where TVector : struct, ISimdVector<TVector>
    {
        var filter = Plan.Filter;
        int tile = FirstTile + slot, width = KernelPanels.Width(filter.Kernels, panel), kernels = Math.Min(width, filter.Kernels - 32 * panel);
        var (down, along) = Plan.Evaluate(tile);
        float** pixels = stackalloc float*[TilePlan.MostOutputs], points = stackalloc float*[TilePlan.MostPoints];
        TilePointers.Outputs(Plan, Image + panel * 32 * 32, tile, null, pixels);
        int inside = 0;
        for (int i = 0; i < down.From() * along.From(); i++)
        {
            if (pixels[i] == null)
            {
                pixels[i] = Zeros;
                continue;
            }
            float* block = transposed + inside++ * 32 * width;
            Transpose.Copy(pixels[i], 32, kernels, 32, block, width);
            if (kernels < width)
                for (int n = 0; n < 32; n++) new Span<float>(block + n * width + kernels, width - kernels).Clear();
            pixels[i] = block;
        }
        TilePointers.Points(Plan, Gradient, slot, tile, points);
        TileTransform.Run<TVector>(down, along, pixels, 32 * width, points, panel * 32 * 32);
        Tiling.Run<TVector, RowsOf32>(1, width, new Product
        {
            Runs = inside,
            Steps = 32,
            A = Ones,
            AStep = 1,
            B = transposed,
            BRun = 32 * width,
            BStep = width,
            C = BiasParts + slot * CpuTensor.PaddedKernels(filter.Kernels) + panel * 32,
            CRow = width,
        });
    }
}

/// <summary>Products of inputs and gradient at the points, summed over images and tiles and added to those of the tiles before.</summary>
internal unsafe struct MultiplyGradient : IWork
{
    public TilePlan Plan;
    public int FirstTile, Tiles;
    public TileMemory Inputs, Gradient;
    public bool Add;
    public float* BiasParts; // [tiles][K rounded up]
    public TileMemory Products; // [points][1][phase and channel * K rounded up / 32][32]: panels of [phase and channel][width]
    public float* DBias; // [K]

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run<TVector>(int part, int parts) where TVector : struct, ISimdVector<TVector>
    {
        int K = Plan.Filter.Kernels, panels = KernelPanels.Count(K);
        var (from, to) = IWork.Share((long)Plan.Points * panels, part, parts);
        for (int unit = from; unit < to; unit++) Multiply<TVector>(unit / panels, unit % panels);
        if (part > 0) return;
        for (int k = 0; k < K; k++)
        {
            float sum = Add ? DBias[k] : 0;
            for (int slot = 0; slot < Tiles; slot++) sum += BiasParts[slot * CpuTensor.PaddedKernels(K) + k];
            DBias[k] = sum;
        }
    }

    /// <summary>Tiles that have a point lie next to each other more often than not: each stretch of them is one chain.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    readonly void Multiply<TVector>(int point, int panel) where TVector : struct, ISimdVector<TVector>
    {
        int C = Plan.Channels, K = Plan.Filter.Kernels, width = KernelPanels.Width(K, panel);
        bool add = Add;
        for (int slot = 0, end; slot < Tiles; slot = end)
        {
            end = slot + 1;
            if (!Plan.HasPoint(FirstTile + slot, point)) continue;
            while (end < Tiles && Plan.HasPoint(FirstTile + end, point)) end++;
            var product = new Product
            {
                Runs = end - slot,
                Steps = 32,
                ARun = C * 32,
                AStep = 1,
                B = Gradient.At(point, slot) + panel * 32 * 32,
                BRun = CpuTensor.PaddedKernels(K) * 32,
                BStep = width,
                CRow = width,
                Add = add,
            };
            float* products = Products.At(point, 0) + (nint)panel * 32 * C, inputs = Inputs.At(point, slot);
            for (int c = 0, rows; c < C; c += rows)
            {
                rows = Tiling.NextRows<TVector>(C - c, Tiling.Vectors<TVector>(width));
                product.A = inputs + c * 32;
                product.C = products + c * width;
                Tiling.Run<TVector, RowsOf32>(rows, width, product);
            }
            add = true;
        }
        if (!add) new Span<float>(Products.At(point, 0) + (nint)panel * 32 * C, C * width).Clear(); // a point that no tile has
    }
}

/// <summary>The gradient by the weights from its values at the points.</summary>
internal unsafe struct GatherGradient : IWork
{
    public TilePlan Plan;
    public TileMemory Products;
    public float* Scratch; // [48] for each part: taps that the filter does not have
    public float* DWeights; // [R][S][C][K]

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run<TVector>(int part, int parts) where TVector : struct, ISimdVector<TVector>
    {
        int C = Plan.Channels, K = Plan.Filter.Kernels, panels = KernelPanels.Count(K);
        float** points = stackalloc float*[TilePlan.MostPoints], taps = stackalloc float*[TilePlan.MostOutputs];
        var transform = LineTransforms.GatherWeights(Plan.Taps);
        var (from, to) = IWork.Share((long)C * panels, part, parts);
        for (int unit = from; unit < to; unit++)
        {
            int c = unit / panels, panel = unit % panels, width = KernelPanels.Width(K, panel);
            for (int p = 0; p < Plan.Points; p++) points[p] = Products.At(p, 0) + (nint)panel * 32 * C + c * width;
            TilePointers.Taps(Plan, DWeights + panel * 32, c, null, taps);
            for (int tap = 0; tap < Plan.Taps * Plan.Taps; tap++)
                if (taps[tap] == null) taps[tap] = Scratch + part * 48;
            TileTransform.Run<TVector>(transform, transform, points, width, taps);
        }
    }
}
