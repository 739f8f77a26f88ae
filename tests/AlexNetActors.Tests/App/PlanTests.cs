using System.Text.Json.Nodes;
using AlexNetActors.App;
using AlexNetActors.Compute.Gpu;
using AlexNetActors.Data;
using AlexNetActors.Model;
using AlexNetActors.Tests.Compute;

namespace AlexNetActors.Tests.App;

/// <summary>alexnet plan --recipe paper, against the numbers printed in the paper.</summary>
public sealed class PlanTests
{
    static readonly JsonObject Plan = Alexnet.Run("plan", "--recipe", "paper", "--json").Expect(0).Json;

    [Fact]
    public void Parameters_and_neurons_are_those_of_the_paper()
    {
        Assert.Equal(60_965_224, (long)Plan["parameters"]!); // "60 million parameters"
        Assert.InRange((long)Plan["neurons"]!, 645_000, 662_000); // "650,000 neurons"; 55x55x96 alone is 290,400, figure 2 prints 253,440
    }

    /// <summary>A tower's tensors are what the plan says to the byte, and with its working memory it takes no more.</summary>
    [Fact]
    public void A_tower_on_a_GPU_takes_no_more_than_planned()
    {
        var plan = NetworkPlan.Of(TinyRun.Recipe);
        using var device = (IlgpuDevice)IlgpuDevices.Open("opencl:0");
        Tower[] towers = [.. TowerIds.Both.Select(id => new Tower(TinyRun.Network, id, device, TinyRun.Recipe.Batch, TinyRun.Recipe.Seed, new float[3 * TinyRun.Network.InputSize * TinyRun.Network.InputSize], training: true))];
        long tensors = device.BytesHeld;
        long mean = IlgpuDevice.BytesOf(GpuLayout.Plain, new(1, TinyRun.Network.InputSize, TinyRun.Network.InputSize, 3)) - IlgpuDevice.BytesOf(GpuLayout.Plain, new(1, 1, 1, 3));
        Assert.Equal(2 * (plan.GpuTensorBytes + mean), tensors); // the plan knows no data set, whose mean image it is
        foreach (var tower in towers) tower.Initialize();
        new Pass(towers, new LocalLink()).Train(new PassId(0, PassKind.Train, 0), new Batch(TinyRun.Recipe.Batch, TinyRun.Network.InputSize), new Descent(0, 0, 0));
        Assert.InRange(device.BytesHeld - tensors, 1, plan.GpuBytes - plan.GpuTensorBytes);
    }

    /// <summary>Section 3.5: kernels of each layer, and their shape in one tower.</summary>
    [Theory]
    [InlineData(0, 96, 3, 11, 4)]
    [InlineData(1, 256, 48, 5, 1)]
    [InlineData(2, 384, 256, 3, 1)]
    [InlineData(3, 384, 192, 3, 1)]
    [InlineData(4, 256, 192, 3, 1)]
    public void Kernels_have_the_shapes_of_section_3_5(int layer, int kernels, int channels, int size, int stride)
    {
        var row = Plan["layers"]![layer]!;
        Assert.Equal(kernels, (int)row["kernels"]!);
        Assert.Equal([channels, size, size], row["kernelShape"]!.AsArray().Select(n => (int)n!));
        Assert.Equal(stride, (int)row["stride"]!);
    }

    /// <summary>Figure 2: maps of one tower, and the fully connected layers.</summary>
    [Fact]
    public void Outputs_and_exchanges_follow_figure_2()
    {
        Assert.Equal([[48, 27, 27], [128, 13, 13], [192, 13, 13], [192, 13, 13], [128, 6, 6], [2048, 1, 1], [2048, 1, 1], [500, 1, 1]],
            Plan["layers"]!.AsArray().Select(l => l!["towerOutput"]!.AsArray().Select(n => (int)n!).ToArray()));
        // Each way a step of 128 float32 images: half of the maps before conv3 (128x13x13), fc6 (128x6x6), fc7 and fc8 (2048), and of the logits.
        long[] floats = [128 * 13 * 13, 128 * 6 * 6, 2048, 2048, 500];
        Assert.Equal(floats.Select(n => 4 * 128 * n), Plan["exchanges"]!.AsArray().Select(e => (long)e!["forwardBytes"]!));
        Assert.Equal(floats[..^1].Select(n => 4 * 128 * n).Append(0), Plan["exchanges"]!.AsArray().Select(e => (long)e!["backwardBytes"]!));
    }
}
