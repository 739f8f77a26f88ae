namespace AlexNetActors.Compute.Cpu.Winograd;

/// <summary>
/// Working memory of some tiles at every point: [points][tiles][rows][32 images]. The points lie an odd number of cache lines
/// apart, since a transform writes to all of them in turn and equal low bits of the address would share few places in the cache.
/// </summary>
internal readonly unsafe struct TileMemory(float* memory, int tiles, nint rows)
{
    readonly nint stride = StrideOf(tiles, rows);

    public float* At(int point, int tile) => memory + point * stride + tile * rows * 32;

    public static nint FloatsOf(int points, int tiles, nint rows) => points * StrideOf(tiles, rows);

    static nint StrideOf(int tiles, nint rows) => tiles * rows * 32 + Cache.LineFloats;
}

/// <summary>Blocks of an image that tiles read and write, by pointer.</summary>
internal static unsafe class TilePointers
{
    /// <summary>The pixels under a tile for one phase, zeros where there is no picture.</summary>
    public static void Inputs(in TilePlan plan, float* image, int tile, int phase, float* zeros, float** blocks)
    {
        var filter = plan.Filter;
        int ty = tile / plan.Along.Tiles, tx = tile % plan.Along.Tiles, height = plan.Down.Points(ty), width = plan.Along.Points(tx);
        int top = plan.Down.Start(ty) * filter.Stride + phase / filter.Stride - filter.Pad, left = plan.Along.Start(tx) * filter.Stride + phase % filter.Stride - filter.Pad;
        for (int i = 0; i < height; i++)
            for (int j = 0; j < width; j++)
            {
                int y = top + i * filter.Stride, x = left + j * filter.Stride;
                bool inside = y >= 0 && y < filter.Height && x >= 0 && x < filter.Width;
                blocks[i * width + j] = inside ? image + ((nint)y * filter.Width + x) * filter.Channels * 32 : zeros;
            }
    }

    /// <summary>The pixels of a tile of outputs; <paramref name="outside"/> where it hangs over.</summary>
    public static void Outputs(in TilePlan plan, float* image, int tile, float* outside, float** blocks)
    {
        var filter = plan.Filter;
        int ty = tile / plan.Along.Tiles, tx = tile % plan.Along.Tiles, height = plan.Down.Outputs(ty), width = plan.Along.Outputs(tx);
        int top = plan.Down.Start(ty), left = plan.Along.Start(tx);
        for (int i = 0; i < height; i++)
            for (int j = 0; j < width; j++)
            {
                bool inside = top + i < filter.OutputHeight && left + j < filter.OutputWidth;
                blocks[i * width + j] = inside ? image + ((nint)(top + i) * filter.OutputWidth + left + j) * filter.Kernels * 32 : outside;
            }
    }

    /// <summary>A tile at every point.</summary>
    public static void Points(in TilePlan plan, TileMemory memory, int slot, int tile, float** blocks)
    {
        int height = plan.Down.Points(tile / plan.Along.Tiles), width = plan.Along.Points(tile % plan.Along.Tiles);
        for (int i = 0; i < height; i++)
            for (int j = 0; j < width; j++)
                blocks[i * width + j] = memory.At(i * plan.Along.MostPoints + j, slot);
    }

    /// <summary>The taps of one phase and channel, [K] each; <paramref name="outside"/> where the filter has no such tap.</summary>
    public static void Taps(in TilePlan plan, float* weights, int channel, float* outside, float** blocks)
    {
        var filter = plan.Filter;
        int phase = channel / filter.Channels, c = channel % filter.Channels, together = CpuTensor.PaddedKernels(filter.Kernels);
        for (int i = 0; i < plan.Taps; i++)
            for (int j = 0; j < plan.Taps; j++)
            {
                int r = i * filter.Stride + phase / filter.Stride, s = j * filter.Stride + phase % filter.Stride;
                bool inside = r < filter.SizeY && s < filter.SizeX;
                blocks[i * plan.Taps + j] = inside ? weights + (((nint)r * filter.SizeX + s) * filter.Channels + c) * together : outside;
            }
    }
}
