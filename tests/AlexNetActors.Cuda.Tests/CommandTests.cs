using AlexNetActors.Cuda.Tests.Driver;
using AlexNetActors.Data;
using AlexNetActors.Tests.App;

namespace AlexNetActors.Cuda.Tests;

/// <summary>The program as a user runs it, on the modelled driver.</summary>
public sealed class CommandTests : CudaTest, IDisposable
{
    const int Steps = 3;

    readonly string _folder = Directory.CreateTempSubdirectory("alexnet-cuda-run-").FullName;

    public CommandTests()
    {
        Environment.SetEnvironmentVariable("DOTNET_STARTUP_HOOKS", typeof(StartupHook).Assembly.Location); // of the processes that are started
        BuiltInPictures.Create(In("data"), new BuiltInSettings(Training: 20, Validation: 7, RecordSize: 16)).Dispose();
        File.WriteAllText(In("tiny.conf"), """
            base = robust
            batch = 8
            network {
              input = 12
              layers = [conv1, conv2, fc6, fc8]
              conv1 { kernels = 16, size = 3, stride = 2, pad = 1, deviation = 0.02, pool = off }
              conv2 { kernels = 32, size = 3, pad = 1, sees-both = on, deviation = 0.2 }
              fc6 { kernels = 8, deviation = 0.2 }
              fc8 { deviation = 0.2 }
            }
            checkpoint-steps = 1
            """);
    }

    public new void Dispose()
    {
        Environment.SetEnvironmentVariable(StartupHook.Variable, null);
        Directory.Delete(_folder, recursive: true);
        base.Dispose();
    }

    string In(string name) => Path.Combine(_folder, name);

    /// <param name="run">Its folder; one that is there is gone on with.</param>
    /// <param name="device">One GPU or two.</param>
    /// <param name="steps">When it ends.</param>
    /// <param name="cuda">How the driver is: <see cref="StartupHook.Variable"/>.</param>
    Alexnet.Result Train(string run, string device, int steps, string cuda = "0")
    {
        Environment.SetEnvironmentVariable(StartupHook.Variable, cuda);
        string[] begin = Directory.Exists(In(run)) ? ["--resume"] : ["--recipe", In("tiny.conf"), "--data", In("data")];
        var result = Alexnet.Run(["train", "--run", In(run), "--device", device, "--steps", $"{steps}", "--json", .. begin]);
        Assert.DoesNotContain(StartupHook.Fault, result.Err);
        return result;
    }

    [Fact]
    public void DevicesListsTheGpusAndTheirCuBlas()
    {
        var result = Alexnet.Run("devices", "--json").Expect(0);
        var cuda = result.Json["devices"]!.AsArray().Single(d => (string)d!["name"]! == "cuda:1")!;
        Assert.True((bool)cuda["usable"]!);
        Assert.Equal("cuda-sm_90-fast-cublas13.0.0x4", (string)cuda["kind"]!);
        Assert.Contains("modelled GPU 1, 1.0 GiB, compute capability 9.0, driver for CUDA 12.8, cuBLAS 13.0.0", (string)cuda["description"]!);
    }

    [Fact]
    public void OneGpuAndTwoEndInTheSameBitsAlsoFromACheckpointOfTheOther()
    {
        string expected = Train("one", "cuda:0", Steps).Expect(0).Digest;
        Assert.Equal(expected, Train("two", "cuda:0,cuda:1", Steps, cuda: "5").Expect(0).Digest);
        Train("first one, then two", "cuda:1", 1, cuda: "1").Expect(0);
        Assert.Equal(expected, Train("first one, then two", "cuda:1,cuda:0", Steps, cuda: "2").Expect(0).Digest);
        var evaluated = Alexnet.Run("evaluate", In("two"), "--device", "cuda:1", "--json").Expect(0);
        Assert.Equal(expected, evaluated.Digest);
        Assert.Equal(7, (int)evaluated.Json["images"]!);
    }

    [Fact]
    public void ALostGpuIsSaidInALineAndTheRunGoesOnFromItsCheckpoint()
    {
        const int WorkOfTwoSteps = 500; // it is lost in the second or third
        var lost = Train("run", "cuda:0,cuda:1", Steps, cuda: $"0,{WorkOfTwoSteps}").Expect(1);
        Assert.Matches("tower [AB] on cuda:[01], .* has failed and is lost to this process: an illegal memory access was encountered; go on from the last checkpoint with --resume", lost.Err.TrimEnd().Split('\n')[^1]);
        Assert.Equal(Train("undisturbed", "cuda:0", Steps).Expect(0).Digest, Train("run", "cuda:0", Steps).Expect(0).Digest);
    }
}
