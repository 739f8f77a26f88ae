using AlexNetActors.Data;

namespace AlexNetActors.App;

/// <summary>A tower's kernels side by side in one PNG, 16 in a row as in the paper's figure 3, small ones enlarged.</summary>
/// <param name="Png">The file.</param>
/// <param name="Width">In pixels.</param>
/// <param name="Height">In pixels.</param>
sealed record KernelSheet(byte[] Png, int Width, int Height)
{
    const int Columns = 16, Border = 3, SideMin = 32; // pixels

    /// <param name="tower">Its kernels.</param>
    /// <param name="size">Pixels of a kernel's side.</param>
    public static KernelSheet Of(TowerKernels tower, int size)
    {
        int scale = Math.Max(1, (SideMin + size - 1) / size), side = scale * size, cell = side + Border;
        int columns = Math.Min(tower.Count, Columns), rows = (tower.Count + Columns - 1) / Columns;
        var (width, height) = (columns * cell - Border, rows * cell - Border);
        var pixels = new byte[3 * width * height]; // black between them
        for (int k = 0; k < tower.Count; k++)
            for (int y = 0; y < side; y++)
                for (int x = 0; x < side; x++)
                    tower.Pixels.AsSpan(3 * ((k * size + y / scale) * size + x / scale), 3).CopyTo(pixels.AsSpan(3 * ((k / Columns * cell + y) * width + k % Columns * cell + x)));
        return new KernelSheet(RecordPicture.Png(pixels, width, height), width, height);
    }
}
