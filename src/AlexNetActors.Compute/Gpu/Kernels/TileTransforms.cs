using ILGPU;

namespace AlexNetActors.Compute.Gpu;

/// <summary>Where the squares of a tile transform lie, in units of four images (or four kernels).</summary>
struct TilePlace
{
    /// <summary>Distance of a channel from the next; of a tile from the one below and beside it; of a square's row and of its element from the next.</summary>
    public int Channel, TileRow, TileAlong, Row, Along;

    /// <summary>Of the first tile's first element; outside of the map where that is padding.</summary>
    public int First;

    /// <summary>Pixels from a tile to the next, and where the first begins: what falls outside of the map is zero, or is not stored.</summary>
    public int Step, Origin, Height, Width;

    const int Everywhere = int.MaxValue; // is a part of no map

    /// <summary>Tiles of maps [channels, height, width, images].</summary>
    public static TilePlace Map(int height, int width, int images4, int firstImage4, int step, int origin) => new()
    {
        Channel = height * width * images4,
        TileRow = step * width * images4,
        TileAlong = step * images4,
        Row = width * images4,
        Along = images4,
        First = origin * (width + 1) * images4 + firstImage4,
        Step = step,
        Origin = origin,
        Height = height,
        Width = width,
    };

    /// <summary>Tiles at their points, a matrix for each: [points, points, channels, tiles, images].</summary>
    public static TilePlace Points(int points, int channels, int tilesAlong, int tiles, int images4) => new()
    {
        Channel = tiles * images4,
        TileRow = tilesAlong * images4,
        TileAlong = images4,
        Row = points * channels * tiles * images4,
        Along = channels * tiles * images4,
        Height = Everywhere,
        Width = Everywhere,
    };

    /// <summary>Filters [channels, size, size, kernels]; turned by 180 degrees if asked.</summary>
    public static TilePlace Filters(int size, int kernels4, bool turned) => new()
    {
        Channel = size * size * kernels4,
        Row = turned ? -size * kernels4 : size * kernels4,
        Along = turned ? -kernels4 : kernels4,
        First = turned ? (size * size - 1) * kernels4 : 0,
        Height = Everywhere,
        Width = Everywhere,
    };
}

/// <summary>What squares of so many lines become, and where they are.</summary>
struct TileShape
{
    /// <summary>Elements of a line before and after.</summary>
    public int From, To;

    /// <summary>Tiles of a row of tiles; units of four images of a tile; of all tiles.</summary>
    public int TilesAlong, Units, Columns;

    public TilePlace Source, Target;

    /// <summary>1 when the result is finished here: bias added, rectified if asked.</summary>
    public int AddBias, Rectify;
}

/// <summary>
/// The transforms of fast convolution (<see cref="Cpu.Winograd.LineTransform"/>): a matrix from the left and its transpose from the right of
/// every tile, each image by itself. A group of 128 threads takes 16 units of four images of a channel: eight lines at once, first the rows,
/// then, through shared memory, the columns.
/// </summary>
static class TileTransforms
{
    public const int Threads = Lines * Lanes, Lanes = 16;

    /// <summary>Most elements of a line.</summary>
    public const int Lines = 8;

