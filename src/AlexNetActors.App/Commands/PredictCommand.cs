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
        var set = Options.Set();
        var json = Options.Json();
        var command = new Command("predict", "Names what is in image files.") { of, images, top, views, device, set, json };
        command.SetAction(p => Predict(p.GetValue(of)!, p.GetValue(images)!, p.GetValue(top), p.GetValue(views), p.GetValue(device), Settings.Parse(p.GetValue(set)!), new Output(p.GetValue(json))));
        return command;
    }

    static int Predict(string path, string[] images, int top, int views, string? device, Settings settings, Output output)
    {
        Options.CheckViews(views);
        if (top < 1) throw new UsageException($"--top is {top}: wanted at least 1");
        if (images.FirstOrDefault(i => !File.Exists(i)) is { } missing) throw new UsageException($"there is no file {missing}: name image files");
        var factory = Devices.Parse(device ?? Devices.Default, NodeSettings.Read(settings), most: 1)[0];
        var network = TrainedNetwork.Open(path, best: true, output.Log.WriteLine);
        output.Log.WriteLine($"{network.Folder} ({network.Choice}), {views} view{(views == 1 ? "" : "s")} a picture, on {factory.Name}");
        var recipe = network.Run.ReadRecipe(network.Manifest, settings);
        using var classifier = new Classifier(network, recipe with { Batch = Math.Min(recipe.Batch, images.Length) }, factory);

        var predictions = new JsonArray();
        int skipped = 0;
        foreach (string[] part in images.Chunk(classifier.Recipe.Batch)) skipped += Predict(classifier, part, network.Manifest.Classes, top, views, output, predictions);
        output.Json(new JsonObject { ["checkpoint"] = network.Folder, ["step"] = network.Checkpoint.Progress.Steps, ["views"] = views, ["images"] = predictions });
        return skipped == 0 ? 0 : throw new RunException($"{skipped} of {images.Length} files could not be used: see the lines above");
    }

    /// <returns>Number of files that could not be read.</returns>
    static int Predict(Classifier classifier, string[] files, string[] names, int top, int views, Output output, JsonArray predictions)
    {
        int size = classifier.RecordSize, classes = classifier.Recipe.Network.Classes, crop = classifier.Recipe.Augmentation.CropSize;
        var records = new byte[files.Length][];
        using var decoder = new ImageDecoder(size);
        string?[] reasons = [.. files.Select((file, i) => Decode(decoder, file, records[i] = new byte[3 * size * size]))];
        var batch = new Batch(classifier.Recipe.Batch, crop);
        var probabilities = classifier.Classify(views, Fill, batch);
        void Fill(int view)
        {
            for (int i = 0; i < files.Length; i++)
            {
                batch.Placements[i] = View.Place(view, size, crop);
                Crop.Cut(records[i], size, batch.Placements[i], crop, batch.Image(i));
            }
        }
        for (int i = 0; i < files.Length; i++)
        {
            if (reasons[i] is { } reason)
            {
                output.Log.WriteLine($"{files[i]}: skipped, {reason}");
                predictions.Add(new JsonObject { ["file"] = files[i], ["skipped"] = reason });
                continue;
            }
            var row = probabilities.Slice(i * classes, classes)[..names.Length].ToArray(); // a class that only makes the number even has no name
            var best = row.Select((p, c) => (Probability: p, Name: names[c])).OrderByDescending(g => g.Probability).Take(top).ToArray();
            output.Result.WriteLine(files[i]);
            foreach (var (probability, name) in best) output.Result.WriteLine($"  {Words.Percent(probability),7}  {name}");
            predictions.Add(new JsonObject { ["file"] = files[i], ["guesses"] = new JsonArray([.. best.Select(g => new JsonObject { ["class"] = g.Name, ["probability"] = g.Probability })]) });
        }
        return reasons.Count(r => r is not null);
    }

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
    }
}
