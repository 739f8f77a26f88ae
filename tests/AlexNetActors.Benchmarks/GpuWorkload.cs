using System.Text.Json;
using System.Text.Json.Nodes;
using AlexNetActors.App;
using AlexNetActors.Compute.Gpu;
using AlexNetActors.Data;
using AlexNetActors.Model;

namespace AlexNetActors.Benchmarks;

/// <summary>Steps of a run of `alexnet train` at a batch size, and those of them that do not count.</summary>
readonly record struct MeasuredSteps(int Batch, int Steps, int WarmSteps);

/// <summary>What a GPU is checked with: the paper's network at full width; or, with GPU_CHECK_SMALL=1, a small one, to try the check itself where there is no GPU.</summary>
/// <param name="RecipeName">Recipe.</param>
/// <param name="Classes">Classes of the network; the pictures have ten.</param>
/// <param name="RecordSize">Side of a picture.</param>
/// <param name="Pictures">To train on: few validations and checkpoints fall among the measured steps.</param>
/// <param name="Runs">Batch sizes, and how `alexnet train` is measured at each.</param>
/// <param name="Rounds">In which contenders alternate.</param>
/// <param name="RoundSeconds">A contender trains at least so long in a round.</param>
/// <param name="DigestSteps">Steps after which digests are compared.</param>
/// <param name="StepImages">Images of the step that is compared with the processor's.</param>
/// <param name="Step">Which batch of tests/fixtures/alexnet.py that is; of the paper's network with 2 images number 219, where no rectifier and no maximum is a close decision (full_width.py).</param>
/// <param name="Repetitions">Of each layer's passes.</param>
/// <param name="ProductSize">Side of the matrices whose product is the ceiling of arithmetic.</param>
/// <param name="CopyMegabytes">Of the copy that is the ceiling of memory.</param>
sealed record GpuWorkload(
    string RecipeName, int Classes, int RecordSize, int Pictures, IReadOnlyList<MeasuredSteps> Runs, int Rounds, double RoundSeconds,
    int DigestSteps, int StepImages, int Step, int Repetitions, int ProductSize, int CopyMegabytes)
{
    const int ValidationPictures = 128;

    static readonly GpuWorkload Full = new("paper", 1000, 256, 8192, [new(128, 60, 20), new(1024, 14, 5)], 3, 0.6, 20, 2, 219, 5, 8192, 2048);

    static readonly GpuWorkload Small = new("quickstart", 10, 40, 256, [new(4, 4, 1), new(8, 4, 1)], 2, 0.1, 3, 2, 0, 1, 256, 16);

    public static GpuWorkload Asked => Environment.GetEnvironmentVariable("GPU_CHECK_SMALL") == "1" ? Small : Full;

    public Recipe Recipe(int batch) => RecipeReader.Read(RecipeName, App.Settings.Parse([$"network.classes={Classes}"])) with { Batch = batch };

    /// <summary>`alexnet train` of this network on a device.</summary>
    public TrainRun Train(string data, string device, int batch, params string[] settings) =>
        new(data, ["--device", device, "--set", $"batch={batch}", .. settings.SelectMany(s => new[] { "--set", s })]) { Recipe = RecipeName, Classes = Classes };

    /// <summary>What is chosen of a GPU: "float32, fast convolution, cuBLAS". On tensor cores convolution is direct whatever is chosen.</summary>
    public static string Words(GpuOptions o) =>
        $"{Word(o.Precision)}, {(o.Precision == ComputePrecision.Float32 ? $"{Word(o.Convolution)} convolution, " : "")}{o.Blas switch { BlasChoice.Own => "own kernels", BlasChoice.CuBlas => "cuBLAS", _ => "cuBLAS where found" }}";

    /// <summary>The same as settings of a command.</summary>
    public static string[] Settings(GpuOptions o) => [$"compute.precision={Word(o.Precision)}", $"compute.convolution={Word(o.Convolution)}", $"compute.blas={Word(o.Blas)}"];

    public static string Word<T>(T choice) where T : struct, Enum => choice.ToString().ToLowerInvariant();

    /// <param name="args">A folder for a data set of built-in pictures, drawn at this network's size.</param>
    public static int DrawPictures(string[] args)
    {
        if (args.Length != 1) return Refuse("gpu-pictures FOLDER");
        using var data = BuiltInPictures.Create(args[0], new BuiltInSettings(Asked.Pictures, Math.Min(ValidationPictures, Asked.Pictures), Asked.RecordSize));
        Console.WriteLine($"{data.Train.Count} pictures of {data.RecordSize} pixels");
        return 0;
    }

    /// <param name="args">A file for the network as torch_alexnet.py reads it.</param>
    public static int DescribeNetwork(string[] args)
    {
        if (args.Length != 1) return Refuse("gpu-network OUT");
        var recipe = Asked.Recipe(Asked.Runs[0].Batch);
        var response = recipe.Network.Response;
        var description = new JsonObject
        {
            ["input"] = recipe.Network.InputSize,
            ["classes"] = recipe.Network.Classes,
            ["seed"] = recipe.Seed,
            ["momentum"] = recipe.Momentum,
            ["weightDecay"] = recipe.WeightDecay,
            ["response"] = new JsonObject { ["k"] = response.K, ["alpha"] = response.Alpha, ["window"] = response.Window },
            ["layers"] = new JsonArray([.. recipe.Network.Layers.Select(l => JsonSerializer.SerializeToNode(l.Spec, JsonSerializerOptions.Web))]),
        };
        File.WriteAllText(args[0], description.ToJsonString());
        return 0;
    }

    public static int Refuse(string expected)
    {
        Console.Error.WriteLine($"expected: {expected}");
        return 2;
    }
}
