using System.Runtime.CompilerServices;

namespace AlexNetActors.Compute.Cpu;

/// <summary>Maximum over windows. NaN in, NaN out.</summary>
internal unsafe struct MaxPooling : IWork
{
    public float* Input; // [B / 32][H][W][C][32]
    public int ImageBlocks, C, H, W, Size, Stride;
    public float* Output; // [B / 32][OH][OW][C][32]
    public int OH, OW;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run<TVector>(int part, int parts) where TVector : struct, ISimdVector<TVector>
    {
        var (from, to) = IWork.Share((long)ImageBlocks * OH, part, parts);
        nint pixel = C * 32, line = W * pixel;
        for (int row = from; row < to; row++)
            for (int x = 0; x < OW; x++)
            {
                float* input = Input + ((nint)(row / OH) * H + row % OH * Stride) * line + x * Stride * pixel;
                float* output = Output + ((nint)row * OW + x) * pixel;
                for (nint n = 0; n < pixel; n += TVector.Count)
                {
                    TVector max = TVector.Load(input + n);
                    for (int r = 0; r < Size; r++)
                        for (int s = 0; s < Size; s++)
                            max = TVector.Max(max, TVector.Load(input + r * line + s * pixel + n));
                    TVector.Store(max, output + n);
                }
            }
    }
}

/// <summary>
/// Backward of <see cref="MaxPooling"/>: the first maximum of a window, in row-major order, takes its gradient. Windows overlap in pixels
/// but never in channels, so parts are groups of channels.
/// </summary>
internal unsafe struct MaxPoolingBackward : IWork
{
    const int ChannelsTogether = 8;

    public float* Input, Output, DOutput;
    public int ImageBlocks, C, H, W, Size, Stride, OH, OW;
    public float* DInput;

    public readonly void Run<TVector>(int part, int parts) where TVector : struct, ISimdVector<TVector>
    {
        int groups = (C + ChannelsTogether - 1) / ChannelsTogether;
        var (from, to) = IWork.Share((long)ImageBlocks * groups, part, parts);
        for (int unit = from; unit < to; unit++)
        {
            int block = unit / groups, c = unit % groups * ChannelsTogether, floats = Math.Min(ChannelsTogether, C - c) * 32;
            nint input = ((nint)block * H * W * C + c) * 32, output = ((nint)block * OH * OW * C + c) * 32;
            Scatter<TVector>(Input + input, Output + output, DOutput + output, floats, DInput + input);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    readonly void Scatter<TVector>(float* input, float* output, float* dOutput, int floats, float* dInput) where TVector : struct, ISimdVector<TVector>
    {
        nint pixel = C * 32, line = W * pixel;
        for (int y = 0, cleared = 0; y < OH; y++)
        {
            // Lines are zeroed just before the first window reaches them, while they are about to be in the cache anyway.
            int reached = y == OH - 1 ? H : y * Stride + Size;
            for (; cleared < reached; cleared++)
                for (nint x = 0; x < W; x++) new Span<float>(dInput + cleared * line + x * pixel, floats).Clear();
            for (int x = 0; x < OW; x++)
            {
                nint window = y * Stride * line + x * Stride * pixel, o = ((nint)y * OW + x) * pixel;
                for (nint n = 0; n < floats; n += TVector.Count)
                {
                    TVector max = TVector.Load(output + o + n), d = TVector.Load(dOutput + o + n), taken = TVector.Zero;
                    for (int r = 0; r < Size; r++)
                        for (int s = 0; s < Size; s++)
                        {
                            nint i = window + r * line + s * pixel + n;
                            TVector first = TVector.AndNot(TVector.IsEqual(TVector.Load(input + i), max), taken);
                            TVector.Store(TVector.Load(dInput + i) + (first & d), dInput + i);
                            taken |= first;
                        }
                }
            }
        }
    }
}
