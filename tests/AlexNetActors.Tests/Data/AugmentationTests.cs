using AlexNetActors.Compute;
using AlexNetActors.Data;

namespace AlexNetActors.Tests.Data;

public class AugmentationTests
{
    static readonly Augmentation Paper = new(224, RandomCrop: true, Mirror: true, ColourSigma: 0.1);

    [Fact]
    public void CropsLieEverywhereAndHalfAreMirrored()
    {
        const int samples = 33 * 1000;
        var tops = new int[33];
        var lefts = new int[33];
        int mirrored = 0;
        for (int position = 0; position < samples; position++)
        {
            var placement = Paper.Place(5, position, 256);
            tops[placement.Top]++;
            lefts[placement.Left]++;
            if (placement.Mirrored) mirrored++;
        }
        // 1000 expected each, standard deviation 31; half of 33000, standard deviation 91: six of them either way.
        Assert.All(tops.Concat(lefts), count => Assert.InRange(count, 814, 1186));
        Assert.InRange(mirrored, samples / 2 - 546, samples / 2 + 546);
    }

    [Fact]
    public void WhatIsSwitchedOffStaysOff()
    {
        var plain = new Augmentation(224, RandomCrop: false, Mirror: false, ColourSigma: 0);
        var shift = new float[3];
        for (int position = 0; position < 100; position++)
        {
            Assert.Equal(new Placement(16, 16, false), plain.Place(5, position, 256));
            plain.Shift(5, position, Axes(), shift);
            Assert.Equal([0f, 0f, 0f], shift);
        }
    }

    [Fact]
    public void ColourShiftsSpreadAlongTheAxesByATenthOfTheirDeviation()
    {
        var axes = Axes();
        const int samples = 40000;
        var mean = new double[3];
        var variance = new double[3];
        var shift = new float[3];
        for (int position = 0; position < samples; position++)
        {
            Paper.Shift(9, position, axes, shift);
            for (int axis = 0; axis < 3; axis++)
            {
                double along = Enumerable.Range(0, 3).Sum(c => axes.Vectors[axis][c] * shift[c]);
                mean[axis] += along / samples;
                variance[axis] += along * along / samples;
            }
        }
        for (int axis = 0; axis < 3; axis++)
        {
            double expected = 0.01 * axes.Values[axis];
            Assert.InRange(mean[axis], -0.03 * Math.Sqrt(expected), 0.03 * Math.Sqrt(expected)); // six standard errors
            Assert.InRange(variance[axis] / expected, 0.957, 1.043); // six standard errors: 6 * sqrt(2 / 40000)
        }
    }

    /// <summary>A run that was begun goes on with the same crops and colours only while each draw keeps its place in the generator's streams.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    [InlineData(123_456_789_012)]
    public void DrawsAreTheWordsOfTheirPosition(long position)
    {
        for (long at = position; at < position + 32; at++) // of a mirror only one bit shows
        {
            var (top, left, mirrored, _) = new Philox(5, Purpose.Crop, 0, (ulong)at).Block(0);
            Assert.Equal(new Placement((int)((ulong)top * 33 >> 32), (int)((ulong)left * 33 >> 32), mirrored >= 1u << 31), Paper.Place(5, at, 256));
        }

        var (axes, normals, shift) = (Axes(), new Philox(5, Purpose.ColourShift, 0, (ulong)position), new float[3]);
        Paper.Shift(5, position, axes, shift);
        for (int channel = 0; channel < 3; channel++)
            Assert.Equal(Enumerable.Range(0, 3).Sum(axis => axes.Vectors[axis][channel] * 0.1 * normals.Normal((ulong)axis) * Math.Sqrt(axes.Values[axis])), shift[channel], 1e-5); // rounded to float32
    }

    [Fact]
    public void TheAxesOfAKnownCovarianceAreFound()
    {
        // Q diag(9, 4, 1) Q^T with the orthonormal columns (2, 2, 1)/3, (-2, 1, 2)/3, (1, -2, 2)/3.
        double[][] q = [[2 / 3.0, 2 / 3.0, 1 / 3.0], [-2 / 3.0, 1 / 3.0, 2 / 3.0], [1 / 3.0, -2 / 3.0, 2 / 3.0]];
        double[] values = [9, 4, 1];
        var covariance = new double[3, 3];
        for (int i = 0; i < 3; i++)
            for (int x = 0; x < 3; x++)
                for (int y = 0; y < 3; y++)
                    covariance[x, y] += values[i] * q[i][x] * q[i][y];
        var axes = ColourAxes.Of(covariance);
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(values[i], axes.Values[i], 12);
            Assert.Equal(1, Math.Abs(Enumerable.Range(0, 3).Sum(c => axes.Vectors[i][c] * q[i][c])), 12);
        }
    }

    [Fact]
    public void ThereAreTenViews()
    {
        var views = Enumerable.Range(0, View.Count).Select(view => View.Place(view, 256, 224)).ToArray();
        Assert.Equal(
            [new(16, 16, false), new(0, 0, false), new(0, 32, false), new(32, 0, false), new(32, 32, false)],
            views[..5]);
        Assert.Equal(views[..5].Select(view => view with { Mirrored = true }), views[5..]);
        Assert.Throws<ArgumentOutOfRangeException>(() => View.Place(10, 256, 224));
    }

    static ColourAxes Axes() => ColourAxes.Of(new double[,] { { 5000, 4200, 3900 }, { 4200, 4900, 4300 }, { 3900, 4300, 5400 } });
}
