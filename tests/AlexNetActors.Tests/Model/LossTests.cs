using AlexNetActors.Model;
using CsCheck;

namespace AlexNetActors.Tests.Model;

/// <summary>Softmax and cross-entropy against the formula in float64; ties, NaN and missing labels.</summary>
public sealed class LossTests
{
    static readonly Gen<float[]> Rows = Gen.Float[-80, 80].Array[2, 12];

    [Fact]
    public void LossIsMinusTheLogarithmOfTheLabelsShare() => Gen.Select(Rows, Gen.Int[0, 1]).Sample((row, label) =>
    {
        double expected = Math.Log(row.Sum(v => Math.Exp((double)v - row[label])));
        Assert.Equal(expected, Loss.Evaluate(row, [label], row.Length).Loss, 1e-12 * (1 + expected));
    });

    /// <summary>Enough classes for vectors and a rest; either half alone is what both are.</summary>
    [Fact]
    public void GradientIsTheShareLessTheLabel() => Gen.Select(Gen.Float[-80, 80].Array[2, 70], Gen.Int[0, 1000]).Sample((values, choice) =>
    {
        var row = values.Length % 2 == 0 ? values : values[1..];
        int label = choice % row.Length, half = row.Length / 2;
        float[] a = new float[half], b = new float[half], aAlone = new float[half], bAlone = new float[half];
        Loss.Evaluate(row, [label], row.Length, a, b);
        Loss.Evaluate(row, [label], row.Length, aAlone, []);
        Loss.Evaluate(row, [label], row.Length, [], bAlone);
        Assert.Equal(a, aAlone);
        Assert.Equal(b, bAlone);
        double sum = row.Sum(v => Math.Exp((double)v - row.Max()));
        for (int i = 0; i < row.Length; i++)
            Assert.Equal((float)(Math.Exp((double)row[i] - row.Max()) / sum - (i == label ? 1 : 0)), i < half ? a[i] : b[i - half], 1e-7);
    });

    [Fact]
    public void ABatchsGradientIsTheMeanOfItsImages() => Gen.Float[-9, 9].Array[24].Sample(logits =>
    {
        int[] labels = [0, 3, 2, -1, 1, 3];
        float[] a = new float[12], b = new float[12], aOne = new float[2], bOne = new float[2];
        Loss.Evaluate(logits, labels, 4, a, b);
        for (int image = 0; image < labels.Length; image++)
        {
            Loss.Evaluate(logits.AsSpan(4 * image, 4), [labels[image]], 4, aOne, bOne);
            for (int i = 0; i < 2; i++)
            {
                Assert.Equal(aOne[i] / 6, a[2 * image + i], 1e-7);
                Assert.Equal(bOne[i] / 6, b[2 * image + i], 1e-7);
            }
        }
    });

    [Fact]
    public void TheRankCountsWhoIsAtLeastAsGood() => Gen.Select(Gen.Int[0, 5].Array[1, 70], Gen.Int[0, 1000]).Sample((values, choice) =>
    {
        float[] row = [.. values.Select(v => v == 0 ? float.NaN : v)];
        int label = choice % row.Length;
        int expected = row.Where((v, i) => i != label && !(v < row[label])).Count();
        Assert.Equal(expected, Loss.Rank<float>(row, label));
        Assert.Equal(expected, Loss.Rank<double>([.. row.Select(v => (double)v)], label));
    });

    /// <summary>Few values, so that there are ties; the last class may be one that has no name.</summary>
    [Fact]
    public void TheGuessIsTheLabelWhereItIsNoErrorAndElseTheBestOther() => Gen.Select(Gen.Double[0, 3].Select(Math.Round).Array[3, 12], Gen.Int[0, 1000], Gen.Int[0, 1]).Sample((row, choice, unnamed) =>
    {
        int named = row.Length - unnamed, label = choice % named, guess = Loss.Guess<double>(row, label, named);
        Assert.Equal(Loss.Rank<double>(row, label) == 0, guess == label);
        Assert.InRange(guess, 0, named - 1);
        if (guess != label) Assert.Equal(row.Take(named).Where((_, i) => i != label).Max(), row[guess]);
    }, iter: 2000);

    [Fact]
    public void HugeLogitsDoNotOverflow()
    {
        float[] row = [3e38f, -3e38f, 0];
        Assert.Equal(0, Loss.Evaluate(row, [0], 3).Loss);
        Assert.Equal(6e38, Loss.Evaluate(row, [1], 3).Loss, 1e32);
    }

