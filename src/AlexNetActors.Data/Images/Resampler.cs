using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace AlexNetActors.Data;

/// <summary>
/// Shrinks (or enlarges) a picture so that its shorter side is the record's and cuts out the centre. The filter is a triangle as wide as
/// two target pixels, so every source pixel counts and nothing aliases: what Pillow calls BILINEAR, and the field's loaders use. Only the
/// part that is cut out is computed. Sums have a fixed order and use no fused multiply-add: the same bits on every machine.
/// </summary>
internal sealed unsafe class Resampler(int recordSize)
{
    const int RowsAtOnce = 4; // rows of one RGBA pixel fill a vector of floats
    const int PixelsAtOnce = 16; // pixels of one row fill a vector of bytes

    readonly int rowFloats = (recordSize + PixelsAtOnce - 1) / PixelsAtOnce * PixelsAtOnce * 4; // RGBA
    readonly byte[] targetRow = new byte[(recordSize + PixelsAtOnce - 1) / PixelsAtOnce * PixelsAtOnce * 3 + 4]; // RGB, and room for the last store
    float[] sourceRows = [], shrunkRows = [];

    /// <param name="pixels">uint8 RGBA [height, width, 4]</param>
    /// <param name="width">Of the decoded pixels.</param>
    /// <param name="height">Of the decoded pixels.</param>
    /// <param name="fullWidth">Of the picture as stored, which may have been shrunk in decoding.</param>
    /// <param name="fullHeight">Of the picture as stored.</param>
    /// <param name="orientation">EXIF orientation, 1 to 8; others count as 1.</param>
    /// <param name="record">uint8 RGB [recordSize, recordSize, 3], overwritten.</param>
    internal void Resample(byte* pixels, int width, int height, int fullWidth, int fullHeight, int orientation, Span<byte> record)
    {
        int shorter = Math.Min(fullWidth, fullHeight);
        // The centre is taken in the upright picture, where an odd margin leaves the spare pixel right and below.
        var across = new Taps(width, ScaledSide(fullWidth, shorter), recordSize, fromEnd: orientation is 2 or 3 or 7 or 8);
        var down = new Taps(height, ScaledSide(fullHeight, shorter), recordSize, fromEnd: orientation is 3 or 4 or 6 or 7);

        // Shrunk rows are kept in a ring just long enough for the taps of one target row.
        int ring = (down.CountMax + 2 * RowsAtOnce - 1) / RowsAtOnce * RowsAtOnce;
        Reserve(ref sourceRows, (across.End - across.Start + across.CountMax) * RowsAtOnce * 4);
        Reserve(ref shrunkRows, ring * rowFloats);
        fixed (float* source = sourceRows, shrunk = shrunkRows, downWeights = down.Weights)
            for (int target = 0, y = down.Start; target < recordSize; target++)
            {
                for (; y < down.First[target] + down.Count[target]; y += RowsAtOnce)
                {
                    int rows = Math.Min(RowsAtOnce, height - y);
                    for (int row = 0; row < rows; row++) Widen(pixels + ((long)(y + row) * width + across.Start) * 4, across.End - across.Start, source + row * 4);
                    Shrink(source, across, shrunk + (y - down.Start) % ring * rowFloats);
                }
                Mix(shrunk, ring, down.First[target] - down.Start, down.Count[target], downWeights + target * down.Stride);
                Store(target, orientation, record);
            }
    }

    int ScaledSide(int side, int shorter) => Math.Max(recordSize, (int)(((long)side * recordSize * 2 + shorter) / (2L * shorter)));

    static void Reserve(ref float[] buffer, int length)
    {
        if (buffer.Length < length) buffer = new float[length];
    }

    /// <param name="pixels">uint8 RGBA [count, 4]: one source row.</param>
    /// <param name="count">Pixels of the row that count.</param>
    /// <param name="source">[count, RowsAtOnce, 4] of which this row is written.</param>
    static void Widen(byte* pixels, int count, float* source)
    {
        int x = 0;
        for (; x + 4 <= count; x += 4, source += 4 * RowsAtOnce * 4)
        {
            var bytes = Vector128.Load(pixels + 4L * x);
            var (lower, upper) = (Vector128.WidenLower(bytes), Vector128.WidenUpper(bytes));
            Vector128.ConvertToSingle(Vector128.WidenLower(lower).AsInt32()).Store(source);
            Vector128.ConvertToSingle(Vector128.WidenUpper(lower).AsInt32()).Store(source + RowsAtOnce * 4);
            Vector128.ConvertToSingle(Vector128.WidenLower(upper).AsInt32()).Store(source + 2 * RowsAtOnce * 4);
            Vector128.ConvertToSingle(Vector128.WidenUpper(upper).AsInt32()).Store(source + 3 * RowsAtOnce * 4);
        }
        for (; x < count; x++, source += RowsAtOnce * 4)
        {
            var bytes = Vector128.CreateScalar(Unsafe.ReadUnaligned<uint>(pixels + 4L * x)).AsByte();
            Vector128.ConvertToSingle(Vector128.WidenLower(Vector128.WidenLower(bytes)).AsInt32()).Store(source);
        }
    }

