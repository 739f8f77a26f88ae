using System.Text.Json;

namespace AlexNetActors.Benchmarks;

/// <summary>The metrics.jsonl of a run that still writes it.</summary>
static class MetricsFile
{
    /// <param name="folder">Of the run.</param>
    public static string[] WholeLines(string folder)
    {
        string file = Path.Combine(folder, "metrics.jsonl");
        if (!File.Exists(file)) return [];
        string whole = ReadShared(file);
        return whole[..(whole.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    public static bool IsStep(string line) => line.Contains("\"kind\":\"step\"", StringComparison.Ordinal);

    /// <summary>Those of the lines' steps that follow another step: the time of one that follows a pause, a validation or a checkpoint has that in it.</summary>
    public static JsonElement[] StepsAfterSteps(string[] lines) =>
        [.. lines.Zip(lines.Skip(1)).Where(pair => IsStep(pair.First) && IsStep(pair.Second)).Select(pair => JsonDocument.Parse(pair.Second).RootElement)];

    /// <param name="folder">Of the run.</param>
    public static JsonElement[] Steps(string folder) => [.. WholeLines(folder).Where(IsStep).Select(l => JsonDocument.Parse(l).RootElement)];

    /// <summary>A file that somebody else may be writing.</summary>
    public static string ReadShared(string file)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        return new StreamReader(stream).ReadToEnd();
    }
}
