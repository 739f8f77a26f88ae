namespace AlexNetActors.Compute.Cpu.Winograd;

/// <summary>Outputs along one axis cut into tiles: first those of seven points, then those of six. A tile of p points has p + 1 - taps outputs; the last may hang over.</summary>
internal readonly record struct TileAxis(int Taps, int Sevens, int Sixes)
{
    public int Tiles => Sevens + Sixes;

    /// <summary>Points of all tiles together.</summary>
    public int AllPoints => 7 * Sevens + 6 * Sixes;

    public int Points(int tile) => tile < Sevens ? 7 : 6;

    public int Outputs(int tile) => Points(tile) + 1 - Taps;

    /// <summary>First output of a tile.</summary>
    public int Start(int tile) => tile * (7 - Taps) + Math.Min(tile, Sevens);

    /// <summary>The fewest points that cover so many outputs.</summary>
    public static TileAxis Cover(int outputs, int taps)
    {
        TileAxis best = new(taps, (outputs + 7 - taps) / (8 - taps), 0);
        for (int sevens = best.Sevens - 1; sevens >= 0; sevens--)
        {
            var axis = new TileAxis(taps, sevens, Math.Max(0, outputs - sevens * (8 - taps) + 6 - taps) / (7 - taps));
            if (axis.AllPoints < best.AllPoints) best = axis;
        }
        return best;
    }
}

/// <summary>
/// A convolution seen as fast convolution computes it. One with stride s is a sum of s x s convolutions of stride 1, one for each
/// phase (y mod s, x mod s) of the input, so phase and channel together are its channels: conv1, 11 x 11 with stride 4 over 3 channels,
/// becomes 3 x 3 over 48.
/// </summary>
internal readonly record struct TilePlan(Filter Filter, int Taps, TileAxis Down, TileAxis Along)
{
    /// <summary>Points of a tile of seven by seven; those of six by seven and so on are among them.</summary>
    public const int Points = 49;

    public int Phases => Filter.Stride * Filter.Stride;

    /// <summary>Channels of every phase.</summary>
    public int Channels => Phases * Filter.Channels;

    public int Tiles => Down.Tiles * Along.Tiles;

    public static TilePlan Of(Filter filter)
    {
        int taps = (Math.Max(filter.SizeY, filter.SizeX) + filter.Stride - 1) / filter.Stride;
        return new(filter, taps, TileAxis.Cover(filter.OutputHeight, taps), TileAxis.Cover(filter.OutputWidth, taps));
    }

    /// <summary>
    /// Whether this way is worth it: three or five taps, enough channels to outweigh the transforms, and clearly fewer multiplications.
    /// A function of the shape alone, so that every machine decides alike.
    /// </summary>
    public static bool Pays(Filter filter)
    {
        int taps = (Math.Max(filter.SizeY, filter.SizeX) + filter.Stride - 1) / filter.Stride;
        if (taps is not (3 or 5) || filter.CoversInput) return false;
        var plan = Of(filter);
        return Math.Min(plan.Channels, filter.Kernels) >= 16
            && 2L * plan.Down.AllPoints * plan.Along.AllPoints * plan.Phases < (long)filter.OutputHeight * filter.OutputWidth * filter.SizeY * filter.SizeX;
    }

    /// <summary>Whether a tile computes point (y, x).</summary>
    public bool HasPoint(int tile, int point) => point / 7 < Down.Points(tile / Along.Tiles) && point % 7 < Along.Points(tile % Along.Tiles);
}
