using AlexNetActors.Tests.App;

namespace AlexNetActors.Cuda.Tests;

/// <summary>The program as a user runs it, on the modelled driver.</summary>
public sealed class CommandTests : CudaTest
{
    public CommandTests() => Environment.SetEnvironmentVariable("DOTNET_STARTUP_HOOKS", typeof(StartupHook).Assembly.Location); // of the processes that are started

    [Fact]
    public void DevicesListsTheGpusAndTheirCuBlas()
    {
        var result = Alexnet.Run("devices", "--json").Expect(0);
        var cuda = result.Json["devices"]!.AsArray().Single(d => (string)d!["name"]! == "cuda:1")!;
        Assert.True((bool)cuda["usable"]!);
        Assert.Equal("cuda-sm_90-fast-cublas13.0.0x4", (string)cuda["kind"]!);
        Assert.Contains("modelled GPU 1, 1.0 GiB, compute capability 9.0, driver for CUDA 12.8, cuBLAS 13.0.0", (string)cuda["description"]!);
    }
}
