using System.Text.Json;
using AlexNetActors.App;

namespace AlexNetActors.Benchmarks;

/// <summary>The built `alexnet` program as a contender: the full network with 1,000 classes on real pictures from packs.</summary>
static class Ours
{
    public static readonly IReadOnlyDictionary<string, string> AsBuilt = new Dictionary<string, string>();

    /// <summary>The runtime's own switch: nothing in the process uses AVX-512.</summary>
    public static readonly IReadOnlyDictionary<string, string> Avx2 = new Dictionary<string, string> { ["DOTNET_EnableAVX512"] = "0" };

    /// <summary>Steps of a measured run, and those of them that do not count: until then batches lie prepared that were read during the start.</summary>
    public const int Steps = 12, WarmSteps = 5;

    /// <summary>Images a second in training: the median of the steady steps.</summary>
    public static Sample Train(string data, IReadOnlyDictionary<string, string> environment)
    {
        using var run = new TrainRun(data);
        var process = run.Train(Steps, environment);
        return new Sample(Median.Of(run.Steps().Skip(WarmSteps).Select(s => s.ImagesPerSecond)), process.PeakMebibytes);
    }

    /// <summary>Images a second of evaluating the centre views after the first batch, reading them included.</summary>
    public static Sample Evaluate(TrainRun trained)
    {
        var process = Alexnet(["evaluate", trained.Folder, "--json"], AsBuilt);
        return new Sample(Json(process).GetProperty("steadyImagesPerSecond").GetDouble(), process.PeakMebibytes);
    }

    /// <summary>What it computes with: "Vector512".</summary>
    public static string Vectors(IReadOnlyDictionary<string, string> environment) =>
        Json(Alexnet(["bench", "--layer", "fc8", "--batch", "32", "--repetitions", "1", "--json"], environment)).GetProperty("vectors").GetString()!;

    public static MeasuredProcess Alexnet(IEnumerable<string> arguments, IReadOnlyDictionary<string, string> environment, Action<int>? sample = null) =>
        MeasuredProcess.Run(Path.Combine(AppContext.BaseDirectory, "alexnet"), AppContext.BaseDirectory, arguments, environment, sample);

    /// <summary>What a command run with --json tells at its end.</summary>
    public static JsonElement Json(MeasuredProcess process) => JsonDocument.Parse(process.Output.TrimEnd().Split('\n')[^1]).RootElement;
}
