using System.Runtime.CompilerServices;

namespace AlexNetActors.Compute.Cpu;

/// <summary>How the kernels of a convolution are cut into panels: of 32, the last of 48 where 16 would be left over.</summary>
internal static class KernelPanels
{
    public static int Count(int kernels) => CpuTensor.PaddedKernels(kernels) / 32;

    public static int Width(int kernels, int panel) => panel == Count(kernels) - 1 ? CpuTensor.PaddedKernels(kernels) - 32 * panel : 32;
}

/// <summary>Rows [K][32 images] of a gradient by the output into [panel of kernels][OW][32 images][kernels of the panel].</summary>
internal unsafe struct TransposeRows : IWork
{
    public float* DOutput; // first of the rows, [OW][K][32]
    public int Rows, OW, K;
    public float* Transposed; // [rows][panels][OW][32][width]

    public readonly void Run<TVector>(int part, int parts) where TVector : struct, ISimdVector<TVector>
    {
        int panels = KernelPanels.Count(K);
        var (from, to) = IWork.Share((long)Rows * panels, part, parts);
        for (int unit = from; unit < to; unit++)
        {
            int row = unit / panels, panel = unit % panels, width = KernelPanels.Width(K, panel), kernels = Math.Min(width, K - 32 * panel);
            float* source = DOutput + (nint)row * OW * K * 32 + panel * 32 * 32;
            float* destination = Transposed + (nint)row * OW * CpuTensor.PaddedKernels(K) * 32 + (nint)panel * 32 * OW * 32;
            for (int x = 0; x < OW; x++, source += K * 32, destination += 32 * width)
            {
                Transpose.Copy(source, 32, kernels, 32, destination, width);
                if (kernels < width)
                    for (int n = 0; n < 32; n++) new Span<float>(destination + n * width + kernels, width - kernels).Clear();
            }
        }
    }
}

/// <summary>
/// Gradient by the weights and the bias, from some rows of the output of one block of images. Rows of the product are taps and
/// channels (s, c), columns kernels, and the sum runs over pixels and images, a few pixels at a time: short chains added to what
/// the gradient holds, in an order that depends on the shapes alone.
/// </summary>
internal unsafe struct ConvolutionWeights : IWork
{
    /// <summary>Most pixels in one chain; as many of the transposed gradient stay in the nearest cache.</summary>
    const int PixelsTogether = 8;

    /// <summary>Below so many channels the taps of one row are taken together, else there would be tiles of few rows.</summary>
    const int FewChannels = 16;

    public float* Input; // the block of images, [H][W][C][32]
    public Filter Filter;
    public float* Transposed; // [rows][panels][OW][32][width]
    public int FirstRow, Rows;
    public float* Ones; // [32]
    public float* DWeights; // [R][S][C][K]
    public float* DBias; // [K]

    public readonly void Run<TVector>(int part, int parts) where TVector : struct, ISimdVector<TVector>
    {
        int OW = Filter.OutputWidth, chunks = (OW + PixelsTogether - 1) / PixelsTogether;
        var (from, to) = IWork.Share(Units<TVector>(), part, parts);
        for (int y = FirstRow; y < FirstRow + Rows; y++)
            for (int chunk = 0; chunk < chunks; chunk++)
                Add<TVector>(y, chunk, chunks, from, to);
    }

