using System.CommandLine;
using AlexNetActors.Actors;
using AlexNetActors.Data;
using AlexNetActors.Model;

namespace AlexNetActors.App;

/// <summary>alexnet train: reads everything once into typed settings, opens or makes the run folder, and hands over to the actors.</summary>
sealed class TrainCommand
{
    const string DefaultRecipe = "quickstart";

    /// <summary>The command line as typed.</summary>
    sealed record Request(string? Recipe, string? Data, string? Run, string? Device, long? Steps, long? Epochs, bool Resume, string[] Set, bool ShowConfig);

    public static Command Define()
    {
        var recipe = Options.Recipe();
        var data = Options.Data();
        var device = Options.Device("s of tower A and B, or one for both");
        var set = Options.Set();
        var json = Options.Json();
        var run = new Option<string?>("--run") { Description = "Folder of the run; runs/<time>-<recipe> when not given.", HelpName = "DIR" };
        var steps = new Option<long?>("--steps") { Description = "Stop after so many steps of the run.", HelpName = "N" };
        var epochs = new Option<long?>("--epochs") { Description = "Stop after so many epochs of the run.", HelpName = "N" };
        var resume = new Option<bool>("--resume") { Description = "Go on with the run of --run at the exact step of its newest whole checkpoint." };
        var showConfig = new Option<bool>("--show-config") { Description = "Print the resolved recipe and do nothing." };
        var command = new Command("train", "Trains a network; with no argument, a small one on the built-in pictures.") { recipe, data, run, device, steps, epochs, resume, set, showConfig, json };
        command.SetAction(p => new TrainCommand(new Output(p.GetValue(json))).Train(new Request(
            p.GetValue(recipe), p.GetValue(data), p.GetValue(run), p.GetValue(device), p.GetValue(steps), p.GetValue(epochs), p.GetValue(resume), p.GetValue(set)!, p.GetValue(showConfig))));
        return command;
    }

    readonly Output _output;

    TrainCommand(Output output) => _output = output;

    /// <summary>What a run is made from, all checked.</summary>
    sealed record Plan(Recipe Recipe, DataFolder Data, IReadOnlyList<DeviceFactory> Devices, NodeSettings Node, RunLimits Limits, GroupShape Shape)
    {
        public RunManifest Manifest => new(RunManifest.CurrentFormat, Recipe.Name, RecipeText.Digest(Recipe), Path.GetFullPath(Data.Path), Data.Digest, Data.RecordSize,
            [.. Data.Classes], [.. Devices.Select(d => d.Name)], App.Devices.KindOf(Devices), Limits.StepsMax);
    }

    int Train(Request request)
    {
        if (request is { Steps: < 1 } or { Epochs: < 1 }) throw new UsageException("--steps and --epochs are at least 1");
        if (request is { Steps: not null, Epochs: not null }) throw new UsageException("--steps and --epochs both say when to stop: give one of them");
        if (request is { Resume: true, Run: null }) throw new UsageException("--resume needs --run DIR: name the folder of the run to go on with");
        var earlier = request.Resume ? Earlier(request.Run!) : null;
        var plan = Read(request, earlier);
        using var data = plan.Data;
        if (request.ShowConfig)
        {
            ShowConfig(plan);
            return 0;
        }
        var folder = new RunFolder(request.Run ?? Path.Combine("runs", $"{DateTime.Now:yyyyMMdd-HHmmss}-{plan.Recipe.Name}"));
        using var ours = folder.Lock();
        Devices.StartWarmUp(plan.Devices, plan.Recipe.Network);
        var start = earlier is null ? Begin(folder, plan) : GoOn(folder, plan, earlier);
        return Run(folder, plan, start);
    }

    /// <summary>The run to go on with.</summary>
    static RunManifest Earlier(string path)
    {
        var folder = new RunFolder(path);
        return folder.HoldsRun ? folder.ReadManifest() : throw new UsageException($"{path} holds no run to resume: train without --resume to start one there");
    }

