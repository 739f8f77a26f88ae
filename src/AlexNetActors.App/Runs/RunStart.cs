using AlexNetActors.Model;

namespace AlexNetActors.App;

/// <summary>Where a run starts or goes on.</summary>
/// <param name="Progress">How far it has come.</param>
/// <param name="Checkpoint">Folder of the checkpoint it goes on from; null at the start.</param>
/// <param name="WeightsSha256">That checkpoint's weights.</param>
sealed record RunStart(RunProgress Progress, string? Checkpoint, string? WeightsSha256)
{
    /// <summary>Prepares a fresh folder; run.json, with which it holds a run, is the caller's to write.</summary>
    public static RunStart Begin(RunFolder folder, RunPlan plan)
    {
        folder.RequireFresh();
        folder.Write(plan.Recipe, plan.Data.Mean.Span);
        return new RunStart(RunProgress.Start(plan.Limits), null, null);
    }

    /// <summary>Finds the newest whole checkpoint of a run, and refuses to go on with another recipe, data set or kind of device.</summary>
    /// <param name="folder">The run's.</param>
    /// <param name="now">What is to go on.</param>
    /// <param name="plan">The same, with its values.</param>
    /// <param name="earlier">What the folder holds.</param>
    /// <param name="report">Told where it goes on.</param>
    public static RunStart GoOn(RunFolder folder, RunManifest now, RunPlan plan, RunManifest earlier, Action<string> report)
    {
        if (now.RecipeDigest != earlier.RecipeDigest)
        {
            var differences = RecipeText.Differences(plan.Recipe, folder.ReadRecipe(earlier, Settings.None));
            throw new UsageException($"{folder.Path} was trained with another recipe, it differs in {string.Join(", ", differences)}: resume without --recipe and --set, or name another folder with --run");
        }
        if (now.DataDigest != earlier.DataDigest)
            throw new UsageException($"{folder.Path} was trained on another data set than {plan.Data.Path} (digest {now.DataDigest[..8]}, was {earlier.DataDigest[..8]}, then in {earlier.Data}): name that one with --data, or another folder with --run");
        if (now.DeviceKind != earlier.DeviceKind)
            throw new UsageException($"{folder.Path} was trained on devices of kind {earlier.DeviceKind}, --device asks for {now.DeviceKind}, whose bits differ: resume on devices of that kind (`alexnet devices`), or name another folder with --run");
        var newest = folder.Checkpoints.NewestWhole(report, setAside: true);
        if (newest is null)
        {
            if (folder.Checkpoints.SetAside().Count > 0) throw new RunException($"no checkpoint of {folder.Path} is whole: nothing can be resumed; train into another folder with --run");
            if (folder.LostCheckpoint() is { } lost) throw new RunException($"{folder.SayLost(lost)}, or train into another folder with --run");
            folder.Write(now);
            report($"{folder.Path} has no checkpoint yet: it starts from step 0");
            return new RunStart(RunProgress.Start(plan.Limits), null, null);
        }
        var (manifest, _, checkpoint) = newest.Value;
        if (manifest.RecipeDigest != earlier.RecipeDigest || manifest.DataDigest != earlier.DataDigest || manifest.DeviceKind != earlier.DeviceKind)
            throw new RunException($"{checkpoint} is of another run than {folder.Path}: move it away, or name another folder with --run");
        if (manifest.Progress.Steps > now.StepsMax)
            throw new UsageException($"{folder.Path} is after step {manifest.Progress.Steps} already and cannot stop after step {now.StepsMax}: resume with more of --steps or --epochs");
        folder.Write(now);
        report($"resumes after step {manifest.Progress.Steps} from {checkpoint}, weights {manifest.WeightsSha256[..16]}...");
        return new RunStart(manifest.Progress, checkpoint, manifest.WeightsSha256);
    }
}
