namespace AlexNetActors.Compute.Cpu.Winograd;

/// <summary>
/// Outputs along one axis cut into tiles: first large ones, then those with a point less. A tile of p points has p + 1 - taps outputs; the
/// last may hang over. Three taps go with seven points and six, five with eight and seven: more points save more multiplications and
/// cost accuracy.
/// </summary>
internal readonly record struct TileAxis(int Taps, int Large, int Small)
{
    public int Tiles => Large + Small;

    /// <summary>Points of a large tile.</summary>
    public int MostPoints => PointsFor(Taps);

    /// <summary>Points of all tiles together.</summary>
    public int AllPoints => MostPoints * Large + (MostPoints - 1) * Small;

    public int Points(int tile) => tile < Large ? MostPoints : MostPoints - 1;

    public int Outputs(int tile) => Points(tile) + 1 - Taps;

    /// <summary>First output of a tile.</summary>
    public int Start(int tile) => tile * (MostPoints - Taps) + Math.Min(tile, Large);

    /// <summary>The fewest points that cover so many outputs.</summary>
    public static TileAxis Cover(int outputs, int taps)
    {
        int large = PointsFor(taps) + 1 - taps, small = large - 1;
        var best = new TileAxis(taps, (outputs + large - 1) / large, 0);
        for (int n = best.Large - 1; n >= 0; n--)
        {
            var axis = new TileAxis(taps, n, Math.Max(0, outputs - n * large + small - 1) / small);
            if (axis.AllPoints < best.AllPoints) best = axis;
        }
        return best;
    }

    static int PointsFor(int taps) => taps == 3 ? 7 : 8;
}

/// <summary>
/// A convolution seen as fast convolution computes it. One with stride s is a sum of s x s convolutions of stride 1, one for each
/// phase (y mod s, x mod s) of the input, so phase and channel together are its channels: conv1, 11 x 11 with stride 4 over 3 channels,
/// becomes 3 x 3 over 48.
/// </summary>
internal readonly record struct TilePlan(Filter Filter, int Taps, TileAxis Down, TileAxis Along)
{
    /// <summary>Most points that any plan has, and most outputs of a tile or taps of a filter.</summary>
    public const int MostPoints = 64, MostOutputs = 25;

    /// <summary>Points of a large tile; those of the smaller ones are among them.</summary>
    public int Points => Along.MostPoints * Along.MostPoints;

    public int Phases => Filter.Stride * Filter.Stride;

    /// <summary>Channels of every phase.</summary>
    public int Channels => Phases * Filter.Channels;

    public int Tiles => Down.Tiles * Along.Tiles;

    public static TilePlan Of(Filter filter)
    {
        int taps = TapsOf(filter);
        return new(filter, taps, TileAxis.Cover(filter.OutputHeight, taps), TileAxis.Cover(filter.OutputWidth, taps));
    }

    /// <summary>
    /// Whether this way is worth it: a square of three or five taps, enough channels to outweigh the transforms, and clearly fewer multiplications.
    /// A function of the shape alone, so that every machine decides alike.
    /// </summary>
    public static bool Pays(Filter filter)
    {
        if (TapsOf(filter) is not (3 or 5) || filter.SizeY != filter.SizeX || filter.CoversInput) return false;
        var plan = Of(filter);
        return Math.Min(plan.Channels, filter.Kernels) >= 16
            && 2L * plan.Down.AllPoints * plan.Along.AllPoints * plan.Phases < (long)filter.OutputHeight * filter.OutputWidth * filter.SizeY * filter.SizeX;
    }

    static int TapsOf(Filter filter) => (filter.SizeY + filter.Stride - 1) / filter.Stride;

    /// <summary>Whether a tile computes a point.</summary>
    public bool HasPoint(int tile, int point) =>
        point / Along.MostPoints < Down.Points(tile / Along.Tiles) && point % Along.MostPoints < Along.Points(tile % Along.Tiles);

    /// <summary>Inputs of a tile to its points.</summary>
    public (LineTransform Down, LineTransform Along) Inputs(int tile) =>
        (LineTransforms.Inputs(Down.Points(tile / Along.Tiles)), LineTransforms.Inputs(Along.Points(tile % Along.Tiles)));

    /// <summary>A tile of the gradient by the output to its points.</summary>
    public (LineTransform Down, LineTransform Along) Evaluate(int tile) => (Evaluate(Down, tile / Along.Tiles), Evaluate(Along, tile % Along.Tiles));

    /// <summary>The points of a tile to its outputs.</summary>
    public (LineTransform Down, LineTransform Along) Gather(int tile) => (Gather(Down, tile / Along.Tiles), Gather(Along, tile % Along.Tiles));

    static LineTransform Evaluate(TileAxis axis, int tile) => LineTransforms.Evaluate(axis.Outputs(tile), axis.Points(tile));
    static LineTransform Gather(TileAxis axis, int tile) => LineTransforms.Gather(axis.Outputs(tile), axis.Points(tile));
}
