using AlexNetActors.Compute;
using CsCheck;

namespace AlexNetActors.Tests.Compute;

public sealed class PhiloxTests
{
    /// <summary>kat_vectors of Random123, the authors' own library, philox4x32 with 10 rounds.</summary>
    [Theory]
    [InlineData(0u, 0u, 0u, 0u, 0u, 0u, 0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u)]
    [InlineData(~0u, ~0u, ~0u, ~0u, ~0u, ~0u, 0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu)]
    [InlineData(0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u, 0xa4093822u, 0x299f31d0u, 0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u)]
    public void RoundsGiveTheAuthorsWords(uint c0, uint c1, uint c2, uint c3, uint k0, uint k1, uint x0, uint x1, uint x2, uint x3) =>
        Assert.Equal((x0, x1, x2, x3), Philox.Rounds(c0, c1, c2, c3, k0, k1));

    /// <summary>Runs of the past depend on it: counter (block, time, tag) and key (seed).</summary>
    [Fact]
    public void CounterHoldsBlockTimeLayerAndPurpose()
    {
        var random = new Philox(0x299f31d0_a4093822, (Purpose)0x44, 0x73, 0x0370_13198a2e);
        Assert.Equal((0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u), random.Block(0x85a308d3_243f6a88));
    }

    [Fact]
    public void WordsAreTheBlocksInOrder()
    {
        var random = new Philox(1, Purpose.Crop, 2, 3);
        for (ulong block = 0; block < 4; block++)
        {
            var (x0, x1, x2, x3) = random.Block(block);
            Assert.Equal([x0, x1, x2, x3], Enumerable.Range(0, 4).Select(i => random.Word(4 * block + (ulong)i)));
        }
    }

    [Fact]
    public void TimeHas48Bits() => Assert.Throws<ArgumentOutOfRangeException>(() => new Philox(1, Purpose.Crop, 0, 1UL << 48).Block(0));

    [Fact]
    public void FilledNormalsAreTheSingleOnes() => Gen.Select(Gen.ULong[0, 1UL << 40], Gen.Int[0, 9]).Sample((first, count) =>
    {
        var random = new Philox(9, Purpose.Weights, 3, 0);
        var values = new float[count];
        random.FillNormal(first, 0.01, values);
        for (int i = 0; i < count; i++) Assert.Equal((float)(0.01 * random.Normal(first + (ulong)i)), values[i]);
    });

    /// <summary>Of a million: moments within five standard errors, and tails as far as they should be.</summary>
    [Fact]
    public void NormalsAreNormal()
    {
        const int n = 1 << 20;
        var values = new float[n];
        new Philox(5, Purpose.Weights, 0, 0).FillNormal(0, 1, values);
        double Moment(int k) => values.Average(v => Math.Pow(v, k));
        Assert.Equal(0, Moment(1), 5 / Math.Sqrt(n));
        Assert.Equal(1, Moment(2), 5 * Math.Sqrt(2.0 / n));
        Assert.Equal(0, Moment(3), 5 * Math.Sqrt(15.0 / n));
        Assert.Equal(3, Moment(4), 5 * Math.Sqrt(96.0 / n));
        Assert.InRange(values.Max(), 4, 7);
        Assert.InRange(values.Min(), -7, -4);
        // Neighbours, in and across blocks, are independent.
        Assert.Equal(0, Enumerable.Range(1, n - 1).Average(i => (double)values[i] * values[i - 1]), 5 / Math.Sqrt(n));
    }

    /// <summary>Quantiles to 17 digits, computed with mpmath at 40 digits.</summary>
    [Theory]
    [InlineData(0.5, 0)]
    [InlineData(0.975, 1.9599639845400539)]
    [InlineData(0.9, 1.2815515655446006)]
    [InlineData(0.001, -3.0902323061678135)]
    [InlineData(1e-9, -5.9978070150076869)]
    public void InverseNormalIsTheQuantile(double p, double quantile) => Assert.Equal(quantile, DeterministicMath.InverseNormal(p), 1e-14 * (1 + Math.Abs(quantile)));

    [Fact]
    public void ExpAndLogEqualTheLibraries() => Gen.Double[-700, 700].Sample(x =>
    {
        Assert.Equal(1, DeterministicMath.Exp(x) / Math.Exp(x), 1e-14);
        Assert.Equal(x, DeterministicMath.Log(Math.Exp(x)), 1e-13 * (1 + Math.Abs(x)));
    });
}
