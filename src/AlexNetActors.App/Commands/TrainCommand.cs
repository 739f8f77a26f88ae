using System.CommandLine;
using System.Text.Json.Nodes;
using AlexNetActors.Actors;
using AlexNetActors.Data;
using AlexNetActors.Model;

namespace AlexNetActors.App;

/// <summary>alexnet train: reads everything once into typed settings, opens or makes the run folder, and hands over to the actors.</summary>
sealed class TrainCommand
{
    public static Command Define()
    {
        var recipe = Options.Recipe($"{RunRequest.DefaultRecipe}, or the resumed run's,");
        var data = Options.Data("the built-in pictures, or the resumed run's,");
        var device = Options.Device("s of tower A and B, or one for both", otherwise: $"{Devices.Default}, or the resumed run's,");
        var set = Options.Set();
        var json = Options.Json();
        var run = new Option<string?>("--run") { Description = "Folder of the run; runs/<time>-<recipe> when not given.", HelpName = "DIR" };
        var steps = new Option<long?>("--steps") { Description = "Stop after so many steps of the run.", HelpName = "N" };
        var epochs = new Option<long?>("--epochs") { Description = "Stop after so many epochs of the run.", HelpName = "N" };
        var resume = new Option<bool>("--resume") { Description = "Go on with the run of --run, or the newest in runs, at the exact step of its newest whole checkpoint." };
        var fault = Options.Fault();
        var dashboard = Options.Dashboard();
        var tensorBoard = Options.TensorBoard();
        var otlp = Options.Otlp();
        var showConfig = new Option<bool>("--show-config") { Description = "Print the resolved recipe and do nothing." };
        var command = new Command("train", "Trains a network; with no argument, a small one on the built-in pictures.") { recipe, data, run, device, steps, epochs, resume, set, dashboard, tensorBoard, otlp, showConfig, json, fault };
        command.SetAction(p => new TrainCommand(new Output(p.GetValue(json))).Train(
            new RunRequest(p.GetValue(recipe), p.GetValue(data), p.GetValue(run), p.GetValue(steps), p.GetValue(epochs), p.GetValue(set)!), p.GetValue(device), p.GetValue(resume), p.GetValue(showConfig), p.GetValue(dashboard), SinkOptions.Parse(p.GetValue(tensorBoard), p.GetValue(otlp)), FaultOptions.ForItself(p.GetValue(fault)!)));
        return command;
    }

    readonly Output _output;

    TrainCommand(Output output) => _output = output;

    int Train(RunRequest request, string? device, bool resume, bool showConfig, string? page, SinkOptions sinks, FaultPoints? faults)
    {
        request.Check();
        if (resume && request.Run is null) request = request with { Run = RunRequest.Newest() ?? throw new UsageException("--resume goes on with the newest run in runs, and there is none: name the folder of a run with --run") };
        var earlier = resume ? Earlier(request.Run!) : null;
        var settings = Settings.Parse(request.Set);
        var node = NodeSettings.Read(settings);
        var devices = Devices.Parse(device ?? (earlier is null ? $"{Devices.Default},{Devices.Default}" : string.Join(',', earlier.Devices)), node);
        using var plan = RunPlan.Read(request, settings, earlier, _output.Log.WriteLine);
        Devices.RequireRoom(devices, plan.Recipe);
        if (showConfig)
        {
            ShowConfig(plan.Recipe, node, _output);
            return 0;
        }
        using var dashboard = DashboardServer.StartIfAsked(page, _output);
        var (folder, held) = request.Take(plan.Recipe.Name);
        using var ours = held;
        Devices.StartWarmUp(devices, plan.Recipe.Network);
        var manifest = plan.Manifest([.. devices.Select(d => d.Name)], Devices.KindOf(devices));
        RunStart start;
        if (earlier is null)
        {
            start = RunStart.Begin(folder, plan);
            folder.Write(manifest);
        }
        else
            start = RunStart.GoOn(folder, manifest, plan, earlier, _output.Log.WriteLine);
        string commandToGoOn = CommandText.Of(["alexnet", "train", "--run", folder.Path, "--resume", .. Settings.NotKept(request.Set).SelectMany(s => new[] { "--set", s })]);
        return Run(folder, plan, devices, node, manifest, start, dashboard?.Board, sinks, faults, commandToGoOn);
    }

    /// <summary>The run to go on with.</summary>
    static RunManifest Earlier(string path)
    {
        var folder = new RunFolder(path);
        return folder.HoldsRun ? folder.ReadManifest() : throw new UsageException($"{path} holds no run to resume: train without --resume to start one there");
    }

    static void ShowConfig(Recipe recipe, NodeSettings node, Output output)
    {
        (string Path, string Value)[] ofNode = [.. Hocon.Leaves(node.Akka).Where(l => !l.Path.StartsWith("akka.", StringComparison.Ordinal)).OrderBy(l => l.Path, StringComparer.Ordinal)];
        output.Result.Write(RecipeText.Of(recipe));
        foreach (var (key, value) in ofNode) output.Result.WriteLine($"# {key} = {value}");
        output.Json(new JsonObject([.. RecipeText.Lines(recipe).Concat(ofNode).Select(l => KeyValuePair.Create(l.Item1, (JsonNode?)l.Item2))]));
    }

    int Run(RunFolder folder, RunPlan plan, IReadOnlyList<DeviceFactory> devices, NodeSettings node, RunManifest manifest, RunStart start, Board? board, SinkOptions sinks, FaultPoints? faults, string commandToGoOn)
    {
        using var record = RunRecord.Open(folder, plan, start, _output, board, sinks, group: false);
        plan.Introduce(_output.Log);
        _output.Log.WriteLine($"towers on {string.Join(" and ", devices.Select(d => d.Name))}, {Words.Threads(node.ThreadsOf(devices.Count))} each; run folder {folder.Path}");
        foreach (var gpu in devices.Where(d => d.MemoryBytes is not null).DistinctBy(d => d.Name)) _output.Log.WriteLine($"{gpu.Name} is {gpu.Description}");
        var recipe = plan.Recipe;
        var run = node.RunOf(plan, folder, start, manifest.DeviceKind, cluster: false);
        var means = new NodeMeans(ProgramVersion.Text, "this process", Recipe: null, plan.Data.Path, new DataOffer(plan.Data.Digest, plan.Data.Train.Count),
            OfferedDevice.ByTower(devices), node.Loaders, node.BatchDeadline, _ => recipe, Tensors: null, new SnapshotShelf());
        return record.Report(TrainingRun.Execute(run, means with { Faults = faults }, node, record.Journal, record.View, board, commandToGoOn));
    }
}
