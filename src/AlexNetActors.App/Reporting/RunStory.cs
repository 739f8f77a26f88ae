using System.Text.Json.Nodes;
using AlexNetActors.Actors;
using AlexNetActors.Model;

namespace AlexNetActors.App;

/// <summary>What a run folder tells of its run; what it does not tell is null or empty.</summary>
/// <param name="Folder">Of the run.</param>
/// <param name="Manifest">Its identity.</param>
/// <param name="Recipe">As HOCON, every key.</param>
/// <param name="Network">Of the recipe.</param>
/// <param name="Curves">Of training and validation.</param>
/// <param name="Steps">The last step that has a line.</param>
/// <param name="Checkpoint">Of the newest checkpoint that has a line: steps and digest of its weights.</param>
/// <param name="Summary">Of a run that has come to its end.</param>
/// <param name="Events">What happened, of events.jsonl.</param>
/// <param name="Kernels">The first layer's, of the newest checkpoint that is there.</param>
sealed record RunStory(
    string Folder, RunManifest Manifest, string Recipe, Network Network, Curves Curves, long Steps, (long Steps, string WeightsSha256)? Checkpoint, JsonObject? Summary,
    IReadOnlyList<JsonObject> Events, KernelPictures? Kernels)
{
    /// <exception cref="RunException">A file of the run is damaged.</exception>
    public static RunStory Read(RunFolder folder)
    {
        var manifest = folder.ReadManifest();
        var recipe = folder.ReadRecipe(manifest, Settings.None);
        var story = new RunStory(folder.Path, manifest, folder.ReadRecipeText(), recipe.Network, new Curves(), 0, null, null, folder.ReadEvents(), KernelsOf(folder, recipe.Network));
        using var metrics = folder.OpenMetrics();
        return metrics is null ? story : MetricsLine.Read(metrics).Where(l => l.Json is not null).Aggregate(story, (s, line) => s.After(line, recipe.Batch));
    }

    RunStory After(MetricsLine line, int batch) => line.Kind switch
    {
        "step" => this with { Steps = line.Step, Summary = null, Curves = RunHistory.After(Curves, line, batch) },
        "validation" when ValidationLine.Read(line.Json!) is { } v => this with { Curves = Curves.After(v.Told), Validations = Validations + 1, Best = v.Best ? v.Told : Best },
        "checkpoint" when (string?)line.Json!["weightsSha256"] is { } sha256 => this with { Checkpoint = (line.Step, sha256) },
        "summary" => this with { Summary = line.Json },
        _ => this,
    };

    static KernelPictures? KernelsOf(RunFolder folder, Network network)
    {
        foreach (var (steps, checkpoint) in folder.Checkpoints.List())
            try
            {
                return KernelPictures.Read(checkpoint, steps, network.Layers[0].Name);
            }
            catch (CheckpointException)
            {
                // Damaged: the one before it has kernels, too; `alexnet verify` names it.
            }
        return null;
    }

    /// <summary>How many there were: the curves keep a part of so many.</summary>
    public long Validations { get; private init; }

    /// <summary>The validation with the lowest top-1 error.</summary>
    public ValidationCompleted? Best { get; private init; }

    /// <summary>Each group that ended, when, why, and what it took to go on.</summary>
    public IEnumerable<(DateTime At, string Why, long? BackTo, double? Seconds)> Recoveries => Events.Index().Where(e => (string?)e.Item["event"] == "broken").Select(broken =>
    {
        var then = Events.Skip(broken.Index + 1).TakeWhile(e => (string?)e["event"] is not ("broken" or "opened")).ToList();
        JsonObject? First(string kind) => then.FirstOrDefault(e => (string?)e["event"] == kind);
        return (TimeOf(broken.Item), (string?)broken.Item["why"] ?? "", (long?)First("started")?["step"], First("step") is { } step ? (TimeOf(step) - TimeOf(broken.Item)).TotalSeconds : (double?)null);
    });

    /// <summary>Each process that trained into the folder.</summary>
    public IEnumerable<JsonObject> Openings => Events.Where(e => (string?)e["event"] == "opened");

    public static DateTime TimeOf(JsonObject e) => DateTime.UnixEpoch.AddMilliseconds((double)e["time"]!);
}