    /// <summary>Units of work in a row of the output: (row of taps, stretch, panel, two tiles), and the bias's panels.</summary>
    readonly int Units<TVector>() where TVector : struct, ISimdVector<TVector>
    {
        int units = 0, panels = KernelPanels.Count(Filter.Kernels);
        for (int stretch = 0; stretch < Stretches; stretch++)
        {
            var (_, _, first, last) = Stretch(stretch);
            for (int panel = 0; panel < panels; panel++) units += (last - first + RowsTogether<TVector>(panel) - 1) / RowsTogether<TVector>(panel);
        }
        return units * Filter.SizeY + panels;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    readonly void Add<TVector>(int y, int chunk, int chunks, int from, int to) where TVector : struct, ISimdVector<TVector>
    {
        int C = Filter.Channels, OW = Filter.OutputWidth, panels = KernelPanels.Count(Filter.Kernels), together = CpuTensor.PaddedKernels(Filter.Kernels);
        float* transposed = Transposed + (nint)(y - FirstRow) * OW * together * 32;
        int unit = 0;
        for (int r = 0; r < Filter.SizeY; r++)
        {
            int iy = y * Filter.Stride - Filter.Pad + r;
            for (int stretch = 0; stretch < Stretches; stretch++)
            {
                var (x0, x1, first, last) = Stretch(stretch);
                var (begin, end) = (x0 + (x1 - x0) * chunk / chunks, x0 + (x1 - x0) * (chunk + 1) / chunks);
                float* input = Input + ((nint)iy * Filter.Width + begin * Filter.Stride - Filter.Pad) * C * 32;
                for (int panel = 0; panel < panels; panel++)
                {
                    int width = KernelPanels.Width(Filter.Kernels, panel), rowsTogether = RowsTogether<TVector>(panel);
                    for (int group = first; group < last; group += rowsTogether, unit++)
                    {
                        if (unit < from || unit >= to || iy < 0 || iy >= Filter.Height || begin == end) continue;
                        int groupEnd = Math.Min(last, group + rowsTogether);
                        for (int row = group, rows; row < groupEnd; row += rows)
                        {
                            rows = Tiling.NextRows<TVector>(groupEnd - row, Tiling.Vectors<TVector>(width));
                            Tiling.Run<TVector, RowsOf32>(rows, width, new Product
                            {
                                Runs = end - begin,
                                Steps = 32,
                                A = input + row * 32,
                                ARun = (nint)Filter.Stride * C * 32,
                                AStep = 1,
                                B = transposed + ((nint)panel * 32 * OW + begin * width) * 32,
                                BRun = 32 * width,
                                BStep = width,
                                C = DWeights + ((nint)r * Filter.SizeX * C + row) * together + panel * 32,
                                CRow = together,
                                Add = true,
                            });
                        }
                    }
                }
            }
        }
        for (int panel = 0; panel < panels; panel++, unit++)
        {
            if (unit < from || unit >= to) continue;
            int width = KernelPanels.Width(Filter.Kernels, panel), begin = OW * chunk / chunks, end = OW * (chunk + 1) / chunks;
            Tiling.Run<TVector, RowsOf32>(1, width, new Product
            {
                Runs = end - begin,
                Steps = 32,
                A = Ones,
                AStep = 1,
                B = transposed + ((nint)panel * 32 * OW + begin * width) * 32,
                BRun = 32 * width,
                BStep = width,
                C = DBias + panel * 32,
                Add = true,
            });
        }
    }

    readonly int RowsTogether<TVector>(int panel) where TVector : struct, ISimdVector<TVector> =>
        Tiling.Vectors<TVector>(KernelPanels.Width(Filter.Kernels, panel)) == 3 ? 17 : 24;

    readonly bool TapsTogether => Filter.Channels < FewChannels;

    /// <summary>
    /// Stretches of output pixels [X0, X1) whose inputs (s, c) in [First, Last) all lie inside the picture. With many channels one for
    /// each tap; with few, one for the pixels that have no tap on the padding, and one for each other pixel.
    /// </summary>
    readonly (int X0, int X1, int First, int Last) Stretch(int index)
    {
        int C = Filter.Channels, S = Filter.SizeX;
        if (!TapsTogether)
            return (Math.Min(FirstInside(index), EndInside(index)), EndInside(index), index * C, (index + 1) * C);
        if (index == 0) return (InsideBegin, InsideEnd, 0, S * C);
        int x = index <= InsideBegin ? index - 1 : index - 1 + InsideEnd - InsideBegin, left = x * Filter.Stride - Filter.Pad;
        int first = Math.Max(0, -left) * C, last = Math.Min(S, Filter.Width - left) * C;
        return (x, x + 1, first, Math.Max(first, last));
    }

    readonly int Stretches => TapsTogether ? 1 + Filter.OutputWidth - (InsideEnd - InsideBegin) : Filter.SizeX;

    /// <summary>Output pixels [InsideBegin, InsideEnd) have no tap on the padding.</summary>
    readonly int InsideBegin => Math.Min(Filter.OutputWidth, FirstInside(0));
    readonly int InsideEnd => Math.Max(InsideBegin, EndInside(Filter.SizeX - 1));

    /// <summary>The first output pixel whose tap s is not left of the picture, and the end of those whose tap s is not right of it.</summary>
    readonly int FirstInside(int s) => Math.Max(0, (Filter.Pad - s + Filter.Stride - 1) / Filter.Stride);
    readonly int EndInside(int s)
    {
        int last = Filter.Width - 1 + Filter.Pad - s;
        return last < 0 ? 0 : Math.Min(Filter.OutputWidth, last / Filter.Stride + 1);
    }
}
