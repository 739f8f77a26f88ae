using AlexNetActors.Compute;

namespace AlexNetActors.Tests.Compute;

public sealed class DeterministicMathTests
{
    [Fact]
    public void ExpIsExp()
    {
        for (double x = -700; x <= 700; x += 0.37) AssertRelative(Math.Exp(x), DeterministicMath.Exp(x), 1e-15);
        Assert.Equal(1, DeterministicMath.Exp(0));
        Assert.Equal(0, DeterministicMath.Exp(-1000));
        Assert.Equal(double.PositiveInfinity, DeterministicMath.Exp(1000));
        Assert.True(double.IsNaN(DeterministicMath.Exp(double.NaN)));
    }

    /// <summary>Every range and the values at its ends, in every place of a vector.</summary>
    [Fact]
    public void ExpsTogetherAreTheSingleOnes()
    {
        double[] ends = [-1e308, -709, -708.0000001, -708, -707.9, -0.0, 0, 1e-300, 709, 709.0000001, 1e308, double.NaN, double.PositiveInfinity, double.NegativeInfinity];
        double[] values = [.. ends, .. Enumerable.Range(0, 999).Select(n => (n - 500) * 1.3717), .. ends.Reverse(), .. Enumerable.Range(0, 100_000).Select(n => -Math.Pow(n * 1.7e-5, 5))];
        for (int first = 0; first < 9; first++)
        {
            var together = values[first..];
            DeterministicMath.Exp(together);
            Assert.Equal(values[first..].Select(x => BitConverter.DoubleToInt64Bits(DeterministicMath.Exp(x))), together.Select(BitConverter.DoubleToInt64Bits));
        }
    }

    [Fact]
    public void LogIsLog()
    {
        for (double x = 1e-300; x < 1e300; x *= 1.37) AssertRelative(Math.Log(x), DeterministicMath.Log(x), 1e-15);
        for (double x = 0.5; x < 2; x += 0.001) Assert.Equal(Math.Log(x), DeterministicMath.Log(x), 1e-15);
        Assert.Equal(0, DeterministicMath.Log(1));
        Assert.Equal(double.NegativeInfinity, DeterministicMath.Log(0));
        Assert.True(double.IsNaN(DeterministicMath.Log(-1)));
    }

    /// <summary>Quantiles of the standard normal distribution to 16 digits, as in any table.</summary>
    [Theory]
    [InlineData(0.5, 0)]
    [InlineData(0.75, 0.6744897501960817)]
    [InlineData(0.9, 1.2815515655446004)]
    [InlineData(0.975, 1.959963984540054)]
    [InlineData(0.99, 2.3263478740408408)]
    [InlineData(0.999, 3.090232306167813)]
    [InlineData(1e-4, -3.719016485455709)]
    [InlineData(1e-10, -6.361340902404056)]
    [InlineData(1e-20, -9.262340089798408)]
    public void InverseNormalGivesKnownQuantiles(double p, double quantile)
    {
        if (quantile == 0) Assert.Equal(0, DeterministicMath.InverseNormal(p));
        else AssertRelative(quantile, DeterministicMath.InverseNormal(p), 1e-14);
    }

    /// <summary>The middle, both tails and the far ends, in every place of a vector.</summary>
    [Fact]
    public void InverseNormalsTogetherAreTheSingleOnes()
    {
        double[] ends = [1e-300, 1e-20, 1e-13, 1e-11, 0.02, 0.07499999999999, 0.075, 0.3, 0.5, 0.925, 0.98, 1 - 1e-14];
        double[] values = [.. ends, .. Enumerable.Range(1, 999).Select(n => n / 1000.0), .. ends.Reverse()];
        for (int first = 0; first < 9; first++)
        {
            var together = values[first..];
            DeterministicMath.InverseNormal(together);
            Assert.Equal(values[first..].Select(DeterministicMath.InverseNormal), together);
        }
    }

    static void AssertRelative(double expected, double got, double tolerance) =>
        Assert.True(Math.Abs(got - expected) <= tolerance * Math.Abs(expected), $"expected {expected:R}, got {got:R}");
}
