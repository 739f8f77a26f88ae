using System.CommandLine;
using System.Text.Json.Nodes;
using AlexNetActors.Data;

namespace AlexNetActors.App;

/// <summary>alexnet predict: what a trained network sees in image files.</summary>
static class PredictCommand
{
    public static Command Define()
    {
        var of = new Argument<string>("RUN|CHECKPOINT") { Description = "A run folder (its best checkpoint, else the newest) or one of its checkpoints." };
        var images = new Argument<string[]>("IMAGE") { Description = "Image files.", Arity = ArgumentArity.OneOrMore };
        var top = new Option<int>("--top") { Description = "Guesses to show.", HelpName = "N", DefaultValueFactory = _ => 5 };
        var views = Options.Views();
        var device = Options.Device("");
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
        if (images.FirstOrDefault(i => !File.Exists(i)) is { } missing) throw new UsageException($"there is no file {missing}: name image files");
        if (html is not null) Options.CheckFile(html);
        var factory = Devices.Parse(device ?? Devices.Default, NodeSettings.Read(settings), most: 1)[0];
        var network = TrainedNetwork.Open(path, best: true, output.Log.WriteLine);
        output.Log.WriteLine($"{network.Folder} ({network.Choice}), {views} view{(views == 1 ? "" : "s")} a picture, on {factory.Name}");
        var recipe = network.Run.ReadRecipe(network.Manifest, settings);
        using var classifier = new Classifier(network, recipe with { Batch = Math.Min(recipe.Batch, images.Length) }, factory);

        var predictions = new List<Prediction>();
        foreach (string[] part in images.Chunk(classifier.Recipe.Batch))
            foreach (var prediction in Predict(classifier, part, network.Manifest.Classes, top, views))
            {
                Show(prediction, output);
                predictions.Add(html is null ? prediction with { Record = [] } : prediction); // of many pictures only what is drawn is kept
            }
        if (html is not null)
        {
            PredictionSheet.Write(html, $"{network.Folder}, after step {network.Checkpoint.Progress.Steps}", predictions, classifier.RecordSize);
            output.Log.WriteLine($"drawn into {html}");
        }
        output.Json(new JsonObject { ["checkpoint"] = network.Folder, ["step"] = network.Checkpoint.Progress.Steps, ["views"] = views, ["images"] = new JsonArray([.. predictions.Select(Json)]) });
        int skipped = predictions.Count(p => p.Skipped is not null);
        return skipped == 0 ? 0 : throw new RunException($"{skipped} of {images.Length} files could not be used: see the lines above");
    }

    static Prediction[] Predict(Classifier classifier, string[] files, string[] names, int top, int views)
    {
        int size = classifier.RecordSize, classes = classifier.Recipe.Network.Classes, crop = classifier.Recipe.Augmentation.CropSize;
        var records = new byte[files.Length][];
        using var decoder = new ImageDecoder(size);
        string?[] reasons = [.. files.Select((file, i) => Decode(decoder, file, records[i] = new byte[3 * size * size]))];
        var batch = new Batch(classifier.Recipe.Batch, crop);
        double[] probabilities = [.. classifier.Classify(views, Fill, batch)];
        void Fill(int view)
        {
            for (int i = 0; i < files.Length; i++)
            {
                batch.Placements[i] = View.Place(view, size, crop);
                Crop.Cut(records[i], size, batch.Placements[i], crop, batch.Image(i));
            }
        }
        return [.. files.Select((file, i) => new Prediction(file, reasons[i], Prediction.LabelOf(file, names), reasons[i] is null ? Best(i) : [], records[i]))];
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
            return decoder.Decode(File.ReadAllBytes(file), record);
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
