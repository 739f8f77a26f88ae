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
        var (from, to) = IWork.Share((long)Rows * OW, part, parts);
        for (int pixel = from; pixel < to; pixel++)
        {
            float* row = Transposed + (nint)(pixel / OW) * OW * CpuTensor.PaddedKernels(K) * 32;
            for (int panel = 0; panel < panels; panel++)
            {
                int width = KernelPanels.Width(K, panel), kernels = Math.Min(width, K - 32 * panel);
                float* destination = row + ((nint)panel * 32 * OW + pixel % OW * width) * 32;
                Transpose.Copy(DOutput + ((nint)pixel * K + panel * 32) * 32, 32, kernels, 32, destination, width);
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
    /// <summary>Most pixels in one chain: long enough to make adding it to the gradient cheap.</summary>
    const int PixelsTogether = 28;

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
        int chunks = (Filter.OutputWidth + PixelsTogether - 1) / PixelsTogether;
        var (from, to) = IWork.Share(Units<TVector>(), part, parts);
        for (int chunk = 0; chunk < chunks; chunk++) Add<TVector>(chunk, chunks, from, to);
    }

    /// <summary>Units of work: (row of taps, band, panel, two tiles of rows), and the bias's panels.</summary>
    readonly int Units<TVector>() where TVector : struct, ISimdVector<TVector>
    {
        int panels = KernelPanels.Count(Filter.Kernels), groups = 0;
        for (int panel = 0; panel < panels; panel++) groups += (BandRows + RowsTogether<TVector>(panel) - 1) / RowsTogether<TVector>(panel);
        return Filter.SizeY * Bands * groups + panels;
    }

    /// <summary>Adds some pixels of every row to the units [from, to). Rows last, so that a tile of the gradient stays in the cache.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    readonly void Add<TVector>(int chunk, int chunks, int from, int to) where TVector : struct, ISimdVector<TVector>
    {
        int panels = KernelPanels.Count(Filter.Kernels), unit = 0;
        for (int r = 0; r < Filter.SizeY; r++)
            for (int band = 0; band < Bands; band++)
                for (int panel = 0; panel < panels; panel++)
                {
                    int rowsTogether = RowsTogether<TVector>(panel), bandEnd = (band + 1) * BandRows;
                    for (int row = band * BandRows; row < bandEnd; row += rowsTogether, unit++)
                    {
                        if (unit < from || unit >= to) continue;
                        for (int y = FirstRow; y < FirstRow + Rows; y++) AddRows<TVector>(y, chunk, chunks, r, band, panel, row, Math.Min(bandEnd, row + rowsTogether));
                    }
                }
        for (int panel = 0; panel < panels; panel++, unit++)
        {
            if (unit < from || unit >= to) continue;
            for (int y = FirstRow; y < FirstRow + Rows; y++) AddBias<TVector>(y, chunk, chunks, panel);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    readonly void AddRows<TVector>(int y, int chunk, int chunks, int r, int band, int panel, int firstRow, int endRow) where TVector : struct, ISimdVector<TVector>
    {
        int C = Filter.Channels, iy = y * Filter.Stride - Filter.Pad + r;
        if (iy < 0 || iy >= Filter.Height) return;
        int width = KernelPanels.Width(Filter.Kernels, panel), together = CpuTensor.PaddedKernels(Filter.Kernels);
        for (int index = 0; index < Stretches; index++)
        {
            var stretch = StretchOf(band, index);
            int x0 = stretch.X0 + (stretch.X1 - stretch.X0) * chunk / chunks, x1 = stretch.X0 + (stretch.X1 - stretch.X0) * (chunk + 1) / chunks;
            if (x0 == x1) continue;
            float* input = Input + ((nint)iy * Filter.Width + x0 * Filter.Stride - Filter.Pad) * C * 32;
            int end = Math.Min(endRow, stretch.EndRow);
            for (int row = Math.Max(firstRow, stretch.FirstRow), rows; row < end; row += rows)
            {
                rows = Tiling.NextRows<TVector>(end - row, Tiling.Vectors<TVector>(width));
                Tiling.Run<TVector, RowsOf32>(rows, width, new Product
                {
                    Runs = x1 - x0,
                    Steps = 32,
                    A = input + row * 32,
                    ARun = (nint)Filter.Stride * C * 32,
                    AStep = 1,
                    B = TransposedAt(y, panel, x0),
                    BRun = 32 * width,
                    BStep = width,
                    C = DWeights + ((nint)r * Filter.SizeX * C + row) * together + panel * 32,
                    CRow = together,
                    Add = true,
                });
            }
        }
    }

    /// <summary>The bias's gradient is one more row of the product, with ones for inputs.</summary>
    readonly void AddBias<TVector>(int y, int chunk, int chunks, int panel) where TVector : struct, ISimdVector<TVector>
    {
        int OW = Filter.OutputWidth, x0 = OW * chunk / chunks, x1 = OW * (chunk + 1) / chunks, width = KernelPanels.Width(Filter.Kernels, panel);
        Tiling.Run<TVector, RowsOf32>(1, width, new Product
        {
            Runs = x1 - x0,
            Steps = 32,
            A = Ones,
            AStep = 1,
            B = TransposedAt(y, panel, x0),
            BRun = 32 * width,
            BStep = width,
            C = DBias + panel * 32,
            Add = true,
        });
    }

    readonly float* TransposedAt(int y, int panel, int x)
    {
        int OW = Filter.OutputWidth, together = CpuTensor.PaddedKernels(Filter.Kernels);
        return Transposed + ((nint)(y - FirstRow) * OW * together + (nint)panel * 32 * OW + x * KernelPanels.Width(Filter.Kernels, panel)) * 32;
    }

    readonly int RowsTogether<TVector>(int panel) where TVector : struct, ISimdVector<TVector> =>
        Tiling.Vectors<TVector>(KernelPanels.Width(Filter.Kernels, panel)) == 3 ? 17 : 24;

    /// <summary>Bands of rows of the product, for one row of taps: all of them if channels are few, else one for each tap.</summary>
    readonly int Bands => TapsTogether ? 1 : Filter.SizeX;
    readonly int BandRows => TapsTogether ? Filter.SizeX * Filter.Channels : Filter.Channels;
    readonly bool TapsTogether => Filter.Channels < FewChannels;

    /// <summary>
    /// Stretches of output pixels in a band: one, the pixels whose tap is inside the picture; or, of all taps together, first the pixels
    /// that have none on the padding, then each other pixel by itself.
    /// </summary>
    readonly int Stretches => TapsTogether ? 1 + Filter.OutputWidth - (InsideEnd - InsideBegin) : 1;

    /// <summary>Output pixels [X0, X1), and the rows (s, c) of the product whose inputs lie inside the picture for all of them.</summary>
    readonly (int X0, int X1, int FirstRow, int EndRow) StretchOf(int band, int index)
    {
        int C = Filter.Channels, S = Filter.SizeX;
        if (!TapsTogether) return (Math.Min(FirstInside(band), EndInside(band)), EndInside(band), band * C, (band + 1) * C);
        if (index == 0) return (InsideBegin, InsideEnd, 0, S * C);
        int x = index <= InsideBegin ? index - 1 : index - 1 + InsideEnd - InsideBegin, left = x * Filter.Stride - Filter.Pad;
        return (x, x + 1, Math.Max(0, -left) * C, Math.Min(S, Filter.Width - left) * C);
    }

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
