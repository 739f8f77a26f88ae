using ILGPU;
using ILGPU.Runtime;

namespace AlexNetActors.Compute.Gpu;

/// <summary>Where a weight of a filter meets its input: how far from the pixel under the filter's corner.</summary>
/// <param name="offset">In memory, in units of four images.</param>
/// <param name="y">Rows.</param>
/// <param name="x">Columns.</param>
struct Tap(int offset, int y, int x)
{
    public int Offset = offset, Y = y, X = x, Unused = 0; // 16 bytes: one access

    /// <summary>Falls on no input: fills a table up to whole tiles.</summary>
    public static Tap Nowhere => new(0, FarAway, 0);

    /// <summary>Further than any picture, near enough not to overflow when a pixel is added.</summary>
    public const int FarAway = -(1 << 28);
}

/// <summary>What a product kernel must know of a convolution. Columns of matrices are counted in units of four, they are read so.</summary>
struct ProductShape
{
    /// <summary>Rows of the result, as a tile counts them, and tiles of rows.</summary>
    public int Rows, RowTiles;

    /// <summary>Depth of the sum; how much of it a group of threads adds up, a multiple of <see cref="Products.Depth"/>.</summary>
    public int Depth, PartDepth;

    /// <summary>Units of four images; of four kernels.</summary>
    public int Images4, Kernels4;

    /// <summary>Of the picture that the taps fall on.</summary>
    public int Height, Width;

    /// <summary>Pixels of the other picture, and the width of a row of them.</summary>
    public int Pixels, RowPixels;

    /// <summary>Pixel (y, x) of the other picture has its filter's corner at (y * stride + origin, x * stride + origin).</summary>
    public int Stride, Origin;

    /// <summary>Four-unit elements of one part's result.</summary>
    public int PartSize;

    /// <summary>Products side by side, and four-unit elements from one's left operand, input and result to the next's.</summary>
    public int Batch, LeftBatch, InputBatch, ResultBatch;

    /// <summary>1 when the result is finished here: bias added, rectified if asked.</summary>
    public int AddBias, Rectify;

    /// <summary>The convolution. Tiles and parts are left to whoever cuts it.</summary>
    /// <param name="f">The filter.</param>
    /// <param name="images">Images, filled up.</param>
    /// <param name="kernels">Kernels side by side, filled up.</param>
    /// <param name="rectify">Its outputs.</param>
    public static ProductShape Forward(Filter f, int images, int kernels, bool rectify) => new()
    {
        Rows = f.Kernels,
        Depth = f.WeightsShape.Features,
        Images4 = images / 4,
        Kernels4 = kernels / 4,
        Height = f.Height,
        Width = f.Width,
        Pixels = f.OutputHeight * f.OutputWidth,
        RowPixels = f.OutputWidth,
        Stride = f.Stride,
        Origin = -f.Pad,
        Batch = 1,
        AddBias = 1,
        Rectify = rectify ? 1 : 0,
    };

    /// <summary>The gradient by the input, with weights turned to [K, R, S, C]: <paramref name="channels"/> side by side, filled up. Stride 1.</summary>
    public static ProductShape BackwardInput(Filter f, int images, int channels) => new()
    {
        Rows = f.Channels,
        Depth = f.Kernels * f.SizeY * f.SizeX,
        Images4 = images / 4,
        Kernels4 = channels / 4,
        Height = f.OutputHeight,
        Width = f.OutputWidth,
        Pixels = f.Height * f.Width,
        RowPixels = f.Width,
        Stride = 1,
        Origin = f.Pad,
        Batch = 1,
    };

    /// <summary>At each of so many points, kernels that see all channels.</summary>
    public static ProductShape AtPoints(int points, int kernels, int channels, int columns4, int kernels4) => new()
    {
        Rows = kernels,
        Depth = channels,
        Images4 = columns4,
        Kernels4 = kernels4,
        Height = 1,
        Width = 1,
        Pixels = 1,
        RowPixels = 1,
        Stride = 1,
        Batch = points,
        LeftBatch = channels * kernels4,
        InputBatch = channels * columns4,
        ResultBatch = kernels * columns4,
    };

