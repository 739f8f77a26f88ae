using AlexNetActors.Compute;
using CsCheck;

namespace AlexNetActors.Tests.Compute;

public sealed class RandomNumberTests
{
    /// <summary>Random123's kat_vectors, philox4x32-10.</summary>
    [Theory]
    [InlineData(0u, 0u, 0u, 0u, 0u, 0u, 0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u)]
    [InlineData(~0u, ~0u, ~0u, ~0u, ~0u, ~0u, 0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu)]
    [InlineData(0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u, 0xa4093822u, 0x299f31d0u, 0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u)]
    public void PhiloxGivesTheKnownAnswers(uint c0, uint c1, uint c2, uint c3, uint k0, uint k1, uint x0, uint x1, uint x2, uint x3) =>
        Assert.Equal((x0, x1, x2, x3), Philox.Rounds(c0, c1, c2, c3, k0, k1));

    [Fact]
    public void AWordIsItsPartOfItsBlock()
    {
        var random = new Philox(7, Purpose.Dropout, 2, 99);
        var (x0, x1, x2, x3) = random.Block(5);
        Assert.Equal([x0, x1, x2, x3], [random.Word(20), random.Word(21), random.Word(22), random.Word(23)]);
    }

    [Fact]
    public void EveryPartOfTheCounterMatters()
    {
        var random = new Philox(7, Purpose.Dropout, 2, 99);
        Philox[] others = [random with { Seed = 8 }, random with { Seed = 7 + (1UL << 32) }, random with { Purpose = Purpose.Crop }, random with { Layer = 3 }, random with { Time = 100 }, random with { Time = 99 + (1UL << 32) }];
        Assert.All(others, other => Assert.NotEqual(random.Block(5), other.Block(5)));
        Assert.NotEqual(random.Block(5), random.Block(5 + (1UL << 32)));
        Assert.Throws<ArgumentOutOfRangeException>(() => (random with { Time = 1UL << 48 }).Block(0));
    }

    /// <summary>Of 100,000 draws the mean has a standard error of 0.0032 and the variance of 0.0045; the fourth moment, 3, of 0.031. Four of each.</summary>
    [Fact]
    public void NormalsAreStandardNormal()
    {
        var random = new Philox(1, Purpose.Weights, 0, 0);
        var draws = Enumerable.Range(0, 100_000).Select(n => random.Normal((ulong)n)).ToArray();
        Assert.Equal(0, draws.Average(), 0.013);
        Assert.Equal(1, draws.Average(x => x * x), 0.018);
        Assert.Equal(3, draws.Average(x => x * x * x * x), 0.124);
    }

    [Fact]
    public void BelowIsUniform()
    {
        var random = new Philox(1, Purpose.Crop, 0, 0);
        var counts = new int[7];
        for (ulong n = 0; n < 70_000; n++) counts[random.Below(n, 7)]++;
        Assert.All(counts, count => Assert.InRange(count, 10_000 - 370, 10_000 + 370)); // four standard deviations
    }

    /// <summary>Stored runs depend on where each part of the key and the counter goes; the words are Random123's.</summary>
    [Fact]
    public void CounterHoldsBlockTimeLayerAndPurpose()
    {
        var random = new Philox(0x299f31d0_a4093822, (Purpose)0x44, 0x73, 0x0370_13198a2e);
        Assert.Equal((0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u), random.Block(0x85a308d3_243f6a88));
    }

    [Fact]
    public void FilledNormalsAreTheSingleOnes() => Gen.Select(Gen.ULong[0, 1UL << 40], Gen.Int[0, 600]).Sample((first, count) =>
    {
        var random = new Philox(9, Purpose.Weights, 3, 0);
        var values = new float[count];
        random.FillNormal(first, 0.01, values);
        for (int i = 0; i < count; i++) Assert.Equal((float)(0.01 * random.Normal(first + (ulong)i)), values[i]);
    });

    /// <summary>In and across blocks; five standard errors.</summary>
    [Fact]
    public void NeighbouringNormalsAreIndependent()
    {
        var values = new float[1 << 20];
        new Philox(5, Purpose.Weights, 0, 0).FillNormal(0, 1, values);
        foreach (int first in new[] { 0, 1 })
            Assert.Equal(0, Enumerable.Range(0, values.Length / 2 - 1).Average(i => (double)values[2 * i + first] * values[2 * i + first + 1]), 5 / Math.Sqrt(values.Length / 2));
    }
}
