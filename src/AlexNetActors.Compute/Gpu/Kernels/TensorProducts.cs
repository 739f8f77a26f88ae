using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace AlexNetActors.Compute.Gpu;

/// <summary>Four operands of tensor cores, as one lane of a warp holds them: one 128-bit access.</summary>
struct Word4(uint x, uint y, uint z, uint w)
{
    public uint X = x, Y = y, Z = z, W = w;
}

/// <summary>
/// Eight sums of a lane, four rows in two columns: what two instructions add to. Their assembly wants variables that it can write back to,
/// hence Ref.
/// </summary>
struct ColumnPair
{
    public Ref<float> Left0, Left1, Left2, Left3, Right0, Right1, Right2, Right3;

    public readonly Float4 Left => new(Left0.Value, Left1.Value, Left2.Value, Left3.Value);
    public readonly Float4 Right => new(Right0.Value, Right1.Value, Right2.Value, Right3.Value);
}

/// <summary>A lane's part of its warp's 32 x 64 sums: there are no arrays in registers, so every pair of columns has a name.</summary>
struct WarpTile
{
    public ColumnPair P0, P1, P2, P3, P4, P5, P6, P7;
}

/// <summary>What a thread brings of the next strip, in registers until the strip's memory is free.</summary>
struct Brought
{
    public Float4 A0, A1, B0, B1, B2, B3;
}

/// <summary>Four taps that lie so far apart.</summary>
struct TapQuad(ArrayView<Tap> taps, int apart)
{
    public Tap T0 = taps[0], T1 = taps[apart], T2 = taps[2 * apart], T3 = taps[3 * apart];
}

/// <summary>
/// The matrix products of <see cref="Products"/> on tensor cores, for CUDA devices of compute capability 8.0 and newer: the same arguments,
/// layouts and tiles of 64 x 128. Operands are rounded to TF32, a mantissa of 10 bits, when they are stored to shared memory, in strips of
/// depth 16; sums are float32.
/// <para>Each of the four warps makes 32 x 64 sums with instructions of 16 x 8, 8 deep. In these lane 4g + q holds a[g, q], a[g + 8, q],
/// a[g, q + 4], a[g + 8, q + 4] of the left operand; b[q, g], b[q + 4, g] of the right one; and the sums c[g, 2q], c[g, 2q + 1],
/// c[g + 8, 2q], c[g + 8, 2q + 1] (PTX ISA, "Matrix Fragments for mma.m16n8k8").</para>
/// <para>Strips lie in shared memory as lanes hold them: [16 rows, half of the depth][lane] and [8 columns][lane], four words each. A lane's
/// words are one access, in the registers where the instruction wants them, and no bank is met twice. Which row, column and depth of the
/// matrices is whose g and q is free as long as both operands agree: rows 4g to 4g + 3 of a warp are one lane's, and a convolution's
/// columns are dealt so that a lane's are side by side, to be stored at once.</para>
/// </summary>
static class TensorProducts
{
    public const int Depth = 16;

    /// <summary>Three groups on a multiprocessor: at most 168 registers a thread; with the 128 of four, values spill.</summary>
    public static KernelSpecialization Groups => new(Products.Threads, 3);

    const int Rows4 = Products.TileRows / 4, Columns4 = Products.TileColumns / 4; // of a tile, in units of four
    const int WarpSize = 32, AWords = Depth * Rows4, BWords = Depth * Columns4;   // of a strip, in units of four

    // %0-%3, %4-%7: left and right column of the sums. %8-%11, %12-%15: left operand of the upper and of the lower 16 rows. %16, %17: right operand.
    const string MultiplyPair =
        "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %4, %1, %5}, {%8, %9, %10, %11}, {%16, %17}, {%0, %4, %1, %5};\n\t" +
        "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%2, %6, %3, %7}, {%12, %13, %14, %15}, {%16, %17}, {%2, %6, %3, %7};";