    /// <summary>The gradient by the weights: the same geometry, the sum running over pixels and images.</summary>
    public static ProductShape BackwardWeights(Filter f, int images, int kernels) =>
        Forward(f, images, kernels, rectify: false) with { Depth = f.OutputHeight * f.OutputWidth * images, AddBias = 0 };
}

/// <summary>
/// The matrix products that convolutions are: nothing is copied into a matrix first, the tiles are gathered where they lie.
/// Activations are [C, H, W, B] with the images side by side, as cuda-convnet kept them: whatever a filter's tap points at, its images
/// are one coalesced access, and whether it falls on padding is the same for all of them.
/// <para>A group of 128 threads makes a tile of 64 x 128 sums, 8 x 8 a thread, from strips of depth 8 in shared memory, while the next
/// strips are on their way into registers. A deep sum is cut in parts, as many as its shape says, which <see cref="Sums.SumParts"/> adds in order.</para>
/// </summary>
static class Products
{
    public const int Threads = 128, TileRows = 64, TileColumns = 128, Depth = 8;

    /// <summary>Four groups on a multiprocessor: at most 128 registers a thread.</summary>
    public static KernelSpecialization Groups => new(Threads, 4);

    const int Rows4 = TileRows / 4, Columns4 = TileColumns / 4; // of a strip, in units of four
    const int ThreadColumns = 16;                               // threads beside each other; 8 above each other

    // A strip that is turned while it is stored has four floats of padding a row, so that a warp's stores meet every bank once.
    const int TurnedRows4 = Rows4 + 1, TurnedColumns4 = Columns4 + 1;

