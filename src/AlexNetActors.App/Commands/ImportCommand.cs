using System.CommandLine;
using System.Text.Json.Nodes;
using AlexNetActors.Actors;
using AlexNetActors.Model;

namespace AlexNetActors.App;

/// <summary>
/// alexnet import: a run that has not begun, with the weights of a PyTorch state dict in place of drawn ones. Its checkpoint is of step 0; the
/// velocities are zero. Layers that are to learn something else begin anew, drawn as a run that begins with the seed draws them.
/// </summary>
static class ImportCommand
{
    public static Command Define()
    {
        var file = new Argument<string>("FILE") { Description = "A PyTorch state dict saved as safetensors, float32, named as `alexnet export` names it." };
        var recipe = Options.Recipe(RunRequest.DefaultRecipe);
        var data = Options.Data("the built-in pictures");
        var fresh = new Option<string?>("--fresh") { Description = "Layers that begin anew instead of coming from the file, to learn other classes: --fresh fc8.", HelpName = "LAYER[,LAYER]" };
        var device = Options.Device("s that the run is to be trained on");
        var set = Options.Set();
        var json = Options.Json();
        var run = new Option<string?>("--run") { Description = "Folder of the run; runs/<time>-<recipe> when not given.", HelpName = "DIR" };
        var command = new Command("import", "Makes a run of weights from elsewhere, to evaluate, or to train on with --resume.") { file, recipe, data, run, fresh, device, set, json };
        command.SetAction(p => Import(p.GetValue(file)!, new RunRequest(p.GetValue(recipe), p.GetValue(data), p.GetValue(run), Steps: null, Epochs: null, p.GetValue(set)!), p.GetValue(fresh)?.Split(',', StringSplitOptions.TrimEntries) ?? [], p.GetValue(device), new Output(p.GetValue(json))));
        return command;
    }

    static int Import(string file, RunRequest request, string[] fresh, string? device, Output output)
    {
        if (!File.Exists(file)) throw new UsageException($"there is no file {file}: name one that `alexnet export` or PyTorch has saved as safetensors");
        var settings = Settings.Parse(request.Set);
        var devices = Devices.Parse(device ?? $"{Devices.Default},{Devices.Default}", NodeSettings.Read(settings));
        using var plan = RunPlan.Read(request, settings, earlier: null, output.Log.WriteLine);
        var towers = Read(file, plan, fresh, output.Log.WriteLine);
        var (folder, held) = request.Take(plan.Recipe.Name);
        using var ours = held;
        var start = RunStart.Begin(folder, plan);
        var manifest = plan.Manifest([.. devices.Select(d => d.Name)], Devices.KindOf(devices));
        string digest = WeightsDigest.Of(towers[0], towers[1]), checkpoint = Save(folder.Checkpoints, towers, digest, start.Progress, manifest);
        using (var metrics = MetricsLog.Open(folder.Metrics)) metrics.Checkpoint(new CheckpointWritten(0, checkpoint, digest)); // if it is lost, nobody is to start from drawn weights
        folder.Write(manifest);

        string anew = fresh.Length == 0 ? "" : $", {string.Join(" and ", fresh)} begun anew";
        output.Result.WriteLine($"{file}: {Words.Count(plan.Recipe.Network.Parameters)} parameters in {checkpoint}{anew}, weights {digest}");
        output.Result.WriteLine($"train on with `{CommandText.Of("alexnet", "train", "--run", folder.Path, "--resume")}`");
        output.Json(new JsonObject { ["run"] = folder.Path, ["checkpoint"] = checkpoint, ["parameters"] = plan.Recipe.Network.Parameters, ["weightsSha256"] = digest, ["fresh"] = new JsonArray([.. fresh.Select(l => (JsonNode)l)]) });
        return 0;
    }

    static TowerState[] Read(string file, RunPlan plan, string[] fresh, Action<string> report)
    {
        var network = plan.Recipe.Network;
        if (fresh.FirstOrDefault(f => network.Layers.All(l => l.Name != f)) is { } unknown)
            throw new UsageException($"recipe {plan.Recipe.Name} has no layer '{unknown}': --fresh takes {string.Join(", ", network.Layers.Select(l => l.Name))}");
        var whole = new WholeNetwork(network);
        var values = whole.BeginAnew(SafeTensors.Read(file), fresh, plan.Recipe.Seed);
        if (whole.Complaints(values) is { Count: > 0 } complaints)
        {
            var misfits = whole.Misfits(values);
            string remedy = misfits.Count > 0 && fresh.Length + misfits.Count < network.Layers.Count ? $"; to begin anew what does not fit: --fresh {string.Join(',', fresh.Concat(misfits))}" : "";
            throw new UsageException($"{file} does not fit recipe {plan.Recipe.Name} with {plan.Data.Classes.Count} classes: {string.Join("; ", complaints)}{remedy}");
        }
        if (values.FirstOrDefault(v => v.Name == WholeNetwork.MeanName) is { } mean)
        {
            float most = mean.Data.Zip(whole.CentreMean(plan.Data.Mean.Span, plan.Data.RecordSize).Data, (a, b) => Math.Abs(a - b)).Max();
            if (most > 0) report(FormattableString.Invariant($"the mean image of {file} is not that of {plan.Data.Path}: they differ by up to {most:0.0} of 255; the data set's is used"));
        }
        return whole.Split(values);
    }

    /// <returns>The checkpoint's folder.</returns>
    static string Save(CheckpointFolder checkpoints, TowerState[] towers, string digest, RunProgress progress, RunManifest run)
    {
        string partial = checkpoints.Begin(progress.Steps);
        string[] sha256 = [.. towers.Select(t => CheckpointFolder.WriteTower(partial, t))];
        return checkpoints.Commit(new CheckpointManifest(CheckpointManifest.CurrentFormat, progress, run.RecipeDigest, run.DataDigest, run.DeviceKind, sha256, digest));
    }
}
