using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace AlexNetActors.Data;

/// <summary>
/// Mean image and colour covariance of the training records, gathered in integers: exact, and therefore the same in whatever
/// order and on however many threads the records come.
/// </summary>
internal sealed class TrainingStatistics(int recordSize)
{
    const int RecentMax = ushort.MaxValue / byte.MaxValue; // records whose sum a word holds
    const int Period = 96; // bytes after which both the three channels and the vectors repeat
    const int PieceBytes = Period << 16; // of which a position's sum of products fits in 32 bits

    readonly long[] sums = new long[PackLayout.RecordBytes(recordSize)]; // [RecordSize, RecordSize, 3]
    readonly ushort[] recentSums = new ushort[PackLayout.RecordBytes(recordSize)]; // a quarter of the memory to go through for a record
    readonly long[] products = new long[6]; // RR, RG, RB, GG, GB, BB over all pixels of all records
    long records;
    int recent;

    /// <param name="record">uint8 RGB [recordSize, recordSize, 3]</param>
    internal void Add(ReadOnlySpan<byte> record)
    {
        AddSums(record);
        for (; record.Length > PieceBytes; record = record[PieceBytes..]) AddProducts(record[..PieceBytes]);
        AddProducts(record);
        records++;
        if (++recent == RecentMax) Gather();
    }

    void AddSums(ReadOnlySpan<byte> record)
    {
        ref byte from = ref MemoryMarshal.GetReference(record);
        ref ushort to = ref MemoryMarshal.GetArrayDataReference(recentSums);
        int i = 0;
        for (; i + 32 <= recentSums.Length; i += 32)
            (Vector512.LoadUnsafe(ref to, (nuint)i) + Widened(ref from, i)).StoreUnsafe(ref to, (nuint)i);
        for (; i < recentSums.Length; i++) recentSums[i] += record[i];
    }

    /// <summary>
    /// The product of every byte with itself, the next and the one after: beginning at red these are RR, RG, RB, at green GG and GB, at blue BB.
    /// Those of a blue with the next pixel mean nothing and are left.
    /// </summary>
    void AddProducts(ReadOnlySpan<byte> pixels)
    {
        Span<uint> sums = stackalloc uint[3 * Period]; // [distance, position in the period]
        sums.Clear();
        ref byte from = ref MemoryMarshal.GetReference(pixels);
        int i = 0;
        // One vector's place in the period after the other: its six sums stay in registers.
        for (int position = 0; position < Period; position += 32)
        {
            Vector512<uint> self = default, selfUpper = default, next = default, nextUpper = default, third = default, thirdUpper = default;
            for (i = 0; i + Period + 2 <= pixels.Length; i += Period)
            {
                var bytes = Widened(ref from, i + position);
                var product = bytes * bytes;
                self += Vector512.WidenLower(product);
                selfUpper += Vector512.WidenUpper(product);
                product = bytes * Widened(ref from, i + position + 1);
                next += Vector512.WidenLower(product);
                nextUpper += Vector512.WidenUpper(product);
                product = bytes * Widened(ref from, i + position + 2);
                third += Vector512.WidenLower(product);
                thirdUpper += Vector512.WidenUpper(product);
            }
            self.CopyTo(sums[position..]);
            selfUpper.CopyTo(sums[(position + 16)..]);
            next.CopyTo(sums[(Period + position)..]);
            nextUpper.CopyTo(sums[(Period + position + 16)..]);
            third.CopyTo(sums[(2 * Period + position)..]);
            thirdUpper.CopyTo(sums[(2 * Period + position + 16)..]);
        }
        for (int position = 0; position < Period; position += 3)
        {
            products[0] += sums[position];
            products[1] += sums[Period + position];
            products[2] += sums[2 * Period + position];
            products[3] += sums[position + 1];
            products[4] += sums[Period + position + 1];
            products[5] += sums[position + 2];
        }
        for (; i + 2 < pixels.Length; i += 3)
        {
            int r = pixels[i], g = pixels[i + 1], b = pixels[i + 2];
            products[0] += r * r;
            products[1] += r * g;
            products[2] += r * b;
            products[3] += g * g;
            products[4] += g * b;
            products[5] += b * b;
        }
    }

    static Vector512<ushort> Widened(ref byte from, int at)
    {
        var bytes = Vector256.LoadUnsafe(ref from, (nuint)at);
        return Vector512.Create(Vector256.WidenLower(bytes), Vector256.WidenUpper(bytes));
    }

    /// <summary>Moves the recent sums into the 64-bit ones.</summary>
    void Gather()
    {
        for (int i = 0; i < sums.Length; i++) sums[i] += recentSums[i];
        Array.Clear(recentSums);
        recent = 0;
    }

    /// <summary>Adds what another thread gathered.</summary>
    internal void Add(TrainingStatistics other)
    {
        Gather();
        other.Gather();
        for (int i = 0; i < sums.Length; i++) sums[i] += other.sums[i];
        for (int i = 0; i < products.Length; i++) products[i] += other.products[i];
        records += other.records;
    }

    /// <summary>Mean of every pixel, [recordSize, recordSize, 3], each the float nearest to the exact quotient's double.</summary>
    internal float[] Mean()
    {
        Gather();
        return Array.ConvertAll(sums, sum => (float)(sum / (double)records));
    }

    /// <summary>Covariance is n * sum(xy) - sum(x) * sum(y), exact in 128 bits, over n squared.</summary>
    internal ColourAxes Axes()
    {
        Gather();
        Int128 n = (Int128)records * recordSize * recordSize;
        var channel = new Int128[3];
        for (int i = 0; i < sums.Length; i++) channel[i % 3] += sums[i];
        var covariance = new double[3, 3];
        for (int x = 0, k = 0; x < 3; x++)
            for (int y = x; y < 3; y++, k++)
                covariance[x, y] = covariance[y, x] = (double)(n * products[k] - channel[x] * channel[y]) / (double)n / (double)n;
        return ColourAxes.Of(covariance);
    }
}