    /// <summary>
    /// output[k, n] = sum over taps t of weights[t, k] * input[t at n], n being a pixel of the output and an image: the convolution, and
    /// with its weights turned the gradient by its input. Grid: tiles, parts, products side by side.
    /// </summary>
    /// <param name="s">Rows: kernels. The taps fall on the input.</param>
    /// <param name="allWeights">[batch, depth, K]</param>
    /// <param name="taps">[depth], filled up with <see cref="Tap.Nowhere"/>.</param>
    /// <param name="allInput">[batch, C, H, W, B]</param>
    /// <param name="bias">[K]</param>
    /// <param name="output">[parts, batch, K, OH, OW, B]</param>
    public static void Convolve(ProductShape s, ArrayView<Float4> allWeights, ArrayView<Tap> taps, ArrayView<Float4> allInput, ArrayView<float> bias, ArrayView<Float4> output)
    {
        ArrayView<Float4> weights = allWeights.SubView(Grid.IdxZ * s.LeftBatch), input = allInput.SubView(Grid.IdxZ * s.InputBatch);
        var a = SharedMemory.Allocate<Float4>(2 * Depth * Rows4);
        var b = SharedMemory.Allocate<Float4>(2 * Depth * Columns4);
        int thread = Group.IdxX, tx = thread & ThreadColumns - 1, ty = thread / ThreadColumns;
        int row4 = Grid.IdxX % s.RowTiles * Rows4, column4 = Grid.IdxX / s.RowTiles * Columns4;
        int from = Grid.IdxY * s.PartDepth, to = IntrinsicMath.Min(from + s.PartDepth, s.Depth);

        // What this thread brings: four kernels of one tap, and four images of two taps.
        int aDepth = thread / Rows4, aColumn = thread & Rows4 - 1, aKernel4 = row4 + aColumn;
        int bDepth = thread / Columns4, bColumn = thread & Columns4 - 1, n4 = column4 + bColumn;
        int pixel = n4 / s.Images4;
        int y = pixel / s.RowPixels, x = (pixel - y * s.RowPixels) * s.Stride + s.Origin;
        y = pixel < s.Pixels ? y * s.Stride + s.Origin : Tap.FarAway;
        int corner = (y * s.Width + x) * s.Images4 + n4 - pixel * s.Images4;

        var aNext = Weight(weights, s, from + aDepth, aKernel4);
        var bNext = AtTap(input, taps[from + bDepth], s, y, x, corner);
        var bNext2 = AtTap(input, taps[from + bDepth + Depth / 2], s, y, x, corner);
        SumTile sums = default;
        int aStrip = 0, bStrip = 0; // the strip that is multiplied; the other is filled
        a[aDepth * Rows4 + aColumn] = aNext;
        b[bDepth * Columns4 + bColumn] = bNext;
        b[(bDepth + Depth / 2) * Columns4 + bColumn] = bNext2;
        Group.Barrier();
        for (int k = from + Depth; k < to; k += Depth)
        {
            aNext = Weight(weights, s, k + aDepth, aKernel4);
            bNext = AtTap(input, taps[k + bDepth], s, y, x, corner);
            bNext2 = AtTap(input, taps[k + bDepth + Depth / 2], s, y, x, corner);
            sums = Multiply(sums, a, aStrip + ty, Rows4, b, bStrip + tx, Columns4);
            aStrip = Depth * Rows4 - aStrip;
            bStrip = Depth * Columns4 - bStrip;
            a[aStrip + aDepth * Rows4 + aColumn] = aNext;
            b[bStrip + bDepth * Columns4 + bColumn] = bNext;
            b[bStrip + (bDepth + Depth / 2) * Columns4 + bColumn] = bNext2;
            Group.Barrier();
        }
        sums = Multiply(sums, a, aStrip + ty, Rows4, b, bStrip + tx, Columns4);

        int columns4 = s.Pixels * s.Images4, low = column4 + tx, high = low + ThreadColumns, part = Grid.IdxY * s.PartSize + Grid.IdxZ * s.ResultBatch;
        int row = row4 * 4 + ty * 4, row2 = row + TileRows / 2;
        StoreRow(output, part, s, bias, row, columns4, low, high, sums.R0);
        StoreRow(output, part, s, bias, row + 1, columns4, low, high, sums.R1);
        StoreRow(output, part, s, bias, row + 2, columns4, low, high, sums.R2);
        StoreRow(output, part, s, bias, row + 3, columns4, low, high, sums.R3);
        StoreRow(output, part, s, bias, row2, columns4, low, high, sums.R4);
        StoreRow(output, part, s, bias, row2 + 1, columns4, low, high, sums.R5);
        StoreRow(output, part, s, bias, row2 + 2, columns4, low, high, sums.R6);
        StoreRow(output, part, s, bias, row2 + 3, columns4, low, high, sums.R7);
    }

