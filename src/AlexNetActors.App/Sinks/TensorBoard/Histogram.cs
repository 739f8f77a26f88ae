namespace AlexNetActors.App;

/// <summary>How values are spread, in buckets of one width from the least to the largest.</summary>
/// <param name="Least">Of the values.</param>
/// <param name="Most">Of the values.</param>
/// <param name="Count">How many.</param>
/// <param name="Sum">Of the values.</param>
/// <param name="SumOfSquares">Of the values.</param>
/// <param name="UpperEdges">Of each bucket.</param>
/// <param name="Counts">Values in each bucket.</param>
sealed record Histogram(double Least, double Most, long Count, double Sum, double SumOfSquares, double[] UpperEdges, double[] Counts)
{
    const int Buckets = 64; // TensorBoard draws 30

    /// <param name="values">At least one, all finite.</param>
    public static Histogram Of(ReadOnlySpan<float> values)
    {
        var (least, most, sum, squares) = (float.MaxValue, float.MinValue, 0.0, 0.0);
        foreach (float v in values)
        {
            (least, most) = (Math.Min(least, v), Math.Max(most, v));
            sum += v;
            squares += (double)v * v;
        }
        double width = ((double)most - least) / Buckets;
        var counts = new double[Buckets];
        foreach (float v in values) counts[width > 0 ? Math.Min(Buckets - 1, (int)((v - least) / width)) : 0]++;
        double[] edges = [.. Enumerable.Range(1, Buckets).Select(n => n < Buckets ? least + n * width : most)];
        return new Histogram(least, most, values.Length, sum, squares, edges, counts);
    }
}
