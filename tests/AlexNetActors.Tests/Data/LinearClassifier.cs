using System.Numerics;
using AlexNetActors.Data;

namespace AlexNetActors.Tests.Data;

/// <summary>Multinomial logistic regression on raw pixels by stochastic gradient descent: what can be had without looking at shapes.</summary>
static class LinearClassifier
{
    const int BatchSize = 20;

    public static (double Training, double Validation) Accuracy(DataFolder data, int epochs)
    {
        int classes = data.Classes.Count, inputs = data.Train.RecordBytes;
        float[][] training = Inputs(data.Train, data.Mean.Span), validation = Inputs(data.Validation, data.Mean.Span);
        var weights = Enumerable.Range(0, classes).Select(_ => new float[inputs]).ToArray();
        var bias = new float[classes];
        var plan = new BatchPlan(1, data.Train.Count, BatchSize);
        int[] records = new int[BatchSize];
        for (long step = 0; step < plan.StepsOf(epochs); step++)
        {
            plan.RecordsOf(step, records);
            float rate = 0.002f / (1 + plan.EpochOf(step));
            var scores = records.Select(record => Probabilities(training[record], weights, bias)).ToArray();
            for (int i = 0; i < BatchSize; i++)
                for (int k = 0; k < classes; k++)
                {
                    float gradient = scores[i][k] - (data.Train.Label(records[i]) == k ? 1 : 0);
                    AddScaled(training[records[i]], -rate * gradient / BatchSize, weights[k]);
                    bias[k] -= rate * gradient / BatchSize;
                }
        }
        return (Share(data.Train, training), Share(data.Validation, validation));

        double Share(Pack pack, float[][] images) =>
            Enumerable.Range(0, pack.Count).Count(i => ArgMax(Probabilities(images[i], weights, bias)) == pack.Label(i)) / (double)pack.Count;
    }

    static float[][] Inputs(Pack pack, ReadOnlySpan<float> mean)
    {
        var all = new float[pack.Count][];
        for (int i = 0; i < all.Length; i++)
        {
            var record = pack.Record(i);
            all[i] = new float[record.Length];
            for (int p = 0; p < record.Length; p++) all[i][p] = (record[p] - mean[p]) / 64;
        }
        return all;
    }

    static float[] Probabilities(float[] image, float[][] weights, float[] bias)
    {
        var scores = weights.Select((row, k) => Dot(image, row) + bias[k]).ToArray();
        float max = scores.Max();
        var exponentials = Array.ConvertAll(scores, score => MathF.Exp(score - max));
        float sum = exponentials.Sum();
        return Array.ConvertAll(exponentials, e => e / sum);
    }

    static float Dot(float[] a, float[] b)
    {
        var sum = Vector<float>.Zero;
        for (int i = 0; i < a.Length; i += Vector<float>.Count) sum += new Vector<float>(a, i) * new Vector<float>(b, i);
        return Vector.Sum(sum);
    }

    static void AddScaled(float[] source, float factor, float[] destination)
    {
        for (int i = 0; i < source.Length; i += Vector<float>.Count)
            (new Vector<float>(destination, i) + new Vector<float>(source, i) * factor).CopyTo(destination, i);
    }

    static int ArgMax(float[] values) => Array.IndexOf(values, values.Max());
}
