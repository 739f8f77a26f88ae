using System.Diagnostics;
using System.Text.Json;

namespace AlexNetActors.Benchmarks;

/// <summary>`alexnet train` in a temporary folder that goes with it; of recipe paper with 1,000 classes unless another is named.</summary>
/// <param name="data">The data set.</param>
/// <param name="more">Further arguments.</param>
sealed class TrainRun(string data, params string[] more) : IDisposable
{
    readonly string _parent = Directory.CreateTempSubdirectory("alexnet-benchmark-").FullName;
    Process? _process;

    public string Folder => Path.Combine(_parent, "run");

    public string Recipe { get; init; } = "paper";

    public int Classes { get; init; } = 1000;

    public MeasuredProcess Train(int steps, IReadOnlyDictionary<string, string> environment, Action<int>? sample = null) =>
        Ours.Alexnet([.. Arguments(steps), "--json"], environment, sample);

    /// <summary>Of the process that was started and not waited for.</summary>
    public int ProcessId => _process!.Id;

    /// <summary>Does not wait for its end.</summary>
    /// <returns>The file where it says what happens.</returns>
    public string Start(int steps)
    {
        string log = Path.Combine(_parent, "log");
        _process = LoggedProcess.Start(log, [Path.Combine(AppContext.BaseDirectory, "alexnet"), .. Arguments(steps)]);
        return log;
    }

    string[] Arguments(int steps) => ["train", "--recipe", Recipe, "--set", $"network.classes={Classes}", "--data", data, "--run", Folder, "--steps", $"{steps}", .. more];

    /// <summary>The steps that its metrics tell of so far.</summary>
    public IReadOnlyList<MeasuredStep> Steps()
    {
        string file = Path.Combine(Folder, "metrics.jsonl");
        if (!File.Exists(file)) return [];
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        string whole = new StreamReader(stream).ReadToEnd();
        return [.. whole[..(whole.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonDocument.Parse(line).RootElement)
            .Where(line => line.GetProperty("kind").GetString() == "step")
            .Select(line => new MeasuredStep(
                line.GetProperty("imagesPerSecond").GetDouble(),
                line.GetProperty("towers").EnumerateArray().Max(t => t.GetProperty("computeMs").GetDouble() + t.GetProperty("exchangeMs").GetDouble()) / 1000))];
    }

    public void Dispose()
    {
        if (_process is { HasExited: false }) _process.Kill(entireProcessTree: true);
        _process?.WaitForExit();
        _process?.Dispose();
        Directory.Delete(_parent, recursive: true);
    }
}

/// <param name="ImagesPerSecond">Over the time from the end of the step before.</param>
/// <param name="Seconds">From where the towers had their batch to the end.</param>
readonly record struct MeasuredStep(double ImagesPerSecond, double Seconds);
