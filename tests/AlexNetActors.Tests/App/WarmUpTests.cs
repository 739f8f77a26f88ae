using AlexNetActors.Actors;
using AlexNetActors.App;
using AlexNetActors.Compute;
using AlexNetActors.Compute.Cpu;
using AlexNetActors.Model;
using AlexNetActors.Tests.Model;

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

    [Fact]
    public void What_fails_in_it_ends_nothing() =>
        Assert.False(Devices.WarmedUp(new DeviceFactory("cpu", "cpu", "", () => new CpuDevice(1)), new Network(8, 10, [new("fc1", 32, Bias: 1e30f), new("fc2", 10, SeesBoth: true, Deviation: 1e30f)], LocalResponse.Paper)));

    static void Run(Network network)
    {
        using var device = new CpuDevice(1);
        var done = new List<Operation>();
        foreach (var operation in Enum.GetValues<Operation>()) WarmUp.Run(network, new DisturbedDevice(device, operation, (_, _, _) => done.Add(operation)));
        int layers = 2 * network.Layers.Count; // of both towers; nobody asks for the gradient by the pictures
        Assert.Equal([(Operation.Convolve, layers), (Operation.ConvolveBackwardInput, layers - 2), (Operation.ConvolveBackwardWeights, layers)], done.CountBy(o => o).Select(o => (o.Key, o.Value)));
    }
}
