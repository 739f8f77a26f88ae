using System.Runtime.CompilerServices;

namespace AlexNetActors.Compute.Cpu.Winograd;

/// <summary>Weights [R][S][C][K] at the points, in panels [points][block of kernels][phase and channel][rows of a tile].</summary>
internal unsafe struct EvaluateKernels : IWork
{
    public float* Weights;
    public TilePlan Plan;
    public float* Zeros; // [K]
    public float* Scratch; // ScratchOf floats for each part
    public float* Panels;

    public static nint ScratchOf(in TilePlan plan) => plan.Points * CpuTensor.PaddedKernels(plan.Filter.Kernels);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run<TVector>(int part, int parts) where TVector : struct, ISimdVector<TVector>
    {
        int K = Plan.Filter.Kernels, C = Plan.Channels, together = CpuTensor.PaddedKernels(K);
        float** taps = stackalloc float*[TilePlan.MostOutputs], points = stackalloc float*[TilePlan.MostPoints];
        for (int p = 0; p < Plan.Points; p++) points[p] = Scratch + part * ScratchOf(Plan) + p * together;
        var transform = LineTransforms.EvaluateWeights(Plan.Taps);
        var (from, to) = IWork.Share(C, part, parts);
        for (int c = from; c < to; c++)
        {
            TilePointers.Taps(Plan, Weights, c, Zeros, taps);
            TileTransform.Run<TVector>(transform, transform, taps, together, points);
            for (int p = 0; p < Plan.Points; p++)
                for (int k = 0, rows; k < K; k += rows)
                {
                    rows = Tiling.NextRows<TVector>(K - k, vectors: 2);
                    float* source = points[p] + k, panel = Panels + ((nint)p * K + k) * C + c * rows;
                    for (int i = 0; i < rows; i++) panel[i] = source[i];
                }
        }
    }
}

/// <summary>Weights [R][S][C][K], turned by 180 degrees, at the points, in panels [points][block of channels][K][rows of a tile].</summary>
internal unsafe struct EvaluateTurnedKernels : IWork
{
    const int MostRows = 12;

    public float* Weights;
    public TilePlan Plan;
    public float* Scratch; // ScratchOf floats for each part
    public float* Panels;

    public static nint ScratchOf(in TilePlan plan) => plan.Points * MostRows * CpuTensor.PaddedKernels(plan.Filter.Kernels);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run<TVector>(int part, int parts) where TVector : struct, ISimdVector<TVector>
    {
        int K = Plan.Filter.Kernels, C = Plan.Filter.Channels, together = CpuTensor.PaddedKernels(K), taps = Plan.Taps * Plan.Taps;
        float** turned = stackalloc float*[TilePlan.MostOutputs], points = stackalloc float*[TilePlan.MostPoints];
        float* scratch = Scratch + part * ScratchOf(Plan);
        var transform = LineTransforms.EvaluateWeights(Plan.Taps);
        for (int c = 0, block = 0, rows; c < C; c += rows, block++)
        {
            rows = Tiling.NextRows<TVector>(C - c, vectors: 2);
            if (block % parts != part) continue;
            for (int row = 0; row < rows; row++)
            {
                for (int tap = 0; tap < taps; tap++) turned[tap] = Weights + ((nint)(taps - 1 - tap) * C + c + row) * together;
                for (int p = 0; p < Plan.Points; p++) points[p] = scratch + (p * MostRows + row) * together;
                TileTransform.Run<TVector>(transform, transform, turned, together, points);
            }
            for (int p = 0; p < Plan.Points; p++)
                Transpose.Copy(scratch + p * MostRows * together, together, rows, K, Panels + ((nint)p * C + c) * K, rows);
        }
    }
}

/// <summary>
/// Fast convolution, forward, and with turned weights the gradient by the input. Some tiles at a time are taken to the points, multiplied
/// there by the weights (at each point a product of matrices: kernels x channels by channels x images), and gathered into outputs.
/// Every output is computed by one thread in one order, so neither threads nor the tiles taken together change a bit.
/// </summary>
internal unsafe struct WinogradConvolution : IWork
{
    /// <summary>Floats of inputs at the points that are kept at once: as much as the second cache holds beside outputs and weights.</summary>
    const nint PointFloats = 1 << 17;

    /// <summary>Kernels whose outputs at the points are kept at once, or a few more: a whole number of panels.</summary>
    const int KernelsTogether = 32, MostKernelsTogether = KernelsTogether + 11;

    public float* Input; // [B / 32][H][W][C][32]
    public int ImageBlocks;
    public TilePlan Plan;
    public float* Panels; // [points][K / rows][phase and channel][rows]
    public float* Bias; // [K], or null
    public bool Rectify;
    public bool StoreThrough;
    public float* Zeros; // [C][32]
    public float* Scratch; // ScratchOf floats for each part
    public float* Output; // [B / 32][OH][OW][K][32]

    /// <summary>Floats of the panels, in whole cache lines: what lies behind them is stored to by whole ones.</summary>
    public static nint PanelFloatsOf(in TilePlan plan) => ((nint)plan.Points * plan.Channels * plan.Filter.Kernels + Cache.LineFloats - 1) / Cache.LineFloats * Cache.LineFloats;

