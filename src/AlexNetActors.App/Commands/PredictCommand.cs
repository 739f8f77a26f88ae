using System.CommandLine;
using System.Text.Json.Nodes;
using AlexNetActors.Data;
using AlexNetActors.Model;

namespace AlexNetActors.App;

/// <summary>alexnet predict: what a trained network sees in image files.</summary>
static class PredictCommand
{
    public static Command Define()
    {
        var of = new Argument<string>("RUN|CHECKPOINT") { Description = "A run folder (its best checkpoint, else the newest) or one of its checkpoints." };
        var images = new Argument<string[]>("IMAGE") { Description = "Image files, and folders of them.", Arity = ArgumentArity.OneOrMore };
        var top = new Option<int>("--top") { Description = "Guesses to show.", HelpName = "N", DefaultValueFactory = _ => 5 };
        var views = Options.Views();
        var device = Options.Device("", "D");
        var html = new Option<string?>("--html") { Description = "Draw the pictures with their guesses, as the paper's figure 4 does, into one HTML file.", HelpName = "FILE" };
        var set = Options.Set();
        var json = Options.Json();
        var command = new Command("predict", "Names what is in image files.") { of, images, top, views, device, html, set, json };
        command.SetAction(p => Predict(p.GetValue(of)!, p.GetValue(images)!, p.GetValue(top), p.GetValue(views), p.GetValue(device), p.GetValue(html), Settings.Parse(p.GetValue(set)!), new Output(p.GetValue(json))));
        return command;
    }

    static int Predict(string path, string[] images, int top, int views, string? device, string? html, Settings settings, Output output)
    {
        Options.CheckViews(views);
        if (top < 1) throw new UsageException($"--top is {top}: wanted at least 1");
        if (images.FirstOrDefault(i => !File.Exists(i) && !Directory.Exists(i)) is { } missing) throw new UsageException($"there is no file {missing}: name image files, or folders of them");
        if (html is not null) Options.CheckFile(html);
        (string File, string? Complaint)[] files = [.. images.SelectMany(FilesOf)];
        var factory = Devices.Parse(device ?? Devices.Default, NodeSettings.Read(settings), most: 1)[0];
        var network = TrainedNetwork.Open(path, best: true, output.Log.WriteLine);
        output.Log.WriteLine($"{network.Folder} ({network.Choice}), {Words.Count(views, "view")} a picture, on {factory.Name}");
        var recipe = network.Run.ReadRecipe(network.Manifest, settings);
        recipe = recipe with { Batch = Math.Min(recipe.Batch, files.Length) };
        using var opened = factory.Open();
        var classifier = network.On(recipe, opened);

        var predictions = new List<Prediction>();
        foreach (var part in files.Chunk(recipe.Batch))
            foreach (var prediction in Predict(classifier, part, network.Manifest.Classes, top, views))
            {
                Show(prediction, output);
                predictions.Add(html is null ? prediction with { Record = [] } : prediction); // of many pictures only what is drawn is kept
            }
        int labelled = predictions.Count(p => p is { Skipped: null, Label: not null }), right = predictions.Count(p => p.Right);
        if (labelled > 1) output.Result.WriteLine($"{Words.Count(right)} of {Words.Count(labelled)} labelled pictures recognised: top-1 error {Words.Percent((double)(labelled - right) / labelled)}");
        if (html is not null)
        {
            PredictionSheet.Write(html, $"{network.Folder}, after step {network.Checkpoint.Progress.Steps}", predictions, classifier.RecordSize);
            output.Log.WriteLine($"drawn into {html}");
        }
        output.Json(new JsonObject { ["checkpoint"] = network.Folder, ["step"] = network.Checkpoint.Progress.Steps, ["views"] = views, ["labelled"] = labelled, ["right"] = right, ["images"] = new JsonArray([.. predictions.Select(Json)]) });
        int skipped = predictions.Count(p => p.Skipped is not null);
        return skipped == 0 ? 0 : throw new RunException($"{skipped} of {files.Length} files could not be used: see the lines above");
    }

    /// <summary>A folder stands for the pictures in it; its files are looked at before they are opened, those that are named may be pipes.</summary>
    static IEnumerable<(string File, string? Complaint)> FilesOf(string image)
    {
        if (!Directory.Exists(image)) return [(image, null)];
        var found = PictureFile.In(image);
        if (found.Count == 0) throw new UsageException($"there is no picture in {image}: name image files, or folders of them");
        return found.Select(f => (Path.Combine(image, Path.GetRelativePath(image, f.Path)), f.Complaint));
    }

    static Prediction[] Predict(Classifier classifier, (string File, string? Complaint)[] files, string[] names, int top, int views)
    {
        int size = classifier.RecordSize;
        byte[][] records = [.. files.Select(_ => new byte[3 * size * size])];
        using var decoder = new ImageDecoder(size);
        string?[] reasons = [.. files.Select((f, i) => f.Complaint ?? Decode(decoder, f.File, records[i]))];
        double[] probabilities = [.. classifier.Classify(records, views)];
        int classes = probabilities.Length / files.Length;
        return [.. files.Select((f, i) => Named(f.File, i))];
        Prediction Named(string file, int i)
        {
            string? label = Prediction.LabelOf(file, names);
            if (reasons[i] is { } reason) return new Prediction(file, reason, label, Right: false, [], records[i]);
            return new Prediction(file, null, label, label is not null && Loss.Rank<double>(probabilities.AsSpan(i * classes, classes), Array.IndexOf(names, label)) == 0, Best(i), records[i]);
        }
        // A class that only makes the number even has no name.
        (string, double)[] Best(int i) => [.. names.Zip(probabilities.Skip(i * classes)).OrderByDescending(g => g.Second).Take(top)];
    }

    static void Show(Prediction prediction, Output output)
    {
        if (prediction.Skipped is { } reason)
        {
            output.Log.WriteLine($"{prediction.File}: skipped, {reason}");
            return;
        }
        output.Result.WriteLine(prediction.File);
        foreach (var (name, probability) in prediction.Guesses) output.Result.WriteLine($"  {Words.Percent(probability),7}  {name}");
    }

    static JsonObject Json(Prediction p) => p.Skipped is { } reason
        ? new JsonObject { ["file"] = p.File, ["skipped"] = reason }
        : new JsonObject { ["file"] = p.File, ["label"] = p.Label, ["guesses"] = new JsonArray([.. p.Guesses.Select(g => new JsonObject { ["class"] = g.Class, ["probability"] = g.Probability })]) };

    static string? Decode(ImageDecoder decoder, string file, byte[] record)
    {
        try
        {
            return decoder.Decode(OrdinaryFile.Read(file), record);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Hocon.OneLine(e.Message);
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"{file} made the decoder fail", e);
        }
    }
}
