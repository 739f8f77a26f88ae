using System.Numerics;
using AlexNetActors.Compute;

namespace AlexNetActors.Model;

/// <summary>What a batch scored. Sums, so that scores of batches add up.</summary>
/// <param name="Images">Images with a label.</param>
/// <param name="LossSum">Sum of the cross-entropies, in nats.</param>
/// <param name="Top1Errors">Images whose label is not the best guess.</param>
/// <param name="Top5Errors">Images whose label is not among the five best guesses.</param>
public readonly record struct Score(int Images, double LossSum, int Top1Errors, int Top5Errors)
{
    public double Loss => LossSum / Images;
    public double Top1Error => (double)Top1Errors / Images;
    public double Top5Error => (double)Top5Errors / Images;

    public static Score operator +(Score a, Score b) =>
        new(a.Images + b.Images, a.LossSum + b.LossSum, a.Top1Errors + b.Top1Errors, a.Top5Errors + b.Top5Errors);
}

/// <summary>
/// Softmax and cross-entropy on the host, in float64, the same code for every device. Both towers hold all logits
/// (256 kB a step), so each computes the whole score and its own half of the gradient.
/// </summary>
public static class Loss
{
    const int OnStackMax = 4096; // classes whose shares need no memory of the heap

    /// <summary>Fewer logits are done before another core would have begun.</summary>
    const int SharedMin = 1 << 15;

    /// <param name="logits">[B, classes]</param>
    /// <param name="labels">[B]; -1 where there is no image.</param>
    /// <param name="classes">Number of classes.</param>
    public static Score Evaluate(ReadOnlySpan<float> logits, ReadOnlySpan<int> labels, int classes) => Evaluate(logits, labels, classes, [], []);

    /// <summary>The score, and dLogits[b, i] = (softmax(logits)[b, i] - [label is i]) / B in halves; 0 where there is no image.</summary>
    /// <param name="logits">[B, classes]</param>
    /// <param name="labels">[B]; -1 where there is no image.</param>
    /// <param name="classes">Number of classes.</param>
    /// <param name="dLogitsA">Of the first half, [B, classes / 2]; nothing if it is not asked for.</param>
    /// <param name="dLogitsB">Of the second half.</param>
    public static Score Evaluate(ReadOnlySpan<float> logits, ReadOnlySpan<int> labels, int classes, Span<float> dLogitsA, Span<float> dLogitsB)
    {
        var score = new Score();
        for (int b = 0; b < labels.Length; b++) score += OfImage(b, logits, labels, classes, dLogitsA, dLogitsB);
        return score;
    }

    /// <summary>The same, bit for bit, on all cores: a GPU has nothing to do meanwhile.</summary>
    public static Score EvaluateOnAllCores(float[] logits, int[] labels, int classes, float[] dLogitsA, float[] dLogitsB)
    {
        if (logits.Length < SharedMin) return Evaluate(logits, labels, classes, dLogitsA, dLogitsB);
        var scores = new Score[labels.Length];
        Parallel.For(0, labels.Length, b => scores[b] = OfImage(b, logits, labels, classes, dLogitsA, dLogitsB));
        return scores.Aggregate(new Score(), (sum, score) => sum + score);
    }

    static Score OfImage(int b, ReadOnlySpan<float> logits, ReadOnlySpan<int> labels, int classes, Span<float> dLogitsA, Span<float> dLogitsB)
    {
        int half = classes / 2, label = labels[b];
        Span<float> a = dLogitsA.IsEmpty ? [] : dLogitsA.Slice(b * half, half), others = dLogitsB.IsEmpty ? [] : dLogitsB.Slice(b * half, half);
        a.Clear();
        others.Clear();
        if (label < 0) return new Score();
        Span<double> shares = classes <= OnStackMax ? stackalloc double[classes] : new double[classes];
        var row = logits.Slice(b * classes, classes);
        var (max, sum) = Partition(row, shares);
        int rank = Rank(row, label);
        if (!a.IsEmpty) Gradient(shares[..half], sum, label, labels.Length, a);
        if (!others.IsEmpty) Gradient(shares[half..], sum, label - half, labels.Length, others);
        return new Score(1, DeterministicMath.Log(sum) + max - row[label], rank >= 1 ? 1 : 0, rank >= 5 ? 1 : 0);
    }

