using AlexNetActors.Compute;

namespace AlexNetActors.Tests.Compute;

public class FiniteTests
{
    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void One_bad_value_is_found_wherever_it_is(float bad)
    {
        for (int length = 1; length < 70; length++)
            for (int at = 0; at < length; at++)
            {
                float[] values = [.. Enumerable.Repeat(float.MaxValue, length)];
                Assert.True(Finite.All(values));
                values[at] = bad;
                Assert.False(Finite.All(values));
            }
    }

    [Fact]
    public void Zeros_and_the_smallest_numbers_are_finite() => Assert.True(Finite.All([0, -0f, float.Epsilon, -float.Epsilon, float.MinValue]));
}
