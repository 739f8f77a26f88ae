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
    readonly Vector128<float>[] sums = new Vector128<float>[recordSize * recordSize]; // RGBA
    readonly Vector128<float>[] shrunkRow = new Vector128<float>[recordSize];
    Vector128<float>[] sourceRow = [];

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

        if (sourceRow.Length < across.End - across.Start) sourceRow = new Vector128<float>[across.End - across.Start];
        Array.Clear(sums);
        for (int y = down.Start, firstTarget = 0; y < down.End; y++)
        {
            Widen(pixels + ((long)y * width + across.Start) * 4, across.End - across.Start);
            for (int x = 0; x < recordSize; x++) shrunkRow[x] = Weigh(across, x);
            while (firstTarget < recordSize && down.First[firstTarget] + down.Count[firstTarget] <= y) firstTarget++;
            for (int target = firstTarget; target < recordSize && down.First[target] <= y; target++)
            {
                if (y >= down.First[target] + down.Count[target]) continue;
                var weight = Vector128.Create(down.Weights[target * down.Stride + y - down.First[target]]);
                var sum = sums.AsSpan(target * recordSize, recordSize);
                for (int x = 0; x < sum.Length; x++) sum[x] += shrunkRow[x] * weight;
            }
        }
        Store(orientation, record);
    }

    int ScaledSide(int side, int shorter) => Math.Max(recordSize, (int)(((long)side * recordSize * 2 + shorter) / (2L * shorter)));

    void Widen(byte* pixels, int count)
    {
        for (int x = 0; x < count; x++)
        {
            var bytes = Vector128.CreateScalar(Unsafe.ReadUnaligned<uint>(pixels + 4L * x)).AsByte();
            sourceRow[x] = Vector128.ConvertToSingle(Vector128.WidenLower(Vector128.WidenLower(bytes)).AsInt32());
        }
    }

    Vector128<float> Weigh(Taps taps, int target)
    {
        var source = sourceRow.AsSpan(taps.First[target] - taps.Start, taps.Count[target]);
        var weights = taps.Weights.AsSpan(target * taps.Stride, source.Length);
        var sum = Vector128<float>.Zero;
        for (int i = 0; i < weights.Length; i++) sum += source[i] * Vector128.Create(weights[i]);
        return sum;
    }

    void Store(int orientation, Span<byte> record)
    {
        int last = recordSize - 1;
        for (int y = 0; y < recordSize; y++)
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
                    8 => (last - x, y),
                    _ => (y, x),
                };
                var sum = sums[y * recordSize + x];
                int at = (top * recordSize + left) * 3;
                record[at] = (byte)Math.Clamp(sum[0] + 0.5f, 0f, 255f);
                record[at + 1] = (byte)Math.Clamp(sum[1] + 0.5f, 0f, 255f);
                record[at + 2] = (byte)Math.Clamp(sum[2] + 0.5f, 0f, 255f);
            }
    }

    /// <summary>Which source pixels make up each target pixel along one axis, and with what weights.</summary>
    sealed class Taps
    {
        internal readonly int[] First, Count;
        internal readonly float[] Weights; // [target, Stride]
        internal readonly int Stride, Start, End;

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
                int first = Math.Max(0, (int)Math.Floor(centre - reach)), end = Math.Min(source, (int)Math.Ceiling(centre + reach));
                double total = 0;
                for (int i = first; i < end; i++) total += weights[i - first] = Math.Max(0, 1 - Math.Abs(i + 0.5 - centre) / reach);
                for (int i = first; i < end; i++) Weights[target * Stride + i - first] = (float)(weights[i - first] / total);
                First[target] = first;
                Count[target] = end - first;
            }
            Start = First[0];
            End = First[^1] + Count[^1];
        }
    }
}
