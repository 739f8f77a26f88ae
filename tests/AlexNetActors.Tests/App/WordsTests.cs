using AlexNetActors.App;

namespace AlexNetActors.Tests.App;

public sealed class WordsTests
{
    [Theory]
    [InlineData(0.01f, "0.01")]
    [InlineData(0.004f, "0.004")]
    [InlineData(0.00001f, "0.00001")]
    [InlineData(4e-6f, "0.000004")]
    public void A_learning_rate_has_no_exponent(float rate, string words) => Assert.Equal(words, Words.Rate(rate));
}