    /// <inheritdoc cref="Products.Convolve"/>
    public static void Convolve(ProductShape s, ArrayView<Float4> weights, ArrayView<Tap> taps, ArrayView<Float4> input, ArrayView<float> bias, ArrayView<Float4> output)
    {
        var a = SharedMemory.Allocate<Word4>(2 * AWords);
        var b = SharedMemory.Allocate<Word4>(2 * BWords);
        int thread = Group.IdxX, lane = thread & 31, warp = thread >> 5, g = lane >> 2, q = lane & 3, rowHalf = warp & 1, columnHalf = warp >> 1;
        int row4 = Grid.IdxX % s.RowTiles * Rows4, column4 = Grid.IdxX / s.RowTiles * Columns4;
        int from = Grid.IdxY * s.PartDepth, to = IntrinsicMath.Min(from + s.PartDepth, s.Depth);

        // What this thread brings: four kernels of two taps, and four images of four taps. Columns 2q and 2q + 1 of the sums are one lane's: even
        // and odd g take images 16 apart, so that lanes q = 0 to 3 come to store 16 images side by side.
        int aKernel4 = row4 + rowHalf * 8 + g, n4 = column4 + warp * 8 + (g >> 1) + (g & 1) * 4;
        int pixel = n4 / s.Images4;
        int y = pixel / s.RowPixels, x = (pixel - y * s.RowPixels) * s.Stride + s.Origin;
        y = pixel < s.Pixels ? y * s.Stride + s.Origin : Tap.FarAway;
        int corner = (y * s.Width + x) * s.Images4 + n4 - pixel * s.Images4;
        int depth = from + q, aStore = (rowHalf * 4 + columnHalf) * WarpSize + lane, bStore = warp * 4 * WarpSize + lane;
        int aLoad = rowHalf * 4 * WarpSize + lane, bLoad = columnHalf * 8 * WarpSize + lane, strip = 0;

        var quad = new TapQuad(taps.SubView(depth), 4);
        var brought = Bring(weights, s, depth + columnHalf * 8, aKernel4, input, quad, y, x, corner);
        WarpTile sums = default;
        for (int k = from + Depth; k < to; k += Depth)
        {
            depth += Depth;
            quad = new TapQuad(taps.SubView(depth), 4); // on its way while strips are stored
            StoreTurned(a.SubView(strip * AWords + aStore), b.SubView(strip * BWords + bStore), brought);
            Group.Barrier();
            brought = Bring(weights, s, depth + columnHalf * 8, aKernel4, input, quad, y, x, corner);
            Multiply(ref sums, a.SubView(strip * AWords + aLoad), b.SubView(strip * BWords + bLoad));
            strip = 1 - strip;
        }
        StoreTurned(a.SubView(strip * AWords + aStore), b.SubView(strip * BWords + bStore), brought);
        Group.Barrier();
        Multiply(ref sums, a.SubView(strip * AWords + aLoad), b.SubView(strip * BWords + bLoad));

        int columns4 = s.Pixels * s.Images4, column = column4 + columnHalf * 16 + q, row = row4 * 4 + rowHalf * 32 + g * 4, part = Grid.IdxY * s.PartSize;
        StoreRows(output, part, s, bias, row, columns4, column, sums.P0.Left, sums.P1.Left, sums.P2.Left, sums.P3.Left);
        StoreRows(output, part, s, bias, row, columns4, column + 4, sums.P0.Right, sums.P1.Right, sums.P2.Right, sums.P3.Right);
        StoreRows(output, part, s, bias, row, columns4, column + 8, sums.P4.Left, sums.P5.Left, sums.P6.Left, sums.P7.Left);
        StoreRows(output, part, s, bias, row, columns4, column + 12, sums.P4.Right, sums.P5.Right, sums.P6.Right, sums.P7.Right);
    }

