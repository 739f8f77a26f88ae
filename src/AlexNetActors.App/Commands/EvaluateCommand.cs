using System.CommandLine;
using System.Diagnostics;
using System.Text.Json.Nodes;
using AlexNetActors.Compute;
using AlexNetActors.Data;
using AlexNetActors.Model;

namespace AlexNetActors.App;

/// <summary>alexnet evaluate: loss and errors of a trained network on a validation set, as a whole and by class, over one view a picture or ten (paper section 4.1).</summary>
static class EvaluateCommand
{
    public static Command Define()
    {
        var of = new Argument<string>("RUN|CHECKPOINT") { Description = "A run folder (its best checkpoint, else the newest) or one of its checkpoints." };
        var data = Options.Data("the run's");
        var views = Options.Views();
        var device = Options.Device("", "D");
        var set = Options.Set();
        var json = Options.Json();
        var command = new Command("evaluate", "Scores a trained network on the validation set.") { of, data, views, device, set, json };
        command.SetAction(p => Evaluate(p.GetValue(of)!, p.GetValue(data), p.GetValue(views), p.GetValue(device), Settings.Parse(p.GetValue(set)!), new Output(p.GetValue(json))));
        return command;
    }

    static int Evaluate(string path, string? dataPath, int views, string? device, Settings settings, Output output)
    {
        Options.CheckViews(views);
        var factory = Devices.Parse(device ?? Devices.Default, NodeSettings.Read(settings), most: 1)[0];
        var network = TrainedNetwork.Open(path, best: true, output.Log.WriteLine);
        using var data = DataSets.Open(dataPath, output.Log.WriteLine, network.Manifest);
        RequireFit(data, network);
        var recipe = network.Run.ReadRecipe(network.Manifest, settings);
        output.Log.WriteLine($"{network.Folder} ({network.Choice}) on {Words.Count(data.Validation.Count, "picture")} of {data.Path}, {Words.Count(views, "view")} each, on {factory.Name}");

        long start = Stopwatch.GetTimestamp();
        using var opened = factory.Open();
        var classifier = network.On(recipe, opened);
        var byClass = new ClassResults(data.Classes);
        var (score, steadySpeed) = Score(classifier, recipe, data, views, byClass, output);
        double speed = score.Images / Stopwatch.GetElapsedTime(start).TotalSeconds;

        string steady = steadySpeed is null ? "" : $" with its start, {Words.Speed(steadySpeed)} after the first batch";
        output.Result.WriteLine($"loss {Words.Loss(score.Loss)}, {Words.Errors(score)} on {Words.Count(score.Images, "picture")} ({Words.Speed(speed)}{steady})");
        byClass.Show(output);
        output.Json(new JsonObject
        {
            ["checkpoint"] = network.Folder,
            ["step"] = network.Checkpoint.Progress.Steps,
            ["views"] = views,
            ["images"] = score.Images,
            ["loss"] = score.Loss,
            ["top1Error"] = score.Top1Error,
            ["top5Error"] = score.Top5Error,
            ["imagesPerSecond"] = Math.Round(speed, 2),
            ["steadyImagesPerSecond"] = steadySpeed is { } s ? Math.Round(s, 2) : null,
            ["weightsSha256"] = network.Checkpoint.WeightsSha256,
            ["data"] = data.Path,
            ["classes"] = byClass.Json(),
        });
        return 0;
    }

    static void RequireFit(DataFolder data, TrainedNetwork network)
    {
        if (data.RecordSize != network.Manifest.RecordSize)
            throw new UsageException($"{data.Path} has records of {data.RecordSize} pixels, the network was trained on {network.Manifest.RecordSize}: prepare the data set with that size");
        if (!data.Classes.SequenceEqual(network.Manifest.Classes))
            throw new UsageException($"{data.Path} has other classes ({data.Classes.Count}, first {data.Classes[0]}) than the network was trained on ({network.Manifest.Classes.Length}, first {network.Manifest.Classes[0]}): name a data set of the same classes");
    }

    /// <returns>
    /// The score, and the speed once everything is warm: a whole batch over the median time of those after the first, from reading it to
    /// scoring it; null where there are none.
    /// </returns>
    static (Score Score, double? SteadySpeed) Score(Classifier classifier, Recipe recipe, DataFolder data, int views, ClassResults byClass, Output output)
    {
        var reader = new BatchReader(data, recipe.Augmentation, recipe.Seed, recipe.Batch);
        var batch = reader.NewBatch();
        int classes = recipe.Network.Classes;
        var score = new Score();
        var steadySeconds = new List<double>();
        var progress = new ProgressLines(output.Log);
        for (int n = 0; n < reader.ValidationBatches; n++)
        {
            long start = Stopwatch.GetTimestamp();
            var probabilities = classifier.Classify(views, view => reader.ReadValidation(n, batch, view), batch);
            for (int b = 0; b < batch.Size && batch.Labels[b] >= 0; b++)
            {
                var row = probabilities.Slice(b * classes, classes);
                int rank = Loss.Rank(row, batch.Labels[b]);
                score += new Score(1, -DeterministicMath.Log(Math.Max(row[batch.Labels[b]], double.Epsilon)), rank >= 1 ? 1 : 0, rank >= 5 ? 1 : 0);
                byClass.Add(batch.Labels[b], Loss.Guess(row, batch.Labels[b], data.Classes.Count));
            }
            if (n > 0 && batch.Labels[^1] >= 0) steadySeconds.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
            progress.Tell(() => $"{Words.Count(score.Images)} of {Words.Count(data.Validation.Count)}: {Words.Errors(score)}");
        }
        return (score, steadySeconds.Count == 0 ? null : batch.Size / Median.Of(steadySeconds));
    }
}
