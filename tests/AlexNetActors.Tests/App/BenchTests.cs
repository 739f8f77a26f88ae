using System.Text.Json.Nodes;
using AlexNetActors.Compute;

namespace AlexNetActors.Tests.App;

/// <summary>alexnet bench on a tiny recipe: what is measured and how it adds up; never how long it took.</summary>
public sealed class BenchTests : IDisposable
{
    readonly Workshop _workshop = new();

    public void Dispose() => _workshop.Dispose();

    Alexnet.Result Bench(params string[] more) => Alexnet.Run(["bench", "--recipe", _workshop.RecipeFile, "--repetitions", "1", "--json", .. more]).Expect(0);

    [Fact]
    public void Every_layer_and_pass_of_a_step_is_there_and_the_sums_are_sums()
    {
        var result = Bench("--batch", "3");
        var passes = result.Json["passes"]!.AsArray().Select(p => p!.AsObject()).ToArray();
        var byLayer = passes.GroupBy(p => (string)p["layer"]!).ToDictionary(g => g.Key, g => string.Join(", ", g.Select(p => (string)p["pass"]!)));
        Assert.Equal(["input", "conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8"], byLayer.Keys);
        Assert.Equal("load crops", byLayer["input"]);
        Assert.Equal("forward, normalize and pool, normalize and pool backward, backward weights, descend", byLayer["conv1"]);
        Assert.Equal("forward, normalize and pool, gather, normalize and pool backward, backward input, backward weights, descend", byLayer["conv2"]);
        Assert.Equal("forward, rectifier backward, backward input, backward weights, gradient sum, descend", byLayer["conv3"]);
        Assert.Equal("forward, dropout, gather, rectifier backward, backward input, backward weights, gradient sum, descend", byLayer["fc7"]);
        Assert.Equal("forward, gather, loss gradient, backward input, backward weights, gradient sum, descend", byLayer["fc8"]);

        var device = Assert.Single(result.Json["devices"]!.AsArray())!;
        Assert.Equal(passes.Sum(p => (double)p["devices"]![0]!["ms"]!), (double)device["ms"]!, 1e-9);
        Assert.Equal(3 / (double)device["ms"]! * 1e3, (double)device["imagesPerSecond"]!, 1e-9);

        // conv4: 3 kernels of 3x3x3 on maps of 3x3 with a border of 1, of whose 27x27 taps 7x7 a channel are no padding; 3 images.
        var conv4 = passes.Single(p => (string)p["layer"]! == "conv4" && (string)p["pass"]! == "backward input");
        Assert.Equal(2e-9 * 7 * 7 * 3 * 3 * 3, (double)conv4["gflop"]!, 1e-15);
        Assert.Equal(4e-6 * (3 * 3 * 9 + 3 * 3 * 9 + 3 * 3 * 9), (double)conv4["megabytes"]!, 1e-12);
        Assert.True((double)conv4["devices"]![0]!["shareOfPeak"]! > 0);
        foreach (var p in passes)
        {
            Assert.Contains((string)p["pass"]!, result.Err); // the table
            Assert.Equal((double)p["gflop"]! > 0, p["devices"]![0]!["gflops"] is not null);
            Assert.True((double)p["devices"]![0]!["shareOfMemory"]! > 0);
        }
    }

    [Fact]
    public void Two_devices_stand_side_by_side_and_one_without_vectors_has_no_peak()
    {
        var result = Bench("--device", "reference,cpu", "--layer", "conv", "--threads", "2");
        Assert.Equal(["reference", "cpu"], result.Json["devices"]!.AsArray().Select(d => (string)d!["name"]!));
        Assert.All(result.Json["passes"]!.AsArray(), p =>
        {
            Assert.StartsWith("conv", (string)p!["layer"]!);
            var (reference, cpu) = (p["devices"]![0]!, p["devices"]![1]!);
            Assert.Equal((double)reference["ms"]! / (double)cpu["ms"]!, (double)p["gain"]!, 1e-9); // of one repetition
            Assert.Null(reference["shareOfPeak"]);
            Assert.Equal((double)p["gflop"]! > 0, cpu["shareOfPeak"] is not null);
        });
        Assert.Contains("gain", result.Err);
        Assert.Null(result.Json["devices"]![1]!["imagesPerSecond"]); // of some layers only
        Assert.Null(Bench("--device", "reference", "--layer", "fc8").Json["peakGflops"]);
    }

    [Fact]
    public void A_gpu_is_not_held_against_the_processor_and_takes_the_settings_of_one()
    {
        Assert.SkipUnless(DeviceCatalog.All.Any(d => d.Name == "opencl:0"), "there is no opencl:0 on this machine");
        var result = Bench("--device", "opencl:0", "--layer", "fc");
        Assert.All(result.Json["passes"]!.AsArray(), p => Assert.Null(p!["devices"]![0]!["shareOfMemory"]));
        Assert.Null(result.Json["peakGflops"]);
        Assert.Null(result.Json["memoryReadGBs"]);
        string[] withTensorCores = ["bench", "--recipe", _workshop.RecipeFile, "--device", "opencl:0", "--set", "compute.precision=tf32"];
        Assert.Contains("opencl:0 cannot compute in tf32", Alexnet.Run(withTensorCores).Expect(2).Err);
    }
}