    /// <inheritdoc cref="Products.ConvolveBackwardWeights"/>
    public static void ConvolveBackwardWeights(ProductShape s, ArrayView<Float4> dOutput, ArrayView<Tap> taps, int tapCount, ArrayView<Float4> input, ArrayView<Float4> dWeights)
    {
        var a = SharedMemory.Allocate<Word4>(2 * AWords);
        var b = SharedMemory.Allocate<Word4>(2 * BWords);
        int thread = Group.IdxX, lane = thread & 31, warp = thread >> 5, g = lane >> 2, q = lane & 3, rowHalf = warp & 1, columnHalf = warp >> 1;
        int row = Grid.IdxX % s.RowTiles * Products.TileRows, column = Grid.IdxX / s.RowTiles * Products.TileColumns;
        int from = Grid.IdxY * s.PartDepth, to = IntrinsicMath.Min(from + s.PartDepth, s.Depth);

        // What this thread brings: of a strip's 16 images, four, of two kernels and of four taps: depths q and q + 4 of one instruction, then
        // of the next.
        int kernel = row + (warp >> 1) * 32 + g * 4 + (warp & 1) * 2, firstTap = column + warp * 32 + g, rowUnits = s.Pixels * s.Images4;
        var quad = new TapQuad(taps.SubView(firstTap), 8);
        int unit4 = from / 4 + q, pixel = unit4 / s.Images4, image4 = unit4 - pixel * s.Images4, y = pixel / s.RowPixels, x = pixel - y * s.RowPixels;
        int aStore = warp * 2 * WarpSize + lane, bStore = warp * 4 * WarpSize + lane;
        int aLoad = rowHalf * 4 * WarpSize + lane, bLoad = columnHalf * 8 * WarpSize + lane, strip = 0;

        var brought = Bring(dOutput, kernel, s, rowUnits, unit4, input, quad, y, x, image4);
        WarpTile sums = default;
        for (int k = from + Depth; k < to; k += Depth)
        {
            Store(a.SubView(strip * AWords + aStore), b.SubView(strip * BWords + bStore), brought);
            Group.Barrier();
            unit4 += Depth / 4;
            image4 += Depth / 4;
            while (image4 >= s.Images4)
            {
                image4 -= s.Images4;
                x++;
                if (x == s.RowPixels)
                {
                    x = 0;
                    y++;
                }
            }
            brought = Bring(dOutput, kernel, s, rowUnits, unit4, input, quad, y, x, image4);
            Multiply(ref sums, a.SubView(strip * AWords + aLoad), b.SubView(strip * BWords + bLoad));
            strip = 1 - strip;
        }
        Store(a.SubView(strip * AWords + aStore), b.SubView(strip * BWords + bStore), brought);
        Group.Barrier();
        Multiply(ref sums, a.SubView(strip * AWords + aLoad), b.SubView(strip * BWords + bLoad));

        int kernel4 = row / 4 + rowHalf * 8 + g, tap = column + columnHalf * 64 + 2 * q, part = Grid.IdxY * s.PartSize;
        StoreTaps(dWeights, part, s, tapCount, tap, kernel4, sums.P0);
        StoreTaps(dWeights, part, s, tapCount, tap + 8, kernel4, sums.P1);
        StoreTaps(dWeights, part, s, tapCount, tap + 16, kernel4, sums.P2);
        StoreTaps(dWeights, part, s, tapCount, tap + 24, kernel4, sums.P3);
        StoreTaps(dWeights, part, s, tapCount, tap + 32, kernel4, sums.P4);
        StoreTaps(dWeights, part, s, tapCount, tap + 40, kernel4, sums.P5);
        StoreTaps(dWeights, part, s, tapCount, tap + 48, kernel4, sums.P6);
        StoreTaps(dWeights, part, s, tapCount, tap + 56, kernel4, sums.P7);
    }

