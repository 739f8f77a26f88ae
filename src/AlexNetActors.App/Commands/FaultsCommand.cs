using System.CommandLine;
using System.CommandLine.Completions;
using System.Diagnostics;
using AlexNetActors.Actors;
using AlexNetActors.Compute;
using AlexNetActors.Compute.Cpu;
using AlexNetActors.Data;
using AlexNetActors.Model;

namespace AlexNetActors.App;

/// <summary>alexnet faults: trains with real processes, lets things go wrong in them, and holds the result against a run where nothing did.</summary>
sealed class FaultsCommand
{
    sealed record Request(string? Plan, string[] Faults, string? Recipe, string? Data, long? Steps, string? Device, string? Out, string? WritePlan, int Repeat);

    public static Command Define()
    {
        var plan = new Argument<string?>("plan") { Description = "A fault plan: matrix, lone-seed, recovery, spare, silence, silence-30s, soak, or a file.", Arity = ArgumentArity.ZeroOrOne, HelpName = "PLAN", CompletionSources = { _ => FaultPlan.Names.Select(n => new CompletionItem(n)) } };
        var faults = Options.Fault();
        faults.Description = "A fault: --fault \"kill tower-B at step 7 in exchange conv3 backward\", or --fault \"random SEED every 20s for 20m\"; several strike the same run.";
        var recipe = Options.Recipe("the plan's");
        var data = Options.Data("a few drawn pictures");
        var steps = new Option<long?>("--steps") { Description = "Steps of a run.", HelpName = "N" };
        var device = Options.Device(" of the towers");
        var folder = new Option<string?>("--out") { Description = "Folder for the report and every node's words; runs/<time>-faults when not given.", HelpName = "DIR" };
        var write = new Option<string?>("--write-plan") { Description = "Write the plan of one run, with the faults that were drawn, into this file, and do nothing else.", HelpName = "FILE" };
        var repeat = new Option<int>("--repeat") { Description = "Do every run so many times, for times that can be trusted.", HelpName = "N", DefaultValueFactory = _ => 1 };
        var json = Options.Json();
        var command = new Command("faults", "Trains in a cluster of processes on this machine, lets things go wrong as planned, and reports what came of it: exit code 0 only if every run recovered by itself, to the bit.") { plan, faults, recipe, data, steps, device, folder, write, repeat, json };
        command.SetAction(p => new FaultsCommand(new Output(p.GetValue(json))).Run(
            new Request(p.GetValue(plan), p.GetValue(faults)!, p.GetValue(recipe), p.GetValue(data), p.GetValue(steps), p.GetValue(device), p.GetValue(folder), p.GetValue(write), p.GetValue(repeat))));
        return command;
    }

    readonly Output _output;
    readonly Lock _saying = new();

    FaultsCommand(Output output) => _output = output;

    int Run(Request request)
    {
        var plan = FaultPlan.Load(request.Plan, request.Faults, request.Steps);
        if (plan.Steps is < 1 or > MetricsLine.StepsMax) throw new UsageException($"--steps is at least 1, and at most {MetricsLine.StepsMax}");
        if (request.Repeat < 1) throw new UsageException("--repeat is at least 1");
        plan = plan with { Recipe = request.Recipe ?? plan.Recipe };
        if (request.WritePlan is { } file) return Write(plan, file);
        if (OperatingSystem.IsWindows()) throw new UsageException("processes are struck by signals, which Windows does not have: run this on Linux, or in WSL");
        _ = Devices.Parse(request.Device ?? Devices.Default, NodeSettings.Read(Settings.None)); // wrong use is said before pictures are drawn
        plan = plan with { Runs = [.. plan.Runs.SelectMany(r => Enumerable.Repeat(r, request.Repeat))] };
        string device = request.Device ?? Devices.Default, folder = Path.GetFullPath(request.Out ?? Path.Combine("runs", $"{DateTime.Now:yyyyMMdd-HHmmss}-faults"));
        if (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any()) throw new UsageException($"{folder} is not empty: name a new folder with --out");
        Directory.CreateDirectory(folder);
        using var data = request.Data is null ? BuiltInPictures.Create(Path.Combine(folder, "data"), plan.Pictures) : DataSets.Open(request.Data, _output.Log.WriteLine);
        var recipe = RecipeReader.Read(plan.Recipe, Settings.None, data.Classes.Count);
        Check(plan, recipe);
        using var stop = new CancellationTokenSource();
        using var signals = new StopSignals(stop.Cancel);
        try
        {
            return Run(plan, folder, data, recipe, device, stop.Token);
        }
        catch (OperationCanceledException)
        {
            throw new RunException($"stopped as asked; what there is of it is in {folder}");
        }
    }