    [Fact]
    public void UnlabelledImagesCountForNothing()
    {
        float[] logits = [1, 2, 9, 9, 1, 2];
        var score = Loss.Evaluate(logits, [1, -1, 0], 2);
        Assert.Equal((2, 1, 0), (score.Images, score.Top1Errors, score.Top5Errors));
        Assert.Equal((Loss.Evaluate([1, 2], [1], 2) + Loss.Evaluate([1, 2], [0], 2)).LossSum, score.LossSum);
        float[] a = [7, 7, 7], b = [7, 7, 7]; // of the batch before
        Loss.Evaluate(logits, [1, -1, 0], 2, a, b);
        Assert.Equal((0, 0), (a[1], b[1]));
        Assert.DoesNotContain(7f, a.Concat(b));
        Assert.DoesNotContain(0f, new[] { a[0], a[2], b[0], b[2] });
    }

    [Fact]
    public void TiesAreErrors()
    {
        Assert.Equal(1, Loss.Evaluate([5, 5, 1], [0], 3).Top1Errors);
        Assert.Equal(0, Loss.Evaluate([5, 4, 1], [0], 3).Top1Errors);
        Assert.Equal(1, Loss.Evaluate(new float[6], [3], 6).Top5Errors);
        Assert.Equal(0, Loss.Evaluate([9, 8, 7, 6, 5, 4], [4], 6).Top5Errors);
        Assert.Equal(1, Loss.Evaluate([9, 8, 7, 6, 5, 4], [5], 6).Top5Errors);
        Assert.Equal(1, Loss.Evaluate([9, 8, 7, 6, 5, 5], [4], 6).Top5Errors);
    }

    [Fact]
    public void NaNIsAnError()
    {
        float[] one = [1, 2, 3, 4, 5, float.NaN], all = [.. Enumerable.Repeat(float.NaN, 6)];
        foreach (int label in new[] { 0, 5 })
        {
            Assert.Equal((1, 1), Errors(Loss.Evaluate(all, [label], 6)));
            Assert.Equal(1, Loss.Evaluate(one, [label], 6).Top1Errors);
        }
        Assert.Equal((1, 0), Errors(Loss.Evaluate(one, [4], 6))); // five are worse, one cannot be compared
        Assert.Equal(double.NaN, Loss.Evaluate(one, [0], 6).Loss);
    }

    static (int Top1, int Top5) Errors(Score score) => (score.Top1Errors, score.Top5Errors);

    [Fact]
    public void FiveClassesHaveNoTopFiveErrors() => Assert.Equal((1, 0), Errors(Loss.Evaluate(new float[4], [2], 4)));

    [Fact]
    public void ScoresOfBatchesAddUp() => Gen.Float[-9, 9].Array[24].Sample(logits =>
    {
        int[] labels = [0, 3, 2, 1, -1, 3];
        var whole = Loss.Evaluate(logits, labels, 4);
        var parts = Loss.Evaluate(logits.AsSpan(0, 12), labels.AsSpan(0, 3), 4) + Loss.Evaluate(logits.AsSpan(12), labels.AsSpan(3), 4);
        Assert.Equal(whole with { LossSum = 0 }, parts with { LossSum = 0 });
        Assert.Equal(whole.LossSum, parts.LossSum, 1e-12 * (1 + whole.LossSum));
    });

    /// <summary>With more logits than one core is left alone with.</summary>
    [Theory]
    [InlineData(4)]
    [InlineData(400)]
    public void AllCoresGiveTheSame(int classes)
    {
        const int Images = 100;
        var random = new Random(1);
        float[] logits = [.. Enumerable.Range(0, Images * classes).Select(_ => random.NextSingle() * 20 - 10)];
        int[] labels = [.. Enumerable.Range(0, Images).Select(b => b % 7 == 6 ? -1 : b * 3 % classes)];
        float[][] halves = [.. Enumerable.Range(0, 4).Select(_ => Enumerable.Repeat(9f, Images * classes / 2).ToArray())]; // not zero: they are overwritten
        Assert.Equal(Loss.Evaluate(logits, labels, classes, halves[0], halves[1]), Loss.EvaluateOnAllCores(logits, labels, classes, halves[2], halves[3]));
        Assert.Equal(halves[0], halves[2]);
        Assert.Equal(halves[1], halves[3]);
        Assert.Equal(Loss.Evaluate(logits, labels, classes), Loss.EvaluateOnAllCores(logits, labels, classes, [], []));
    }

    [Fact]
    public void ViewsAddTheirShares()
    {
        var sum = new double[3];
        Loss.AddSoftmax([1, 1, 1], sum);
        Loss.AddSoftmax([0, 100, 0], sum);
        Assert.Equal([1.0 / 3, 4.0 / 3, 1.0 / 3], sum.Select(v => Math.Round(v, 14)), (a, b) => Math.Abs(a - b) < 1e-12);
    }
}