    public static nint ScratchOf(in TilePlan plan)
    {
        int tiles = TilesTogether(plan);
        return TileMemory.FloatsOf(plan.Points, tiles, plan.Channels) + TileMemory.FloatsOf(plan.Points, tiles, MostKernelsTogether) + MostKernelsTogether * 32;
    }

    static int TilesTogether(in TilePlan plan) => (int)Math.Max(1, PointFloats / (plan.Points * 32 * plan.Channels));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run<TVector>(int part, int parts) where TVector : struct, ISimdVector<TVector>
    {
        int together = TilesTogether(Plan), K = Plan.Filter.Kernels;
        float* scratch = Scratch + part * ScratchOf(Plan), sink = scratch + TileMemory.FloatsOf(Plan.Points, together, Plan.Channels);
        var inputs = new TileMemory(scratch, together, Plan.Channels);
        var outputs = new TileMemory(sink, together, MostKernelsTogether);
        sink += TileMemory.FloatsOf(Plan.Points, together, MostKernelsTogether);
        var (from, to) = IWork.Share((long)ImageBlocks * Plan.Tiles, part, parts);
        for (int first = from; first < to; first += together)
        {
            int tiles = Math.Min(together, to - first);
            for (int slot = 0; slot < tiles; slot++) Evaluate<TVector>(first + slot, inputs, slot);
            for (int k = 0, end; k < K; k = end)
            {
                for (end = k; end < K && end - k < KernelsTogether;) end += Tiling.NextRows<TVector>(K - end, vectors: 2);
                for (int point = 0; point < Plan.Points; point++) Multiply<TVector>(first, tiles, point, k, end, inputs, outputs);
                for (int slot = 0; slot < tiles; slot++) Gather<TVector>(first + slot, k, end, outputs, slot, sink);
            }
        }
    }

    readonly void Evaluate<TVector>(int unit, TileMemory inputs, int slot) where TVector : struct, ISimdVector<TVector>
    {
        var filter = Plan.Filter;
        float* image = Input + (nint)(unit / Plan.Tiles) * filter.Height * filter.Width * filter.Channels * 32;
        TileInputs.Evaluate<TVector>(Plan, image, unit % Plan.Tiles, Zeros, 0, Plan.Channels, inputs, slot);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    readonly void Multiply<TVector>(int first, int tiles, int point, int kernel, int end, TileMemory inputs, TileMemory outputs) where TVector : struct, ISimdVector<TVector>
    {
        int K = Plan.Filter.Kernels, C = Plan.Channels;
        var product = new Product { Runs = 1, Steps = C, BStep = 32, CRow = 32 };
        for (int k = kernel, rows; k < end; k += rows)
        {
            rows = Tiling.NextRows<TVector>(K - k, vectors: 2);
            product.A = Panels + ((nint)point * K + k) * C;
            product.AStep = rows;
            for (int slot = 0; slot < tiles; slot++)
            {
                if (!Plan.HasPoint((first + slot) % Plan.Tiles, point)) continue;
                product.B = inputs.At(point, slot);
                product.C = outputs.At(point, slot) + (k - kernel) * 32;
                Tiling.Run<TVector, ColumnsContiguous>(rows, 32, product);
            }
        }
    }

    readonly void Gather<TVector>(int unit, int kernel, int end, TileMemory outputs, int slot, float* sink) where TVector : struct, ISimdVector<TVector>
    {
        var filter = Plan.Filter;
        float** points = stackalloc float*[TilePlan.MostPoints], pixels = stackalloc float*[TilePlan.MostOutputs];
        int tile = unit % Plan.Tiles;
        float* image = Output + (nint)(unit / Plan.Tiles) * filter.OutputHeight * filter.OutputWidth * filter.Kernels * 32;
        TilePointers.Points(Plan, outputs, slot, tile, points);
        TilePointers.Outputs(Plan, image + kernel * 32, tile, sink, pixels);
        var (down, along) = Plan.Gather(tile);
        TileTransform.Run<TVector>(
            down, along, points, (end - kernel) * 32, pixels, 0, new Finish { Bias = Bias == null ? null : Bias + kernel, Rectify = Rectify, Through = StoreThrough });
    }
}

/// <summary>Inputs of a tile at the points.</summary>
internal static unsafe class TileInputs
{
    /// <summary>Channels [from, to) of all phases.</summary>
    public static void Evaluate<TVector>(in TilePlan plan, float* image, int tile, float* zeros, int from, int to, TileMemory inputs, int slot)
        where TVector : struct, ISimdVector<TVector>
    {
        float** pixels = stackalloc float*[TilePlan.MostPoints], points = stackalloc float*[TilePlan.MostPoints];
        var (down, along) = plan.Inputs(tile);
        int C = plan.Filter.Channels;
        TilePointers.Points(plan, inputs, slot, tile, points);
        for (int c = from, channels; c < to; c += channels)
        {
            int phase = c / C, within = c % C;
            channels = Math.Min(C - within, to - c);
            TilePointers.Inputs(plan, image + within * 32, tile, phase, zeros, pixels);
            TileTransform.Run<TVector>(down, along, pixels, channels * 32, points, c * 32);
        }
    }
}