    int Run(FaultPlan plan, string folder, DataFolder data, Recipe recipe, string device, CancellationToken stop)
    {
        var clock = Stopwatch.StartNew();
        string clean = CleanDigest(recipe, data, plan.Steps, device, stop);
        _output.Log.WriteLine($"the clean run's weights are {clean[..16]}... after step {plan.Steps}; {Words.Count(plan.Runs.Count, "run")} of {plan.Nodes.Count} processes, {Math.Min(plan.AtOnce, plan.Runs.Count)} at once, in {folder}");
        var results = new FaultRunResult[plan.Runs.Count];
        int done = 0;
        Parallel.For(0, plan.Runs.Count, new ParallelOptions { MaxDegreeOfParallelism = plan.AtOnce, CancellationToken = stop }, i =>
        {
            results[i] = RunOne(plan, i, folder, data, recipe, device, clean, stop);
            stop.ThrowIfCancellationRequested();
            Say($"{Interlocked.Increment(ref done)}/{plan.Runs.Count} {string.Join(", ", plan.Runs[i])}: {results[i].Complaint ?? "held"} ({results[i].Seconds:0.0} s)");
        });
        return Report(new FaultReport(plan, results, device, clock.Elapsed.TotalSeconds), folder);
    }

    void Say(string line)
    {
        lock (_saying) _output.Log.WriteLine(line);
    }

    FaultRunResult RunOne(FaultPlan plan, int number, string folder, DataFolder data, Recipe recipe, string device, string clean, CancellationToken stop)
    {
        var faults = plan.Runs[number];
        using var network = faults.Any(f => f is Fault.Partition) ? new FaultNetwork(plan.Nodes.Count) : null;
        return new FaultRun(plan, faults, new FaultRunPlace(Path.Combine(folder, $"run-{number + 1}"), Path.GetFullPath(data.Path), recipe.Batch, device, network), Say).Execute(clean, stop);
    }

    /// <summary>Names that nobody bears are said before anything starts.</summary>
    static void Check(FaultPlan plan, Recipe recipe)
    {
        string[] known = [Victims.TowerA, Victims.TowerB, Victims.Loader, Victims.Coordinator, Victims.Seed, .. plan.Nodes.Select(n => n.Name)];
        var places = new Places(recipe.Network).All;
        foreach (var fault in plan.Runs.SelectMany(r => r))
        {
            var named = fault is Fault.Partition p ? fault.Whom.Each.Concat(p.From.Each) : fault.Whom.Each;
            if (named.FirstOrDefault(n => !known.Contains(n)) is { } nobody) throw new UsageException($"fault \"{fault}\": there is no {nobody} in the plan: wanted {string.Join(", ", known.Distinct())}");
            if (!places.Contains(fault.When.Place)) throw new UsageException($"fault \"{fault}\": the recipe's network has no such phase: wanted {string.Join(", ", places)}");
        }
    }

    /// <summary>The definition of a run: both towers on one thread.</summary>
    string CleanDigest(Recipe recipe, DataFolder data, long steps, string device, CancellationToken stop)
    {
        using IDevice one = device == Devices.Default ? new CpuDevice(Environment.ProcessorCount) : Devices.Parse(device, NodeSettings.Read(Settings.None))[0].Open();
        var trainer = new SequentialTrainer(recipe, data, one, new RunLimits(data.Train.Count, recipe.Batch, steps, recipe.CheckpointSteps, recipe.Schedule));
        var progress = new ProgressLines(_output.Log);
        trainer.Run((step, _) =>
        {
            stop.ThrowIfCancellationRequested();
            progress.Tell(() => $"the clean run: step {step + 1} of {steps}");
        });
        return trainer.Digest();
    }

    int Write(FaultPlan plan, string file)
    {
        Options.CheckFile(file);
        string text = plan.Text;
        WholeFile.Write(file, partial => File.WriteAllText(partial, text));
        int faults = plan.Runs[0].Count;
        _output.Result.WriteLine($"{faults} fault{(faults == 1 ? " is" : "s are")} in {file}");
        _output.Json(new() { ["file"] = file, ["faults"] = faults });
        return 0;
    }

    int Report(FaultReport report, string folder)
    {
        foreach (var table in report.Tables()) _output.Table(table);
        foreach (string line in report.Words()) _output.Result.WriteLine(line);
        string page = Path.Combine(folder, "report.html");
        File.WriteAllText(page, report.Html());
        File.WriteAllText(Path.Combine(folder, "report.json"), report.Json.ToJsonString(new() { WriteIndented = true }));
        _output.Result.WriteLine($"report: {page}");
        _output.Json(report.Json);
        return report.Held == report.Runs.Count ? 0 : throw new RunException($"{report.Runs.Count - report.Held} of {report.Runs.Count} runs did not hold: see {page}");
    }
}
