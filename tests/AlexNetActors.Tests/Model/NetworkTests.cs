using AlexNetActors.App;
using AlexNetActors.Compute;
using AlexNetActors.Model;

namespace AlexNetActors.Tests.Model;

/// <summary>The table of hocon/recipes/paper.conf is the paper's network, and a table that is no network is refused in one line.</summary>
public sealed class NetworkTests
{
    const int Batch = 128;

    static readonly Network Paper = RecipeReader.Read("paper", Settings.None).Network;

    [Fact]
    public void PaperHasItsParameters() => Assert.Equal(60_965_224, Paper.Parameters);

    /// <summary>The paper counts "650,000 neurons".</summary>
    [Fact]
    public void PaperHasItsNeurons() => Assert.Equal(659_272, Paper.Neurons);

    /// <summary>Section 3.5, kernels of both towers: count, side, side, depth.</summary>
    [Theory]
    [InlineData("conv1", 96, 11, 11, 3, 55)]
    [InlineData("conv2", 256, 5, 5, 48, 27)]
    [InlineData("conv3", 384, 3, 3, 256, 13)]
    [InlineData("conv4", 384, 3, 3, 192, 13)]
    [InlineData("conv5", 256, 3, 3, 192, 13)]
    [InlineData("fc6", 4096, 6, 6, 256, 1)]
    [InlineData("fc7", 4096, 1, 1, 4096, 1)]
    [InlineData("fc8", 1000, 1, 1, 4096, 1)]
    public void PaperHasItsKernels(string name, int kernels, int height, int width, int depth, int output)
    {
        var filter = Paper.Layers.Single(l => l.Name == name).Filter;
        Assert.Equal((kernels, height, width, depth), (2 * filter.Kernels, filter.SizeY, filter.SizeX, filter.Channels));
        Assert.Equal((output, output), (filter.OutputHeight, filter.OutputWidth));
    }

    [Fact]
    public void TowersMeetBeforeConv3AndTheFullyConnectedLayers() =>
        Assert.Equal(["conv1-conv2", "conv3-conv5", "fc6", "fc7", "fc8"], Paper.Segments.Select(s => s.Name));

    /// <summary>A tower's half of what the next segment sees.</summary>
    [Theory]
    [InlineData(1, 11_075_584)]
    [InlineData(2, 2_359_296)]
    [InlineData(3, 1_048_576)]
    [InlineData(4, 1_048_576)]
    public void PaperExchangesItsBytes(int segment, long bytes) =>
        Assert.Equal(bytes, Paper.Segments[segment].Input.Count / 2 * Batch * sizeof(float));

    [Fact]
    public void PaperMultipliesAsOften() => Assert.Equal(
        55 * 55 * 96 * 11 * 11 * 3L + 27 * 27 * 256 * 5 * 5 * 48L + 13 * 13 * 3 * 3 * (384 * 256L + 384 * 192 + 256 * 192) + 9216 * 4096L + 4096 * 4096 + 4096 * 1000,
        Paper.MultiplyAccumulates);

    [Fact]
    public void WrongTablesAreRefused()
    {
        LayerSpec conv = new("conv1", 8, Size: 3, Pad: 1), fc = new("fc", 10, SeesBoth: true);
        Refused("network.classes is 9: the classes are split over two towers, so it must be even and at least 2", classes: 9);
        Refused("network.classes is 0: the classes are split over two towers, so it must be even and at least 2", classes: 0);
        Refused("network.input is 0: it must be at least 1", [fc], input: 0);
        Refused("network.layers is empty", []);
        Refused("network.layers names 65 layers: there may be 64 at most", [.. Enumerable.Range(1, 65).Select(n => fc with { Name = $"fc{n}" })]);
        Refused("network.layers names conv1 twice", [conv, conv, fc]);
        Refused("network.response.window is 4: it must be an odd number", [conv, fc], response: LocalResponse.Paper with { Window = 4 });
        Refused("network.response has k 0 and alpha 0.0001: k must be above 0 and alpha at least 0", [conv, fc], response: LocalResponse.Paper with { K = 0 });
        Refused("network.response has k 2 and alpha -1: k must be above 0 and alpha at least 0", [conv, fc], response: LocalResponse.Paper with { Alpha = -1 });
        Refused("conv1 has 7 kernels: they are split over two towers, so it must be an even number", [conv with { Kernels = 7 }, fc]);
        Refused("conv1 has 0 kernels: they are split over two towers, so it must be an even number", [conv with { Kernels = 0 }, fc]);
        Refused("conv1 has deviation 0: it must be above 0", [conv with { Deviation = 0 }, fc]);
        Refused("conv1 has deviation NaN: it must be above 0", [conv with { Deviation = float.NaN }, fc]);
        Refused("fc1 has dropout 1: it must be in [0, 1)", [fc with { Name = "fc1", Dropout = 1 }, fc]);
        Refused("fc1 has dropout -0.5: it must be in [0, 1)", [fc with { Name = "fc1", Dropout = -0.5 }, fc]);
        Refused("conv1 has size -1, stride 1 and pad 1: the stride must be at least 1, the others at least 0", [conv with { Size = -1 }, fc]);
        Refused("conv1 has size 3, stride 0 and pad 1: the stride must be at least 1, the others at least 0", [conv with { Stride = 0 }, fc]);
        Refused("conv1 has size 3, stride 1 and pad -1: the stride must be at least 1, the others at least 0", [conv with { Pad = -1 }, fc]);
        Refused("conv1 (11x11, stride 1, pad 1) does not fit its input of 8x8", [conv with { Size = 11 }, fc]);
        Refused("conv1 has 905969664 weights a tower and 4294967296 outputs an image: they may be 536870897 and 2147483591 at most", [conv with { Kernels = 1 << 26 }, fc]);
        Refused("fc1 has 805306368 weights a tower and 8388608 outputs an image: they may be 536870897 and 2147483591 at most", [fc with { Name = "fc1", Kernels = 1 << 23 }, fc]);
        Refused("conv2 has stride 2: only the first layer may stride", [conv, conv with { Name = "conv2", Stride = 2 }, fc]);
        Refused("conv1 has dropout: only fully connected layers may", [conv with { Dropout = 0.5 }, fc]);
        Refused("fc1 has dropout and normalisation: choose one", [fc with { Name = "fc1", Dropout = 0.5, Normalize = true }, fc]);
        Refused("fc has dropout: the last layer's outputs are the logits and cannot be dropped", [conv, fc with { Dropout = 0.5 }]);
        Refused("conv1 pools 3x3 windows over maps of 2x2", [conv with { Stride = 4, Pool = true }, fc]);
        Refused("the last layer, conv2, ends in maps of 3x3: its outputs are the logits, so make it fully connected, size = 0", [conv, new("conv2", 8, Size: 6, SeesBoth: true)], classes: 72);
        Refused("the last layer, fc, has 12 outputs, network.classes is 10: they must be equal", [conv, fc with { Kernels = 12 }]);
    }

    static void Refused(string message, LayerSpec[]? table = null, int input = 8, int classes = 10, LocalResponse? response = null) =>
        Assert.Equal(message, Assert.Throws<RecipeException>(() => new Network(input, classes, table ?? [], response ?? LocalResponse.Paper)).Message);
}
