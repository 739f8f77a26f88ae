using ILGPU;

namespace AlexNetActors.Compute.Gpu;

/// <summary>A transposition of matrices that lie in larger ones: destination[z, c, r] = source[z, r, c].</summary>
struct TransposeShape
{
    public int Rows, Columns;

    /// <summary>Distance of a row from the next.</summary>
    public int SourceStride, DestinationStride;

    /// <summary>Distance of a matrix from the next.</summary>
    public int SourceBatchStride, DestinationBatchStride;

    public readonly int RowTiles => (Rows + Transposition.Tile - 1) / Transposition.Tile;
    public readonly int Tiles => RowTiles * ((Columns + Transposition.Tile - 1) / Transposition.Tile);
}

/// <summary>
/// Canonical order has an image's features (or a kernel's weights) side by side, the device has images (or kernels) side by side: what
/// comes and goes is turned. By tiles of 32 x 32 through shared memory, so that reads and writes are both coalesced.
/// </summary>
static class Transposition
{
    public const int Threads = 128, Tile = 32;

    const int Lines = Threads / Tile, Padded = Tile + 1; // a column of the tile then meets every bank

    /// <summary>Grid: tiles of a matrix, matrices.</summary>
    public static void Transpose(TransposeShape s, ArrayView<float> source, ArrayView<float> destination)
    {
        var tile = SharedMemory.Allocate<float>(Tile * Padded);
        int lane = Group.IdxX % Tile, line = Group.IdxX / Tile;
        int rowTiles = (s.Rows + Tile - 1) / Tile;
        int row = Grid.IdxX % rowTiles * Tile, column = Grid.IdxX / rowTiles * Tile;
        int from = Grid.IdxY * s.SourceBatchStride, to = Grid.IdxY * s.DestinationBatchStride;
        for (int i = line; i < Tile; i += Lines)
            if (row + i < s.Rows && column + lane < s.Columns)
                tile[i * Padded + lane] = source[from + (row + i) * s.SourceStride + column + lane];
        Group.Barrier();
        for (int i = line; i < Tile; i += Lines)
        {
            if (column + i >= s.Columns || row + lane >= s.Rows) continue;
            destination[to + (column + i) * s.DestinationStride + row + lane] = tile[lane * Padded + i];
        }
    }

    /// <summary>
    /// output[c, y, x, b] = pixels[b, y, x, c] - mean[top + y, left + x, c] + colourShift[b, c], mirrored crops from the right (paper section 2).
    /// Grid: tiles of 32 values of a crop times 32 images.
    /// </summary>
    /// <param name="images">Images.</param>
    /// <param name="stride">Distance of a feature from the next in the output.</param>
    /// <param name="height">Of a crop.</param>
    /// <param name="width">Of a crop.</param>
    /// <param name="record">Side of the mean image.</param>
    /// <param name="pixels">uint8 [B, H, W, 3]</param>
    /// <param name="placements">[B]: top, left, 1 when mirrored.</param>
    /// <param name="colourShift">[B, 3]</param>
    /// <param name="mean">[record, record, 3]</param>
    /// <param name="output">[3, H, W, stride]</param>
    public static void LoadCrops(int images, int stride, int height, int width, int record, ArrayView<byte> pixels, ArrayView<int> placements, ArrayView<float> colourShift, ArrayView<float> mean, ArrayView<float> output)
    {
        var tile = SharedMemory.Allocate<float>(Tile * Padded);
        int lane = Group.IdxX % Tile, line = Group.IdxX / Tile;
        int imageTiles = (images + Tile - 1) / Tile, values = height * width * 3;
        int image = Grid.IdxX % imageTiles * Tile, value = Grid.IdxX / imageTiles * Tile;
        int v = value + lane, pixel = v / 3, c = v - pixel * 3, y = pixel / width, x = pixel - y * width;
        for (int i = line; i < Tile; i += Lines)
        {
            int b = image + i;
            if (b >= images || v >= values) continue;
            int left = placements[b * 3 + 1] + (placements[b * 3 + 2] != 0 ? width - 1 - x : x);
            float under = mean[((placements[b * 3] + y) * record + left) * 3 + c];
            tile[i * Padded + lane] = pixels[b * values + v] - under + colourShift[b * 3 + c];
        }
        Group.Barrier();
        for (int i = line; i < Tile; i += Lines)
        {
            int w = value + i, p = w / 3;
            if (w < values && image + lane < images) output[((w - p * 3) * height * width + p) * stride + image + lane] = tile[lane * Padded + i];
        }
    }
}
