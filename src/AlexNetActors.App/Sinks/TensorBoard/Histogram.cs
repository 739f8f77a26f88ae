using System.Numerics;
using System.Runtime.InteropServices;

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

    /// <param name="scan">Hands over all values, at least one, all finite, piece by piece. Asked twice: where the buckets lie is known when all were seen.</param>
    public static Histogram Of(Action<Action<ReadOnlySpan<float>>> scan)
    {
        var range = new Range();
        scan(range.Take);
        double least = range.Least, width = (range.Most - least) / Buckets, perWidth = width > 0 ? 1 / width : 0;
        var counts = new double[Buckets];
        scan(values =>
        {
            foreach (float v in values) counts[Math.Min(Buckets - 1, (int)((v - least) * perWidth))]++;
        });
        double[] edges = [.. Enumerable.Range(1, Buckets).Select(n => n < Buckets ? least + n * width : range.Most)];
        return new Histogram(least, range.Most, range.Count, range.Sum, range.SumOfSquares, edges, counts);
    }

    sealed class Range
    {
        public double Least { get; private set; } = double.PositiveInfinity;
        public double Most { get; private set; } = double.NegativeInfinity;
        public double Sum { get; private set; }
        public double SumOfSquares { get; private set; }
        public long Count { get; private set; }

        public void Take(ReadOnlySpan<float> values)
        {
            Count += values.Length;
            var vectors = MemoryMarshal.Cast<float, Vector<float>>(values);
            if (!vectors.IsEmpty)
            {
                var (least, most, sum, squares) = (vectors[0], vectors[0], Vector<double>.Zero, Vector<double>.Zero);
                foreach (var v in vectors)
                {
                    (least, most) = (Vector.Min(least, v), Vector.Max(most, v));
                    Vector.Widen(v, out var low, out var high);
                    sum += low + high;
                    squares += low * low + high * high;
                }
                for (int n = 0; n < Vector<float>.Count; n++) (Least, Most) = (Math.Min(Least, least[n]), Math.Max(Most, most[n]));
                Sum += Vector.Sum(sum);
                SumOfSquares += Vector.Sum(squares);
            }
            foreach (float v in values[(vectors.Length * Vector<float>.Count)..])
            {
                (Least, Most) = (Math.Min(Least, v), Math.Max(Most, v));
                Sum += v;
                SumOfSquares += (double)v * v;
            }
        }
    }
}