    /// <summary>dWeights[t, k] = sum over pixels and images n of dOutput[k, n] * input[t at n]: the gradient by the weights. Grid: as <see cref="Convolve"/>.</summary>
    /// <param name="s">Rows: kernels. Depth: pixels of the output times images.</param>
    /// <param name="allDOutput">[batch, K, OH, OW, B]</param>
    /// <param name="taps">[weights of a kernel], filled up with <see cref="Tap.Nowhere"/>.</param>
    /// <param name="tapCount">Weights of a kernel.</param>
    /// <param name="allInput">[batch, C, H, W, B]</param>
    /// <param name="dWeights">[parts, batch, weights of a kernel, K]</param>
    public static void ConvolveBackwardWeights(ProductShape s, ArrayView<Float4> allDOutput, ArrayView<Tap> taps, int tapCount, ArrayView<Float4> allInput, ArrayView<Float4> dWeights)
    {
        ArrayView<Float4> dOutput = allDOutput.SubView(Grid.IdxZ * s.LeftBatch), input = allInput.SubView(Grid.IdxZ * s.InputBatch);
        var a = SharedMemory.Allocate<Float4>(2 * Depth * TurnedRows4);
        var b = SharedMemory.Allocate<Float4>(2 * Depth * TurnedColumns4);
        var aFloats = a.Cast<float>();
        var bFloats = b.Cast<float>();
        int thread = Group.IdxX, tx = thread & ThreadColumns - 1, ty = thread / ThreadColumns;
        int row4 = Grid.IdxX % s.RowTiles * Rows4, column4 = Grid.IdxX / s.RowTiles * Columns4;
        int from = Grid.IdxY * s.PartDepth, to = IntrinsicMath.Min(from + s.PartDepth, s.Depth);

        // What this thread brings: of a strip's eight images (two units), one unit of one kernel and of two taps.
        int line = thread / 2, unit = thread & 1;
        int kernel = row4 * 4 + line, dOutputRow = kernel * s.Pixels * s.Images4 + unit;
        Tap tap = taps[column4 * 4 + line], tap2 = taps[column4 * 4 + TileRows + line];
        int image4 = from / 4, pixel = image4 / s.Images4, y = pixel / s.RowPixels, x = pixel - y * s.RowPixels;
        image4 -= pixel * s.Images4;

        int aAt = unit * 4 * TurnedRows4 * 4 + line, bAt = unit * 4 * TurnedColumns4 * 4 + line;
        int aStrip = 0, bStrip = 0;
        int cornerY = y * s.Stride + s.Origin, cornerX = x * s.Stride + s.Origin, corner = (cornerY * s.Width + cornerX) * s.Images4 + image4 + unit;
        var aNext = kernel < s.Rows ? dOutput[dOutputRow + from / 4] : default;
        var bNext = AtTap(input, tap, s, cornerY, cornerX, corner);
        var bNext2 = AtTap(input, tap2, s, cornerY, cornerX, corner);
        StoreTurned(aFloats.SubView(aAt), TurnedRows4 * 4, aNext);
        StoreTurned(bFloats.SubView(bAt), TurnedColumns4 * 4, bNext);
        StoreTurned(bFloats.SubView(bAt + TileRows), TurnedColumns4 * 4, bNext2);
        SumTile sums = default;
        Group.Barrier();
        for (int k = from + Depth; k < to; k += Depth)
        {
            image4 += Depth / 4;
            if (image4 == s.Images4)
            {
                image4 = 0;
                x++;
                if (x == s.RowPixels)
                {
                    x = 0;
                    y++;
                }
            }
            cornerY = y * s.Stride + s.Origin;
            cornerX = x * s.Stride + s.Origin;
            corner = (cornerY * s.Width + cornerX) * s.Images4 + image4 + unit;
            aNext = kernel < s.Rows ? dOutput[dOutputRow + k / 4] : default;
            bNext = AtTap(input, tap, s, cornerY, cornerX, corner);
            bNext2 = AtTap(input, tap2, s, cornerY, cornerX, corner);
            sums = Multiply(sums, a, aStrip + ty, TurnedRows4, b, bStrip + tx, TurnedColumns4);
            aStrip = Depth * TurnedRows4 - aStrip;
            bStrip = Depth * TurnedColumns4 - bStrip;
            StoreTurned(aFloats.SubView(aStrip * 4 + aAt), TurnedRows4 * 4, aNext);
            StoreTurned(bFloats.SubView(bStrip * 4 + bAt), TurnedColumns4 * 4, bNext);
            StoreTurned(bFloats.SubView(bStrip * 4 + bAt + TileRows), TurnedColumns4 * 4, bNext2);
            Group.Barrier();
        }
        sums = Multiply(sums, a, aStrip + ty, TurnedRows4, b, bStrip + tx, TurnedColumns4);

        int part = Grid.IdxY * s.PartSize + Grid.IdxZ * s.ResultBatch, low = column4 * 4 + tx * 4, high = low + TileColumns / 2, kernel4 = row4 + ty, kernel8 = kernel4 + Rows4 / 2;
        StoreColumns(dWeights, part, s, tapCount, low, kernel4, sums.R0.Low, sums.R1.Low, sums.R2.Low, sums.R3.Low);
        StoreColumns(dWeights, part, s, tapCount, low, kernel8, sums.R4.Low, sums.R5.Low, sums.R6.Low, sums.R7.Low);
        StoreColumns(dWeights, part, s, tapCount, high, kernel4, sums.R0.High, sums.R1.High, sums.R2.High, sums.R3.High);
        StoreColumns(dWeights, part, s, tapCount, high, kernel8, sums.R4.High, sums.R5.High, sums.R6.High, sums.R7.High);
    }

