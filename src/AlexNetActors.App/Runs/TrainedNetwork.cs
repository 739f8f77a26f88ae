using AlexNetActors.Compute;
using AlexNetActors.Model;

namespace AlexNetActors.App;

/// <summary>A checkpoint with all that is needed to use it: what RUN|CHECKPOINT names on the command line.</summary>
/// <param name="Folder">The checkpoint's folder.</param>
/// <param name="Choice">Why this one, in words: "the best of runs/x".</param>
/// <param name="Run">The run it belongs to.</param>
/// <param name="Manifest">The run's.</param>
/// <param name="Checkpoint">The checkpoint's.</param>
/// <param name="Towers">Its weights.</param>
sealed record TrainedNetwork(string Folder, string Choice, RunFolder Run, RunManifest Manifest, CheckpointManifest Checkpoint, TowerState[] Towers)
{
    /// <summary>Ready to look at pictures.</summary>
    /// <param name="recipe">Its run's.</param>
    /// <param name="device">Computes; the caller keeps ownership.</param>
    public Classifier On(Recipe recipe, IDevice device) => new(recipe.Network, Towers, Manifest.ReadMean(Run.Path), device, recipe.Batch);

    /// <param name="runOrCheckpoint">A run folder means one of its checkpoints: the best when asked for and recorded, else the newest whole one.</param>
    /// <param name="best">Whether the best is asked for.</param>
    /// <param name="report">Told of damaged checkpoints that are passed over.</param>
    /// <exception cref="UsageException">It is neither a run nor a checkpoint of one.</exception>
    /// <exception cref="RunException">The run has no whole checkpoint.</exception>
    /// <exception cref="CheckpointException">The checkpoint is damaged.</exception>
    public static TrainedNetwork Open(string runOrCheckpoint, bool best, Action<string> report)
    {
        if (!Directory.Exists(runOrCheckpoint)) throw new UsageException($"there is no folder {runOrCheckpoint}: name a run folder or one of its checkpoints");
        var run = RunFolder.Of(runOrCheckpoint) ?? throw new UsageException($"{runOrCheckpoint} is no run folder and no checkpoint of one (there is no run.json): name a folder made by `alexnet train`");
        var manifest = run.ReadManifest();
        if (!new RunFolder(runOrCheckpoint).HoldsRun)
        {
            var (named, towers) = CheckpointFolder.Load(runOrCheckpoint);
            return new TrainedNetwork(runOrCheckpoint, "as named", run, manifest, named, towers);
        }
        var (found, weights, folder) = (best ? run.Checkpoints.BestWhole(report) : run.Checkpoints.NewestWhole(report))
            ?? throw new RunException(run.LostCheckpoint() is { } lost ? run.SayLost(lost) : $"{run.Path} has no whole checkpoint yet: train on with --resume");
        return new TrainedNetwork(folder, $"{(found.Progress.Steps == found.Progress.BestSteps ? "the best" : "the newest")} of {run.Path}", run, manifest, found, weights);
    }
}
