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
    const int OnStackMax = 4096; // classes whose shares need no memory of the heap: a step allocates none

    /// <param name="logits">[B, classes]</param>
    /// <param name="labels">[B]; -1 where there is no image.</param>
    /// <param name="classes">Number of classes.</param>
    public static Score Evaluate(ReadOnlySpan<float> logits, ReadOnlySpan<int> labels, int classes) => Evaluate(logits, labels, classes, 0, 0, []);

    /// <summary>The score, and dLogits[b, i] = (softmax(logits)[b, first + i] - [label is first + i]) / B; 0 where there is no image.</summary>
    /// <param name="logits">[B, classes]</param>
    /// <param name="labels">[B]; -1 where there is no image.</param>
    /// <param name="classes">Number of classes.</param>
    /// <param name="first">First class of the half whose gradient is asked for.</param>
    /// <param name="count">Classes in it; 0 for the score alone.</param>
    /// <param name="dLogits">[B, count]</param>
    public static Score Evaluate(ReadOnlySpan<float> logits, ReadOnlySpan<int> labels, int classes, int first, int count, Span<float> dLogits)
    {
        var score = new Score();
        Span<double> shares = classes <= OnStackMax ? stackalloc double[classes] : new double[classes];
        int B = labels.Length;
        dLogits.Clear();
        for (int b = 0; b < B; b++)
        {
            if (labels[b] < 0) continue;
            var row = logits.Slice(b * classes, classes);
            var (max, sum) = Partition(row, shares);
            int rank = Rank(row, labels[b]);
            score += new Score(1, DeterministicMath.Log(sum) + max - row[labels[b]], rank >= 1 ? 1 : 0, rank >= 5 ? 1 : 0);
            var d = dLogits.Slice(b * count, count);
            for (int i = 0; i < count; i++) d[i] = (float)((shares[first + i] / sum - (first + i == labels[b] ? 1 : 0)) / B);
        }
        return score;
    }

    /// <summary>probabilities[i] += softmax(logits)[i], one row: what the ten views of a picture add up to (paper section 4.1).</summary>
    public static void AddSoftmax(ReadOnlySpan<float> row, Span<double> probabilities)
    {
        Span<double> shares = row.Length <= OnStackMax ? stackalloc double[row.Length] : new double[row.Length];
        var (_, sum) = Partition(row, shares);
        for (int i = 0; i < row.Length; i++) probabilities[i] += shares[i] / sum;
    }

    /// <summary>How many other classes are at least as good as the label: a network that says nothing is never right by a tie.</summary>
    public static int Rank<T>(ReadOnlySpan<T> row, int label) where T : System.Numerics.INumber<T>
    {
        int rank = -1; // the label itself counts once below
        foreach (var value in row) if (!(value < row[label])) rank++;
        return rank;
    }

    /// <summary>shares[i] = e^(row[i] - largest); their sum in order.</summary>
    static (double Max, double Sum) Partition(ReadOnlySpan<float> row, Span<double> shares)
    {
        double max = double.NegativeInfinity, sum = 0;
        foreach (float v in row) max = Math.Max(max, v);
        for (int i = 0; i < row.Length; i++) shares[i] = row[i] - max;
        DeterministicMath.Exp(shares);
        foreach (double share in shares) sum += share;
        return (max, sum);
    }
}