    /// <summary>sums += a b over a strip.</summary>
    /// <param name="sums">Of the warp.</param>
    /// <param name="a">The warp's rows, from this lane's words on: [16 rows][half of the depth][lane].</param>
    /// <param name="b">The warp's columns, from this lane's words on: [8 columns][lane].</param>
    static void Multiply(ref WarpTile sums, ArrayView<Word4> a, ArrayView<Word4> b)
    {
        Word4 upper = a[0], upper2 = a[WarpSize], lower = a[2 * WarpSize], lower2 = a[3 * WarpSize];
        Multiply(ref sums.P0, upper, lower, upper2, lower2, b[0]);
        Multiply(ref sums.P1, upper, lower, upper2, lower2, b[WarpSize]);
        Multiply(ref sums.P2, upper, lower, upper2, lower2, b[2 * WarpSize]);
        Multiply(ref sums.P3, upper, lower, upper2, lower2, b[3 * WarpSize]);
        Multiply(ref sums.P4, upper, lower, upper2, lower2, b[4 * WarpSize]);
        Multiply(ref sums.P5, upper, lower, upper2, lower2, b[5 * WarpSize]);
        Multiply(ref sums.P6, upper, lower, upper2, lower2, b[6 * WarpSize]);
        Multiply(ref sums.P7, upper, lower, upper2, lower2, b[7 * WarpSize]);
    }

    static void Multiply(ref ColumnPair sums, Word4 upper, Word4 lower, Word4 upper2, Word4 lower2, Word4 b)
    {
        Multiply(ref sums, upper, lower, b.X, b.Y);
        Multiply(ref sums, upper2, lower2, b.Z, b.W);
    }

    static void Multiply(ref ColumnPair sums, Word4 upper, Word4 lower, uint near, uint far)
    {
        Input<uint> u0 = upper.X, u1 = upper.Y, u2 = upper.Z, u3 = upper.W, l0 = lower.X, l1 = lower.Y, l2 = lower.Z, l3 = lower.W, b0 = near, b1 = far;
        CudaAsm.EmitRef(MultiplyPair,
            ref sums.Left0, ref sums.Left1, ref sums.Left2, ref sums.Left3, ref sums.Right0, ref sums.Right1, ref sums.Right2, ref sums.Right3,
            ref u0, ref u1, ref u2, ref u3, ref l0, ref l1, ref l2, ref l3, ref b0, ref b1);
    }

    /// <summary>Four kernels at two depths, four images at four taps.</summary>
    static Brought Bring(ArrayView<Float4> weights, ProductShape s, int depth, int kernel4, ArrayView<Float4> input, TapQuad taps, int y, int x, int corner) => new()
    {
        A0 = Products.Weight(weights, s, depth, kernel4),
        A1 = Products.Weight(weights, s, depth + 4, kernel4),
        B0 = Products.AtTap(input, taps.T0, s, y, x, corner),
        B1 = Products.AtTap(input, taps.T1, s, y, x, corner),
        B2 = Products.AtTap(input, taps.T2, s, y, x, corner),
        B3 = Products.AtTap(input, taps.T3, s, y, x, corner),
    };

    static void StoreTurned(ArrayView<Word4> a, ArrayView<Word4> b, Brought v)
    {
        a[0] = Rounded(v.A0.X, v.A0.Y, v.A1.X, v.A1.Y);
        a[2 * WarpSize] = Rounded(v.A0.Z, v.A0.W, v.A1.Z, v.A1.W);
        b[0] = Rounded(v.B0.X, v.B1.X, v.B2.X, v.B3.X);
        b[WarpSize] = Rounded(v.B0.Y, v.B1.Y, v.B2.Y, v.B3.Y);
        b[2 * WarpSize] = Rounded(v.B0.Z, v.B1.Z, v.B2.Z, v.B3.Z);
        b[3 * WarpSize] = Rounded(v.B0.W, v.B1.W, v.B2.W, v.B3.W);
    }