    /// <summary>Every target pixel takes the same number of taps, so that no branch is missed; those too many have weight 0 and add nothing.</summary>
    /// <param name="source">[source pixels, RowsAtOnce, 4]</param>
    /// <param name="taps">Along the row.</param>
    /// <param name="shrunk">[RowsAtOnce, rowFloats], overwritten.</param>
    void Shrink(float* source, Taps taps, float* shrunk)
    {
        fixed (int* firsts = taps.First)
        fixed (float* allWeights = taps.Weights)
            for (int target = 0; target < recordSize; target++)
            {
                float* from = source + (firsts[target] - taps.Start) * RowsAtOnce * 4, weights = allWeights + target * taps.Stride;
                var sum = Vector512<float>.Zero;
                for (int i = 0; i < taps.CountMax; i++) sum += Vector512.Load(from + i * RowsAtOnce * 4) * Vector512.Create(weights[i]);
                float* to = shrunk + target * 4;
                sum.GetLower().GetLower().Store(to);
                sum.GetLower().GetUpper().Store(to + rowFloats);
                sum.GetUpper().GetLower().Store(to + 2 * rowFloats);
                sum.GetUpper().GetUpper().Store(to + 3 * rowFloats);
            }
    }

    /// <summary>One target row: the weighted sum of shrunk rows, rounded to bytes.</summary>
    void Mix(float* shrunk, int ring, int first, int count, float* weights)
    {
        var rgb = Vector128.Create((byte)0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 3, 7, 11, 15);
        fixed (byte* row = targetRow)
        {
            byte* target = row;
            for (int x = 0; x < rowFloats; x += PixelsAtOnce * 4, target += PixelsAtOnce * 3)
            {
                Vector512<float> a = default, b = default, c = default, d = default;
                for (int i = 0, at = first % ring; i < count; i++, at = at + 1 == ring ? 0 : at + 1)
                {
                    float* from = shrunk + at * rowFloats + x;
                    var weight = Vector512.Create(weights[i]);
                    a += Vector512.Load(from) * weight;
                    b += Vector512.Load(from + 16) * weight;
                    c += Vector512.Load(from + 32) * weight;
                    d += Vector512.Load(from + 48) * weight;
                }
                var bytes = Vector512.Narrow(
                    Vector512.Narrow(Rounded(a), Rounded(b)).AsUInt16(),
                    Vector512.Narrow(Rounded(c), Rounded(d)).AsUInt16());
                Vector128.Shuffle(bytes.GetLower().GetLower(), rgb).Store(target);
                Vector128.Shuffle(bytes.GetLower().GetUpper(), rgb).Store(target + 12);
                Vector128.Shuffle(bytes.GetUpper().GetLower(), rgb).Store(target + 24);
                Vector128.Shuffle(bytes.GetUpper().GetUpper(), rgb).Store(target + 36);
            }
        }
    }

    static Vector512<int> Rounded(Vector512<float> sum) => Vector512.ConvertToInt32Native(Vector512.Min(sum + Vector512.Create(0.5f), Vector512.Create(255f)));

    void Store(int y, int orientation, Span<byte> record)
    {
        int last = recordSize - 1;
        if (orientation is < 2 or > 8)
        {
            targetRow.AsSpan(0, recordSize * 3).CopyTo(record[(y * recordSize * 3)..]);
            return;
        }
        for (int x = 0; x < recordSize; x++)
        {
            var (top, left) = orientation switch
            {
                2 => (y, last - x),
                3 => (last - y, last - x),
                4 => (last - y, x),
                5 => (x, y),
                6 => (x, last - y),
                7 => (last - x, last - y),
                _ => (last - x, y),
            };
            targetRow.AsSpan(3 * x, 3).CopyTo(record[((top * recordSize + left) * 3)..]);
        }
    }

    /// <summary>Which source pixels make up each target pixel along one axis, and with what weights.</summary>
    sealed class Taps
    {
        internal readonly int[] First, Count;
        internal readonly float[] Weights; // [target, Stride], 0 behind Count
        internal readonly int Stride, CountMax, Start, End;

        /// <param name="source">Source pixels along the axis.</param>
        /// <param name="scaled">Target pixels the whole axis would have.</param>
        /// <param name="targets">Target pixels wanted, from the centre.</param>
        /// <param name="fromEnd">Whether the axis will be turned round.</param>
        internal Taps(int source, int scaled, int targets, bool fromEnd)
        {
            double scale = source / (double)scaled, reach = Math.Max(1, scale);
            int margin = scaled - targets, offset = fromEnd ? margin - margin / 2 : margin / 2;
            Stride = (int)Math.Ceiling(2 * reach) + 2;
            First = new int[targets];
            Count = new int[targets];
            Weights = new float[targets * Stride];
            Span<double> weights = Stride <= 1024 ? stackalloc double[Stride] : new double[Stride];
            for (int target = 0; target < targets; target++)
            {
                double centre = (offset + target + 0.5) * scale;
                // The pixels whose centres lie within reach; those at its very end would weigh nothing.
                int first = Math.Max(0, (int)Math.Floor(centre - reach - 0.5) + 1), end = Math.Min(source, (int)Math.Ceiling(centre + reach - 0.5));
                double total = 0;
                for (int i = first; i < end; i++) total += weights[i - first] = Math.Max(0, 1 - Math.Abs(i + 0.5 - centre) / reach);
                for (int i = first; i < end; i++) Weights[target * Stride + i - first] = (float)(weights[i - first] / total);
                First[target] = first;
                Count[target] = end - first;
                CountMax = Math.Max(CountMax, end - first);
            }
            Start = First[0];
            End = First[^1] + Count[^1];
        }
    }
}
