using System.CommandLine;
using System.Text.Json.Nodes;
using AlexNetActors.Data;
using AlexNetActors.Model;

namespace AlexNetActors.App;

/// <summary>alexnet trace: the time line of a run's last steps as a file for Perfetto or chrome://tracing, from what metrics.jsonl has of them.</summary>
static class TraceCommand
{
    const int StepsDefault = 100, StepsMost = 10_000; // of about 60 slices each

    public static Command Define()
    {
        var of = new Argument<string>("RUN") { Description = "A run folder." };
        var file = new Argument<string>("FILE.json") { Description = "What is written; one that is there is replaced." };
        var steps = new Option<int>("--steps") { Description = $"The last so many steps, up to {StepsMost}.", HelpName = "N", DefaultValueFactory = _ => StepsDefault };
        var json = Options.Json();
        var command = new Command("trace", "Writes where the time of the last steps went, for Perfetto or chrome://tracing.") { of, file, steps, json };
        command.SetAction(p => Trace(p.GetValue(of)!, p.GetValue(file)!, p.GetValue(steps), new Output(p.GetValue(json))));
        return command;
    }

    static int Trace(string path, string file, int steps, Output output)
    {
        if (steps is < 1 or > StepsMost) throw new UsageException($"--steps is {steps}: wanted 1 to {StepsMost}");
        Options.CheckFile(file);
        var folder = RunFolder.Existing(path);
        var recipe = folder.ReadRecipe(folder.ReadManifest(), Settings.None);
        var lines = Last(folder, steps);
        var traced = lines.Where(l => l.Kind == "step").ToList();
        if (traced.Count == 0) throw new RunException($"{folder.Metrics} has no step yet: train first");
        var places = RunFacts.PlacesOf(recipe.Network);
        var seats = new SeatHistory(folder.ReadEvents());
        WholeFile.Write(file, partial =>
        {
            using var stream = File.Create(partial);
            using var trace = new StepTrace(stream);
            foreach (var line in lines)
                if (line.Kind != "step") trace.Mark($"{line.Kind} after step {line.Step}");
                else if (StepLine.Read(line)?.Told(recipe.Batch) is (var step, var ms)) trace.Add(StepLanes.Of(step, ms, s => s < places.Count ? places[s] : $"segment {s}"), step.Score.Loss, towers => seats.Of(line.Step, towers));
        });
        output.Result.WriteLine($"{file}: steps {traced[0].Step} to {traced[^1].Step} of {folder.Path}; open it in https://ui.perfetto.dev or chrome://tracing");
        output.Json(new JsonObject { ["file"] = file, ["run"] = folder.Path, ["firstStep"] = traced[0].Step, ["lastStep"] = traced[^1].Step });
        return 0;
    }

    /// <summary>The lines of the last steps, and those between them.</summary>
    static IReadOnlyList<MetricsLine> Last(RunFolder folder, int steps)
    {
        using var file = folder.OpenMetrics();
        if (file is null) return [];
        var last = new Queue<MetricsLine>();
        int kept = 0;
        foreach (var line in MetricsLine.Read(file).Where(l => l.Kind is "step" or "validation" or "checkpoint"))
        {
            last.Enqueue(line);
            if (line.Kind == "step") kept++;
            while (last.Count > 0 && (kept > steps || last.Peek().Kind != "step"))
                if (last.Dequeue().Kind == "step") kept--;
        }
        return [.. last];
    }
}