    /// <summary>
    /// The strips' product: the eight columns of a that are this thread's, times its eight rows of b. Four of them written out, as nothing
    /// unrolls a loop here; and twice around, as ILGPU moves arithmetic to where its result is used, sum by sum, unless a loop holds it:
    /// all operands would live at once, and registers spill.
    /// </summary>
    static SumTile Multiply(SumTile sums, ArrayView<Float4> a, int aFirst, int aStride, ArrayView<Float4> b, int bFirst, int bStride)
    {
        for (int d = 0; d < Depth; d += 4)
        {
            var a4 = a.SubView(aFirst + d * aStride);
            var b4 = b.SubView(bFirst + d * bStride);
            sums = Multiply1(sums, a4, 0, b4, 0);
            sums = Multiply1(sums, a4, aStride, b4, bStride);
            sums = Multiply1(sums, a4, 2 * aStride, b4, 2 * bStride);
            sums = Multiply1(sums, a4, 3 * aStride, b4, 3 * bStride);
        }
        return sums;
    }

    static SumTile Multiply1(SumTile sums, ArrayView<Float4> a, int aAt, ArrayView<Float4> b, int bAt) =>
        SumTile.Add(sums, a[aAt], a[aAt + Rows4 / 2], b[bAt], b[bAt + ThreadColumns]);

    internal static Float4 Weight(ArrayView<Float4> weights, ProductShape s, int depth, int kernel4) =>
        depth < s.Depth && kernel4 < s.Kernels4 ? weights[depth * s.Kernels4 + kernel4] : default;

    internal static Float4 AtTap(ArrayView<Float4> input, Tap tap, ProductShape s, int y, int x, int corner) =>
        (uint)(y + tap.Y) < (uint)s.Height && (uint)(x + tap.X) < (uint)s.Width ? input[corner + tap.Offset] : default;

    static void StoreTurned(ArrayView<float> strip, int stride, Float4 values)
    {
        strip[0] = values.X;
        strip[stride] = values.Y;
        strip[2 * stride] = values.Z;
        strip[3 * stride] = values.W;
    }

    static void StoreRow(ArrayView<Float4> output, int part, ProductShape s, ArrayView<float> bias, int row, int columns4, int low, int high, Octet sums)
    {
        if (row >= s.Rows) return;
        float add = s.AddBias != 0 ? bias[row] : 0;
        if (low < columns4) output[part + row * columns4 + low] = Finish(sums.Low, add, s.Rectify);
        if (high < columns4) output[part + row * columns4 + high] = Finish(sums.High, add, s.Rectify);
    }

    /// <summary>Four taps of four kernels, turned: the kernels are side by side in memory.</summary>
    static void StoreColumns(ArrayView<Float4> dWeights, int part, ProductShape s, int tapCount, int tap, int kernel4, Float4 k0, Float4 k1, Float4 k2, Float4 k3)
    {
        if (kernel4 >= s.Kernels4) return;
        int at = part + tap * s.Kernels4 + kernel4;
        if (tap < tapCount) dWeights[at] = new(k0.X, k1.X, k2.X, k3.X);
        if (tap + 1 < tapCount) dWeights[at + s.Kernels4] = new(k0.Y, k1.Y, k2.Y, k3.Y);
        if (tap + 2 < tapCount) dWeights[at + 2 * s.Kernels4] = new(k0.Z, k1.Z, k2.Z, k3.Z);
        if (tap + 3 < tapCount) dWeights[at + 3 * s.Kernels4] = new(k0.W, k1.W, k2.W, k3.W);
    }

    public static Float4 Finish(Float4 v, float add, int rectify) =>
        new(Finish(v.X + add, rectify), Finish(v.Y + add, rectify), Finish(v.Z + add, rectify), Finish(v.W + add, rectify));

    static float Finish(float v, int rectify) => rectify != 0 && v < 0 ? 0 : v; // NaN stays NaN
}