    Plan Read(Request request, RunManifest? earlier)
    {
        var settings = Settings.Parse(request.Set);
        var node = NodeSettings.Read(settings);
        var devices = Devices.Parse(request.Device ?? (earlier is null ? $"{Devices.Default},{Devices.Default}" : string.Join(',', earlier.Devices)), node);
        if (request.Recipe is not null || earlier is null) _ = RecipeReader.Read(request.Recipe ?? DefaultRecipe, settings); // wrong use is said before pictures are drawn
        var data = DataSets.Open(request.Data ?? earlier?.Data, _output.Log.WriteLine);
        try
        {
            var recipe = earlier is not null && request.Recipe is null
                ? new RunFolder(request.Run!).ReadRecipe(earlier, settings)
                : RecipeReader.Read(request.Recipe ?? DefaultRecipe, settings, data.Classes.Count);
            Devices.RequireRoom(devices, recipe);
            var reader = ReaderOf(recipe, data);
            long? asked = earlier is null || settings.OfRecipe.HasPath("schedule.epochs") ? recipe.EpochsMax : null;
            long steps = request.Steps ?? ((request.Epochs ?? asked) is { } epochs ? reader.Plan.StepsOf(epochs) : earlier!.StepsMax);
            var limits = new RunLimits(data.Train.Count, recipe.Batch, steps, recipe.CheckpointSteps, recipe.Schedule);
            return new Plan(recipe, data, devices, node, limits, new GroupShape(node.Loaders, node.ReadAhead, reader.ValidationBatches));
        }
        catch
        {
            data.Dispose();
            throw;
        }
    }

    static BatchReader ReaderOf(Recipe recipe, DataFolder data)
    {
        try
        {
            return new BatchReader(data, recipe.Augmentation, recipe.Seed, recipe.Batch);
        }
        catch (DataException e) // a crop larger than the records
        {
            throw new UsageException($"recipe {recipe.Name} does not fit the data set: {e.Message}");
        }
    }

    static void ShowConfig(Plan plan)
    {
        Console.Out.Write(RecipeText.Of(plan.Recipe));
        foreach (var (key, value) in Hocon.Leaves(plan.Node.Akka).Where(l => l.Path.StartsWith("alexnet.", StringComparison.Ordinal)).OrderBy(l => l.Path, StringComparer.Ordinal))
            Console.Out.WriteLine($"# {key} = {value}");
    }

    /// <summary>Where a run starts or goes on.</summary>
    sealed record Start(RunProgress Progress, string? Checkpoint, string? WeightsSha256);

    Start Begin(RunFolder folder, Plan plan)
    {
        folder.RequireFresh();
        folder.Write(plan.Manifest, plan.Recipe, plan.Data.Mean.Span);
        return new Start(RunProgress.Start(plan.Limits), null, null);
    }

    Start GoOn(RunFolder folder, Plan plan, RunManifest earlier)
    {
        var now = plan.Manifest;
        if (now.RecipeDigest != earlier.RecipeDigest)
        {
            var was = folder.ReadRecipe(earlier, Settings.None);
            var differences = RecipeText.Differences(plan.Recipe, was);
            throw new UsageException(differences.Count == 0
                ? $"the recipe.conf of {folder.Path} is not the one its run was started with: restore it"
                : $"{folder.Path} was trained with another recipe, it differs in {string.Join(", ", differences)}: resume without --recipe and --set, or name another folder with --run");
        }
        if (now.DataDigest != earlier.DataDigest)
            throw new UsageException($"{folder.Path} was trained on another data set than {plan.Data.Path} (digest {now.DataDigest[..8]}, was {earlier.DataDigest[..8]}, then in {earlier.Data}): name that one with --data, or another folder with --run");
        if (now.DeviceKind != earlier.DeviceKind)
            throw new UsageException($"{folder.Path} was trained on devices of kind {earlier.DeviceKind}, --device asks for {now.DeviceKind}, whose bits differ: resume on devices of that kind (`alexnet devices`), or name another folder with --run");
        folder.Write(now);
        var newest = folder.Checkpoints.NewestWhole(report: _output.Log.WriteLine);
        if (newest is null)
        {
            if (folder.Checkpoints.List().Count > 0) throw new RunException($"no checkpoint of {folder.Path} is whole: nothing can be resumed; train into another folder with --run");
            _output.Log.WriteLine($"{folder.Path} has no checkpoint yet: it starts from step 0");
            return new Start(RunProgress.Start(plan.Limits), null, null);
        }
        var (manifest, _, checkpoint) = newest.Value;
        if (manifest.RecipeDigest != earlier.RecipeDigest || manifest.DataDigest != earlier.DataDigest || manifest.DeviceKind != earlier.DeviceKind)
            throw new RunException($"{checkpoint} is of another run than {folder.Path}: move it away, or name another folder with --run");
        _output.Log.WriteLine($"resumes after step {manifest.Progress.Steps} from {checkpoint}, weights {manifest.WeightsSha256[..16]}...");
        return new Start(manifest.Progress, checkpoint, manifest.WeightsSha256);
    }

