namespace AlexNetActors.Data;

/// <summary>
/// Mean image and colour covariance of the training records, gathered in integers: exact, and therefore the same in whatever
/// order and on however many threads the records come.
/// </summary>
internal sealed class TrainingStatistics(int recordSize)
{
    readonly long[] sums = new long[PackLayout.RecordBytes(recordSize)]; // [RecordSize, RecordSize, 3]
    readonly long[] products = new long[6]; // RR, RG, RB, GG, GB, BB over all pixels of all records
    long records;

    /// <param name="record">uint8 RGB [recordSize, recordSize, 3]</param>
    internal void Add(ReadOnlySpan<byte> record)
    {
        for (int i = 0; i < sums.Length; i++) sums[i] += record[i];
        long rr = 0, rg = 0, rb = 0, gg = 0, gb = 0, bb = 0;
        for (int i = 0; i + 2 < record.Length; i += 3)
        {
            int r = record[i], g = record[i + 1], b = record[i + 2];
            rr += r * r;
            rg += r * g;
            rb += r * b;
            gg += g * g;
            gb += g * b;
            bb += b * b;
        }
        products[0] += rr;
        products[1] += rg;
        products[2] += rb;
        products[3] += gg;
        products[4] += gb;
        products[5] += bb;
        records++;
    }

    /// <summary>Adds what another thread gathered.</summary>
    internal void Add(TrainingStatistics other)
    {
        for (int i = 0; i < sums.Length; i++) sums[i] += other.sums[i];
        for (int i = 0; i < products.Length; i++) products[i] += other.products[i];
        records += other.records;
    }

    /// <summary>Mean of every pixel, [recordSize, recordSize, 3], each the float nearest to the exact quotient's double.</summary>
    internal float[] Mean() => Array.ConvertAll(sums, sum => (float)(sum / (double)records));

    /// <summary>Covariance is n * sum(xy) - sum(x) * sum(y), exact in 128 bits, over n squared.</summary>
    internal ColourAxes Axes()
    {
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