    /// <summary>target = matrix * source * matrix', then bias and rectifier. Grid: lanes of columns, channels.</summary>
    /// <param name="s">Sizes and places.</param>
    /// <param name="matrix">[8][8], zero where a line has fewer elements.</param>
    /// <param name="source">Squares of From x From.</param>
    /// <param name="bias">[channels]</param>
    /// <param name="target">Squares of To x To.</param>
    public static void Transform(TileShape s, ArrayView<Float4> matrix, ArrayView<Float4> source, ArrayView<float> bias, ArrayView<Float4> target)
    {
        var between = SharedMemory.Allocate<Float4>(Lines * Lines * Lanes);
        int lane = Group.IdxX % Lanes, line = Group.IdxX / Lanes, channel = Grid.IdxY, column = Grid.IdxX * Lanes + lane;
        int tile = column / s.Units, unit = column - tile * s.Units, row = tile / s.TilesAlong, along = tile - row * s.TilesAlong;
        if (column < s.Columns && line < s.From)
        {
            int y = row * s.Source.Step + s.Source.Origin + line, x = along * s.Source.Step + s.Source.Origin;
            int count = (uint)y < (uint)s.Source.Height ? s.From : 0;
            int at = s.Source.First + channel * s.Source.Channel + row * s.Source.TileRow + along * s.Source.TileAlong + line * s.Source.Row + unit;
            var values = new Line8
            {
                V0 = Load(source, s.Source, count, x, at, 0),
                V1 = Load(source, s.Source, count, x, at, 1),
                V2 = Load(source, s.Source, count, x, at, 2),
                V3 = Load(source, s.Source, count, x, at, 3),
                V4 = Load(source, s.Source, count, x, at, 4),
                V5 = Load(source, s.Source, count, x, at, 5),
                V6 = Load(source, s.Source, count, x, at, 6),
                V7 = Load(source, s.Source, count, x, at, 7),
            };
            for (int n = 0; n < s.To; n++) between[(line * Lines + n) * Lanes + lane] = values.Times(matrix[2 * n], matrix[2 * n + 1]);
        }
        Group.Barrier();
        if (column < s.Columns && line < s.To)
        {
            int first = line * Lanes + lane;
            var values = new Line8
            {
                V0 = Load(between, s.From, first, 0),
                V1 = Load(between, s.From, first, 1),
                V2 = Load(between, s.From, first, 2),
                V3 = Load(between, s.From, first, 3),
                V4 = Load(between, s.From, first, 4),
                V5 = Load(between, s.From, first, 5),
                V6 = Load(between, s.From, first, 6),
                V7 = Load(between, s.From, first, 7),
            };
            int y = row * s.Target.Step + s.Target.Origin, x = along * s.Target.Step + s.Target.Origin + line;
            int at = s.Target.First + channel * s.Target.Channel + row * s.Target.TileRow + along * s.Target.TileAlong + line * s.Target.Along + unit;
            float add = s.AddBias != 0 ? bias[channel] : 0;
            if ((uint)x < (uint)s.Target.Width)
                for (int n = 0; n < s.To; n++, y++, at += s.Target.Row)
                    if ((uint)y < (uint)s.Target.Height) target[at] = Products.Finish(values.Times(matrix[2 * n], matrix[2 * n + 1]), add, s.Rectify);
        }
    }

    static Float4 Load(ArrayView<Float4> source, TilePlace place, int count, int x, int at, int n) =>
        n < count && (uint)(x + n) < (uint)place.Width ? source[at + n * place.Along] : default;

    static Float4 Load(ArrayView<Float4> between, int count, int first, int n) => n < count ? between[first + n * Lines * Lanes] : default;
}

/// <summary>A line of a tile: there are no arrays in registers, so every element has a name.</summary>
struct Line8
{
    public Float4 V0, V1, V2, V3, V4, V5, V6, V7;

    /// <summary>A row of a matrix times the line.</summary>
    public readonly Float4 Times(Float4 low, Float4 high) => new(
        low.X * V0.X + low.Y * V1.X + low.Z * V2.X + low.W * V3.X + high.X * V4.X + high.Y * V5.X + high.Z * V6.X + high.W * V7.X,
        low.X * V0.Y + low.Y * V1.Y + low.Z * V2.Y + low.W * V3.Y + high.X * V4.Y + high.Y * V5.Y + high.Z * V6.Y + high.W * V7.Y,
        low.X * V0.Z + low.Y * V1.Z + low.Z * V2.Z + low.W * V3.Z + high.X * V4.Z + high.Y * V5.Z + high.Z * V6.Z + high.W * V7.Z,
        low.X * V0.W + low.Y * V1.W + low.Z * V2.W + low.W * V3.W + high.X * V4.W + high.Y * V5.W + high.Z * V6.W + high.W * V7.W);
}