    int Run(RunFolder folder, Plan plan, Start start)
    {
        using var metrics = MetricsLog.Open(folder.Metrics, start.Progress);
        if (metrics.LastStep < start.Progress.Steps) _output.Log.WriteLine($"{folder.Metrics} ends at step {metrics.LastStep}: the metrics up to step {start.Progress.Steps} died with the process that was killed");
        var manifest = plan.Manifest;
        Introduce(folder, plan);
        var settings = new GroupSettings(plan.Recipe, plan.Limits, plan.Data.Path, plan.Devices, plan.Node.Loaders, plan.Node.ReadAhead, folder.Checkpoints.Path,
            start.Checkpoint, start.Progress, new RunIdentity(manifest.RecipeDigest, manifest.DataDigest, manifest.DeviceKind), plan.Node.StepDeadline);
        IRunView view = Output.Terminal is { } terminal ? new LiveView(terminal) : new PlainView(_output.Log);
        var journal = new RunJournal(RunStatus.Start(plan.Limits, start.Progress), metrics, new StallDetector(plan.Data.Classes.Count), view);
        var end = TrainingRun.Execute(settings, plan.Shape, plan.Node, journal, view);
        (long, string)? saved = journal.Status.Checkpoint is { } c ? (c.Steps, c.WeightsSha256) : start.WeightsSha256 is { } sha ? (start.Progress.Steps, sha) : null;
        var report = new RunReport(journal.Status, metrics.LastValidation, saved, folder.Path);
        if (end.Failure is null)
        {
            metrics.Summary(report.Json);
            _output.Result.WriteLine($"done after step {journal.Status.Steps} (epoch {journal.Status.Epochs}): {end.Why}");
        }
        report.Write(_output.Result);
        _output.Json(report.Json);
        return end.Failure is null ? 0 : throw new RunException(end.Failure);
    }

    void Introduce(RunFolder folder, Plan plan)
    {
        int classes = plan.Data.Classes.Count;
        _output.Log.WriteLine($"recipe {plan.Recipe.Name}: {Words.Count(plan.Recipe.Network.Parameters)} parameters, batch {plan.Recipe.Batch}, up to step {plan.Limits.StepsMax} ({plan.Limits.EpochsAfter(plan.Limits.StepsMax)} epochs)");
        _output.Log.WriteLine($"data set {plan.Data.Path}: {Words.Count(plan.Data.Train.Count)} training and {Words.Count(plan.Data.Validation.Count)} validation records of {classes} classes");
        if (RecipeReader.Even(classes) != classes) _output.Log.WriteLine($"the classes are split over two towers, so {classes} classes get one more that stays empty");
        _output.Log.WriteLine($"towers on {string.Join(" and ", plan.Devices.Select(d => d.Name))}, {Words.Threads(plan.Node.ThreadsOf(plan.Devices.Count))} each; run folder {folder.Path}");
        foreach (var gpu in plan.Devices.Where(d => d.MemoryBytes is not null).DistinctBy(d => d.Name)) _output.Log.WriteLine($"{gpu.Name} is {gpu.Description}");
    }
}
