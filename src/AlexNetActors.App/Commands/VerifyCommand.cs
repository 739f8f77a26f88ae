using System.CommandLine;
using System.Text.Json.Nodes;
using AlexNetActors.Data;
using AlexNetActors.Model;

namespace AlexNetActors.App;

/// <summary>
/// alexnet verify: reads a run's files whole, checks every hash, and adds its ledger up. Says of each checkpoint whether it is whole, or what is damaged
/// in which file and which checkpoint is used instead. Changes nothing.
/// </summary>
sealed class VerifyCommand
{
    const int FaultsShown = 20;

    public static Command Define()
    {
        var of = new Argument<string>("RUN|CHECKPOINT") { Description = "A run folder (all of it) or one of its checkpoints." };
        var json = Options.Json();
        var command = new Command("verify", "Reads a run whole: is every checkpoint undamaged, was every sample used once an epoch? Exit code 1 when something is damaged.") { of, json };
        command.SetAction(p => new VerifyCommand(new Output(p.GetValue(json))).Verify(p.GetValue(of)!));
        return command;
    }

    readonly Output _output;
    bool _damaged;

    VerifyCommand(Output output) => _output = output;

    int Verify(string path)
    {
        if (!Directory.Exists(path)) throw new UsageException($"there is no folder {path}: name a run folder or one of its checkpoints");
        var run = new RunFolder(path);
        var report = run.HoldsRun || Directory.Exists(run.Checkpoints.Path) ? OfRun(run)
            : CheckpointFolder.LooksLikeOne(path) ? OfCheckpoint(path)
            : throw new UsageException($"{path} is no run folder and no checkpoint: name a folder made by `alexnet train`");
        report["whole"] = !_damaged;
        _output.Json(report);
        return _damaged ? 1 : 0;
    }

    JsonObject OfCheckpoint(string path)
    {
        var of = RunFolder.Of(path);
        var manifest = of is null ? null : ReadManifest(of);
        var report = new JsonObject { ["checkpoint"] = path };
        var before = of?.Checkpoints.List().SkipWhile(c => Path.GetFullPath(c.Folder) != Path.TrimEndingDirectorySeparator(Path.GetFullPath(path))).Skip(1) ?? [];
        Check(path, CheckpointFolder.Damage(path), manifest, () => before.Select(c => c.Folder).FirstOrDefault(f => CheckpointFolder.Damage(f).Count == 0), report);
        return report;
    }

    JsonObject OfRun(RunFolder run)
    {
        var manifest = ReadManifest(run);
        var recipe = manifest is null ? null : Try(() => run.ReadRecipe(manifest, Settings.None));
        if (manifest is not null) Try(() => manifest.ReadMean(run.Path));
        var checkpoints = new JsonArray();
        var whole = new List<(long Steps, Ledger Ledger)>();
        var listed = run.Checkpoints.List();
        // Oldest first, so that what is used instead of a damaged one is known.
        string? newest = null;
        foreach (var (steps, folder) in listed.Reverse())
        {
            var report = new JsonObject { ["checkpoint"] = folder, ["step"] = steps };
            var damage = CheckpointFolder.Damage(folder);
            if (!Directory.Exists(folder)) continue; // newer ones have replaced it meanwhile: the run goes on
            if (Check(folder, damage, manifest, () => newest, report) is { } found)
            {
                whole.Add((steps, found.Progress.Ledger));
                newest = folder;
            }
            checkpoints.Add(report);
        }
        if (run.LostCheckpoint() is { } lost) Say(run.SayLost(lost));
        else if (listed.Count == 0) _output.Result.WriteLine($"{run.Path} has no checkpoint yet");
        foreach (var (_, folder) in run.Checkpoints.SetAside()) _output.Log.WriteLine($"{folder} was found damaged earlier and set aside");
        return new JsonObject { ["run"] = run.Path, ["checkpoints"] = checkpoints, ["ledger"] = recipe is null ? null : Audit(run, manifest!, recipe, whole) };
    }

    /// <param name="folder">The checkpoint.</param>
    /// <param name="found">What its files show.</param>
    /// <param name="run">The run that it ought to be of, if that is known.</param>
    /// <param name="wholeBefore">The newest whole one before it.</param>
    /// <param name="report">Gets what is found.</param>
    /// <returns>The manifest of one that is whole.</returns>
    CheckpointManifest? Check(string folder, IReadOnlyList<string> found, RunManifest? run, Func<string?> wholeBefore, JsonObject report)
    {
        var damage = found.ToList();
        var manifest = damage.Count == 0 ? CheckpointManifest.Read(folder) : null;
        if (manifest is not null && run is not null && (manifest.RecipeDigest, manifest.DataDigest, manifest.DeviceKind) != (run.RecipeDigest, run.DataDigest, run.DeviceKind))
            damage.Add($"{folder} is of another run: its recipe, data set or kind of device is not the one in run.json");
        report["whole"] = damage.Count == 0;
        report["weightsSha256"] = manifest?.WeightsSha256;
        if (damage.Count == 0)
        {
            _output.Result.WriteLine($"{folder}: whole, weights {manifest!.WeightsSha256}");
            return manifest;
        }
        string? instead = wholeBefore();
        foreach (string line in damage) Say(line);
        Say($"{folder}: damaged, {(instead is null ? "no whole checkpoint is before it" : $"{instead} is used instead")}");
        report["damage"] = new JsonArray([.. damage.Select(d => JsonValue.Create(d))]);
        report["usedInstead"] = instead;
        return null;
    }

    JsonObject Audit(RunFolder run, RunManifest manifest, Recipe recipe, IReadOnlyList<(long, Ledger)> checkpoints)
    {
        var audit = LedgerAudit.Of(run.Metrics, new BatchPlan(recipe.Seed, manifest.Records, recipe.Batch), checkpoints);
        foreach (string note in audit.Notes) _output.Log.WriteLine($"{run.Metrics}: {note}");
        foreach (string fault in audit.Faults.Take(FaultsShown)) Say($"{run.Metrics}: {fault}");
        if (audit.Faults.Count > FaultsShown) Say($"{run.Metrics}: and {audit.Faults.Count - FaultsShown} more");
        string extent = $"{Words.Count(audit.Steps, "step")}, {Words.Count(audit.Epochs, "whole epoch")} of {Words.Count(audit.Records, "record")}";
        _output.Result.WriteLine(audit.Faults.Count == 0 ? $"ledger: {extent}: every record once in each, and every step on its own batch" : $"ledger: {extent}: not every record once in each");
        return new JsonObject
        {
            ["steps"] = audit.Steps,
            ["epochs"] = audit.Epochs,
            ["records"] = audit.Records,
            ["whole"] = audit.Faults.Count == 0,
            ["faults"] = new JsonArray([.. audit.Faults.Select(f => JsonValue.Create(f))]),
            ["notes"] = new JsonArray([.. audit.Notes.Select(n => JsonValue.Create(n))]),
        };
    }

    RunManifest? ReadManifest(RunFolder run) => Try(run.ReadManifest);

    T? Try<T>(Func<T> read) where T : class
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is RunException or CheckpointException or UsageException or RecipeException)
        {
            Say(Hocon.OneLine(e.Message));
            return null;
        }
    }

    void Say(string damage)
    {
        _damaged = true;
        _output.Result.WriteLine(damage);
    }
}
