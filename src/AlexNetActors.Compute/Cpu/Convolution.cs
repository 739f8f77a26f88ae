using System.Runtime.CompilerServices;

namespace AlexNetActors.Compute.Cpu;

/// <summary>
/// Weights [R][S][C][K] into panels [block of kernels][R][S][C][rows of a tile]: the order in which <see cref="Convolution"/> reads them.
/// </summary>
internal unsafe struct PackKernels : IWork
{
    public float* Weights;
    public Filter Filter;
    public float* Panels;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run<TVector>(int part, int parts) where TVector : struct, ISimdVector<TVector>
    {
        int K = Filter.Kernels, taps = Filter.SizeY * Filter.SizeX * Filter.Channels, together = CpuTensor.PaddedKernels(K);
        float* panel = Panels;
        for (int k = 0, block = 0, rows; k < K; k += rows, block++, panel += (nint)rows * taps)
        {
            rows = Tiling.NextRows<TVector>(K - k, vectors: 2);
            if (block % parts != part) continue;
            float* from = Weights + k, to = panel;
            for (int tap = 0; tap < taps; tap++, from += together, to += rows)
                for (int i = 0; i < rows; i++) to[i] = from[i];
        }
    }
}

/// <summary>
/// Weights [R][S][C][K], turned by 180 degrees, into panels [block of channels][R][S][K][rows of a tile]: with these, the gradient by
/// the input is a convolution of the gradient by the output.
/// </summary>
internal unsafe struct PackTurnedChannels : IWork
{
    public float* Weights;
    public Filter Filter;
    public float* Panels;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run<TVector>(int part, int parts) where TVector : struct, ISimdVector<TVector>
    {
        int K = Filter.Kernels, C = Filter.Channels, taps = Filter.SizeY * Filter.SizeX, together = CpuTensor.PaddedKernels(K);
        float* panel = Panels;
        for (int c = 0, block = 0, rows; c < C; c += rows, block++, panel += (nint)rows * taps * K)
        {
            rows = Tiling.NextRows<TVector>(C - c, vectors: 2);
            if (block % parts != part) continue;
            for (int tap = 0; tap < taps; tap++)
                Transpose.Copy(Weights + ((nint)(taps - 1 - tap) * C + c) * together, together, rows, K, panel + (nint)tap * K * rows, rows);
        }
    }
}

/// <summary>
/// Direct convolution, forward, and with turned weights the gradient by the input. For one pixel and one row of taps, the inputs
/// (s, c) are one stretch of memory and already a packed operand of [tap and channel][32 images]: a tile of kernels x images hops from
/// row of taps to row of taps with its sums in registers. Taps on the padding are cut off, not multiplied.
/// </summary>
internal unsafe struct Convolution : IWork
{
    /// <summary>Output pixels in a row that share a panel while it is in the cache.</summary>
    const int PixelsTogether = 4;

    public float* Input; // [B / 32][H][W][C][32]
    public int ImageBlocks, C, H, W;
    public float* Panels; // [K / rows][R][S][C][rows]
    public float* Bias; // [K], or null
    public int K, R, S, Stride, PadY, PadX;
    public bool Rectify;
    public float* Output; // [B / 32][OH][OW][K][32]
    public int OH, OW;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run<TVector>(int part, int parts) where TVector : struct, ISimdVector<TVector>
    {
        var (from, to) = IWork.Share((long)ImageBlocks * OH, part, parts);
        for (int row = from; row < to; row++)
        {
            int block = row / OH, top = row % OH * Stride - PadY;
            int r0 = Math.Max(0, -top), r1 = Math.Min(R, H - top);
            float* input = Input + ((nint)block * H + top + r0) * W * C * 32, output = Output + (nint)row * OW * K * 32;
            for (int x0 = 0; x0 < OW; x0 += PixelsTogether)
                for (int k = 0, rows; k < K; k += rows)
                {
                    rows = Tiling.NextRows<TVector>(K - k, vectors: 2);
                    float* panel = Panels + (nint)k * R * S * C;
                    for (int x = x0; x < Math.Min(OW, x0 + PixelsTogether); x++)
                    {
                        int left = x * Stride - PadX, s0 = Math.Max(0, -left), s1 = Math.Min(S, W - left);
                        Tiling.Run<TVector, ColumnsContiguous>(rows, 32, new Product
                        {
                            Runs = s1 > s0 ? r1 - r0 : 0,
                            Steps = (nint)(s1 - s0) * C,
                            A = panel + (nint)(r0 * S + s0) * C * rows,
                            ARun = (nint)S * C * rows,
                            AStep = rows,
                            B = input + (nint)(left + s0) * C * 32,
                            BRun = (nint)W * C * 32,
                            BStep = 32,
                            C = output + ((nint)x * K + k) * 32,
                            CRow = 32,
                            Bias = Bias == null ? null : Bias + k,
                            Rectify = Rectify,
                        });
                    }
                }
        }
    }
}