    static void Gradient(ReadOnlySpan<double> shares, double sum, int label, int images, Span<float> d)
    {
        Vector<double> sums = new(sum), counts = new(images);
        int i = 0, doubles = Vector<double>.Count;
        for (; i <= d.Length - 2 * doubles; i += 2 * doubles)
            Vector.Narrow(new Vector<double>(shares[i..]) / sums / counts, new Vector<double>(shares[(i + doubles)..]) / sums / counts).CopyTo(d[i..]);
        for (; i < d.Length; i++) d[i] = (float)(shares[i] / sum / images);
        if ((uint)label < (uint)d.Length) d[label] = (float)((shares[label] / sum - 1) / images);
    }

    /// <summary>probabilities[i] += softmax(logits)[i], one row: what the ten views of a picture add up to (paper section 4.1).</summary>
    public static void AddSoftmax(ReadOnlySpan<float> row, Span<double> probabilities)
    {
        Span<double> shares = row.Length <= OnStackMax ? stackalloc double[row.Length] : new double[row.Length];
        var (_, sum) = Partition(row, shares);
        for (int i = 0; i < row.Length; i++) probabilities[i] += shares[i] / sum;
    }

    /// <summary>How many other classes are at least as good as the label: a network that says nothing is never right by a tie.</summary>
    public static int Rank<T>(ReadOnlySpan<T> row, int label) where T : INumber<T>
    {
        var labels = new Vector<T>(row[label]);
        int worse = 0, i = 0;
        for (; i <= row.Length - Vector<T>.Count; i += Vector<T>.Count) worse += Vector.CountWhereAllBitsSet(Vector.LessThan(new Vector<T>(row[i..]), labels));
        for (; i < row.Length; i++) if (row[i] < row[label]) worse++;
        return row.Length - worse - 1; // without the label itself
    }

    /// <summary>What the label is taken for, so that the errors are those of <see cref="Rank"/>: itself only where it is the best guess, else the best other class.</summary>
    /// <param name="row">Of every class.</param>
    /// <param name="label">The right one.</param>
    /// <param name="named">Classes to choose from: one that only makes their number even is behind them.</param>
    public static int Guess<T>(ReadOnlySpan<T> row, int label, int named) where T : INumber<T>
    {
        if (Rank(row, label) == 0) return label;
        int best = label == 0 ? 1 : 0;
        for (int i = best + 1; i < named; i++) if (i != label && row[i] > row[best]) best = i;
        return best;
    }

    /// <summary>shares[i] = e^(row[i] - largest); their sum in order.</summary>
    static (double Max, double Sum) Partition(ReadOnlySpan<float> row, Span<double> shares)
    {
        double max = Max(row), sum = 0;
        int i = 0, doubles = Vector<double>.Count;
        for (var largest = new Vector<double>(max); i <= row.Length - 2 * doubles; i += 2 * doubles)
        {
            Vector.Widen(new Vector<float>(row[i..]), out var low, out var high);
            (low - largest).CopyTo(shares[i..]);
            (high - largest).CopyTo(shares[(i + doubles)..]);
        }
        for (; i < row.Length; i++) shares[i] = row[i] - max;
        DeterministicMath.Exp(shares);
        foreach (double share in shares) sum += share;
        return (max, sum);
    }

    static float Max(ReadOnlySpan<float> row)
    {
        var largest = new Vector<float>(float.NegativeInfinity);
        int i = 0;
        for (; i <= row.Length - Vector<float>.Count; i += Vector<float>.Count) largest = Vector.Max(largest, new Vector<float>(row[i..]));
        float max = float.NegativeInfinity;
        for (int lane = 0; lane < Vector<float>.Count; lane++) max = Math.Max(max, largest[lane]);
        for (; i < row.Length; i++) max = Math.Max(max, row[i]);
        return max;
    }
}