    /// <summary>Four images of two kernels, and of four taps.</summary>
    static Brought Bring(ArrayView<Float4> dOutput, int kernel, ProductShape s, int rowUnits, int unit4, ArrayView<Float4> input, TapQuad taps, int oy, int ox, int image4)
    {
        int y = oy * s.Stride + s.Origin, x = ox * s.Stride + s.Origin, corner = (y * s.Width + x) * s.Images4 + image4;
        return new()
        {
            A0 = At(dOutput, kernel, s, rowUnits, unit4),
            A1 = At(dOutput, kernel + 1, s, rowUnits, unit4),
            B0 = Products.AtTap(input, taps.T0, s, y, x, corner),
            B1 = Products.AtTap(input, taps.T1, s, y, x, corner),
            B2 = Products.AtTap(input, taps.T2, s, y, x, corner),
            B3 = Products.AtTap(input, taps.T3, s, y, x, corner),
        };
    }

    static void Store(ArrayView<Word4> a, ArrayView<Word4> b, Brought v)
    {
        a[0] = Rounded(v.A0.X, v.A1.X, v.A0.Y, v.A1.Y);
        a[WarpSize] = Rounded(v.A0.Z, v.A1.Z, v.A0.W, v.A1.W);
        b[0] = Rounded(v.B0.X, v.B0.Y, v.B0.Z, v.B0.W);
        b[WarpSize] = Rounded(v.B1.X, v.B1.Y, v.B1.Z, v.B1.W);
        b[2 * WarpSize] = Rounded(v.B2.X, v.B2.Y, v.B2.Z, v.B2.W);
        b[3 * WarpSize] = Rounded(v.B3.X, v.B3.Y, v.B3.Z, v.B3.W);
    }

    static Word4 Rounded(float x, float y, float z, float w) => new(Rounded(x), Rounded(y), Rounded(z), Rounded(w));

    static uint Rounded(float value)
    {
        CudaAsm.Emit("cvt.rna.tf32.f32 %0, %1;", out uint rounded, value);
        return rounded;
    }

    static Float4 At(ArrayView<Float4> dOutput, int kernel, ProductShape s, int rowUnits, int unit4) =>
        kernel < s.Rows && unit4 < rowUnits ? dOutput[kernel * rowUnits + unit4] : default;

    /// <summary>Four rows of four columns, of which each argument is one, turned: the columns are side by side in memory.</summary>
    static void StoreRows(ArrayView<Float4> output, int part, ProductShape s, ArrayView<float> bias, int row, int columns4, int column, Float4 c0, Float4 c1, Float4 c2, Float4 c3)
    {
        if (column >= columns4) return;
        StoreRow(output, part, s, bias, row, columns4, column, new(c0.X, c1.X, c2.X, c3.X));
        StoreRow(output, part, s, bias, row + 1, columns4, column, new(c0.Y, c1.Y, c2.Y, c3.Y));
        StoreRow(output, part, s, bias, row + 2, columns4, column, new(c0.Z, c1.Z, c2.Z, c3.Z));
        StoreRow(output, part, s, bias, row + 3, columns4, column, new(c0.W, c1.W, c2.W, c3.W));
    }

    static void StoreRow(ArrayView<Float4> output, int part, ProductShape s, ArrayView<float> bias, int row, int columns4, int column, Float4 sums)
    {
        if (row < s.Rows) output[part + row * columns4 + column] = Products.Finish(sums, s.AddBias != 0 ? bias[row] : 0, s.Rectify);
    }

    /// <summary>Four kernels of two taps: the kernels are side by side in memory.</summary>
    static void StoreTaps(ArrayView<Float4> dWeights, int part, ProductShape s, int tapCount, int tap, int kernel4, ColumnPair sums)
    {
        if (kernel4 >= s.Kernels4) return;
        int at = part + tap * s.Kernels4 + kernel4;
        if (tap < tapCount) dWeights[at] = sums.Left;
        if (tap + 1 < tapCount) dWeights[at + s.Kernels4] = sums.Right;
    }
}
