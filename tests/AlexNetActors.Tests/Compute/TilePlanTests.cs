using AlexNetActors.Compute;
using AlexNetActors.Compute.Cpu.Winograd;

namespace AlexNetActors.Tests.Compute;

public sealed class TilePlanTests
{
    [Theory]
    [InlineData(3)]
    [InlineData(5)]
    public void TilesCoverEveryOutputOnce(int taps)
    {
        for (int outputs = 1; outputs <= 60; outputs++)
        {
            var axis = TileAxis.Cover(outputs, taps);
            int next = 0;
            for (int tile = 0; tile < axis.Tiles; tile++)
            {
                Assert.Equal(next, axis.Start(tile));
                Assert.True(next < outputs, $"tile {tile} of {axis} computes nothing of {outputs} outputs");
                next += axis.Outputs(tile);
            }
            Assert.True(next >= outputs, $"{axis} ends at {next} of {outputs} outputs");
        }
    }

    [Theory]
    [InlineData(13, 3, 19)] // 5 + 4 + 4 outputs
    [InlineData(27, 5, 55)] // six times 4 and 3
    [InlineData(55, 3, 77)] // eleven times 5
    public void TheAxesOfAlexNetNeedThatManyPoints(int outputs, int taps, int points) => Assert.Equal(points, TileAxis.Cover(outputs, taps).AllPoints);

    [Fact]
    public void ConvolutionsOfAlexNetAreFastAndWhatGainsLittleIsNot()
    {
        var conv1 = Filter.Convolution(3, 224, 224, 48, 11, 4, 2);
        Assert.True(TilePlan.Pays(conv1));
        Assert.Equal((3, 48), (TilePlan.Of(conv1).Taps, TilePlan.Of(conv1).Channels));
        Assert.True(TilePlan.Pays(Filter.Convolution(48, 27, 27, 128, 5, 1, 2)));
        Assert.True(TilePlan.Pays(Filter.Convolution(256, 13, 13, 192, 3, 1, 1)));
        Assert.False(TilePlan.Pays(Filter.Convolution(3, 32, 32, 16, 5, 1, 2))); // few channels
        Assert.False(TilePlan.Pays(Filter.Convolution(64, 2, 2, 64, 3, 1, 1))); // mostly overhang
        Assert.False(TilePlan.Pays(Filter.Convolution(64, 13, 13, 64, 1, 1, 0)));
        Assert.False(TilePlan.Pays(Filter.Convolution(64, 13, 13, 64, 7, 1, 3)));
        Assert.False(TilePlan.Pays(Filter.FullyConnected(256, 3, 3, 64)));
    }

    /// <summary>49 points of 8,192 x 8,192 weights are more floats than an int counts.</summary>
    [Fact]
    public void PanelsOfWideLayersAreAsLargeAsTheyAre() =>
        Assert.Equal(49L * 8192 * 8192, WinogradConvolution.PanelFloatsOf(TilePlan.Of(Filter.Convolution(8192, 13, 13, 8192, 3, 1, 1))));
}
