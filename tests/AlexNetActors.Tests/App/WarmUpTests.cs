using AlexNetActors.App;
using AlexNetActors.Compute.Cpu;
using AlexNetActors.Model;

namespace AlexNetActors.Tests.App;

/// <summary>A miniature is made of every network that ships, and of one too small to be made smaller.</summary>
public sealed class WarmUpTests
{
    [Theory]
    [InlineData("paper")]
    [InlineData("robust")]
    [InlineData("quickstart")]
    public void Recipes_are_warmed_up(string recipe) => Run(RecipeReader.Read(recipe, Settings.None, 10).Network);

    [Fact]
    public void A_tiny_network_is_warmed_up_as_it_is() => Run(TinyRun.Network);

    static void Run(Network network)
    {
        using var device = new CpuDevice(1);
        WarmUp.Run(network, device);
        Assert.True(device.Buffers > 0);
    }
}
