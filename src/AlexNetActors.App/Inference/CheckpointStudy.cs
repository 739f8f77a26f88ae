using AlexNetActors.Actors;
using AlexNetActors.Data;
using AlexNetActors.Model;

namespace AlexNetActors.App;

/// <summary>
/// What a checkpoint's network makes of pictures: which classes it takes for which, and the sheet of the paper's figure 4: validation pictures with their
/// best guesses, and the training pictures whose features in the last hidden layer lie nearest to theirs. Of large data sets a part, evenly spread.
/// </summary>
/// <param name="Step">Steps done when the checkpoint was written.</param>
/// <param name="Images">Validation pictures looked at.</param>
/// <param name="TrainingImages">Training pictures among which the nearest were sought.</param>
/// <param name="Classes">Their names.</param>
/// <param name="Confusion">[label][guess] pictures; null where there are more classes than can be shown.</param>
/// <param name="Sheet">Figure 4.</param>
/// <param name="Pictures">Its pictures by name, as PNG.</param>
sealed record CheckpointStudy(long Step, int Images, int TrainingImages, IReadOnlyList<string> Classes, int[][]? Confusion, IReadOnlyList<SheetPicture> Sheet, IReadOnlyDictionary<string, byte[]> Pictures)
{
    public const int ClassesMax = 50;
    const int ValidationMax = 1000, TrainingMax = 2000, SheetMax = 8, GuessesMax = 5, BatchMax = 32;

    /// <param name="checkpoint">Its folder, in a run's.</param>
    /// <param name="device">Computes.</param>
    /// <param name="memoryBytes">Memory that it may take.</param>
    /// <exception cref="CheckpointException">It is damaged, or another has replaced it meanwhile.</exception>
    /// <exception cref="DataException">The run's data set is not there any more, is another now, or damaged.</exception>
    /// <exception cref="RunException">There is not so much memory.</exception>
    public static CheckpointStudy Of(string checkpoint, DeviceFactory device, long memoryBytes)
    {
        var recipe = RecipeOf(checkpoint);
        RequireRoom(recipe, memoryBytes);
        var network = TrainedNetwork.Open(checkpoint, best: false, _ => { });
        using var data = DataFolder.Open(network.Manifest.Data);
        if (data.Digest != network.Checkpoint.DataDigest)
            throw new DataException($"{data.Path} is another data set now (digest {data.Digest[..8]}) than the one it was trained on ({network.Checkpoint.DataDigest[..8]})");
        using var opened = device.Open();
        var classifier = network.On(recipe, opened);
        var names = data.Classes;
        int[][]? confusion = names.Count <= ClassesMax ? [.. names.Select(_ => new int[names.Count])] : null;
        int[] validation = Spread(data.Validation.Count, ValidationMax), training = Spread(data.Train.Count, TrainingMax);
        var shown = Spread(validation.Length, SheetMax).Select(i => validation[i]).ToHashSet();
        var sheet = new List<Seen>();
        foreach (var seen in Look(classifier, recipe, data.Validation, validation))
        {
            int label = data.Validation.Label(seen.Record);
            if (confusion is not null) confusion[label][Loss.Guess<double>(seen.Probabilities, label, names.Count)]++;
            if (shown.Contains(seen.Record)) sheet.Add(seen);
        }
        var nearest = sheet.Select(s => new NearestPictures(s.Features)).ToArray();
        foreach (var seen in Look(classifier, recipe, data.Train, training))
            foreach (var near in nearest) near.Offer(seen.Record, seen.Features);

        var pictures = new Dictionary<string, byte[]>();
        string Keep(Pack pack, string set, int record)
        {
            pictures[$"{set}-{record}"] = RecordPicture.Png(pack.Record(record), pack.RecordSize, pack.RecordSize);
            return $"{set}-{record}";
        }
        return new CheckpointStudy(network.Checkpoint.Progress.Steps, validation.Length, training.Length, names, confusion,
            [.. sheet.Zip(nearest, (s, near) => new SheetPicture(
                Keep(data.Validation, "validation", s.Record), names[data.Validation.Label(s.Record)],
                [.. names.Zip(s.Probabilities, (name, p) => new ClassGuess(name, p)).OrderByDescending(g => g.Probability).Take(GuessesMax)],
                [.. near.Records.Select(r => new NearPicture(Keep(data.Train, "training", r), names[data.Train.Label(r)]))]))], pictures);
    }

    static Recipe RecipeOf(string checkpoint)
    {
        var run = RunFolder.Of(checkpoint) ?? throw new CheckpointException($"{checkpoint} is not there any more");
        var recipe = run.ReadRecipe(run.ReadManifest(), Settings.None);
        return recipe with { Batch = Math.Min(recipe.Batch, BatchMax) };
    }

    /// <summary>
    /// Of both towers: weights and velocities as they are read, the weights once more on the device, and the activations, which take as much as those of one
    /// tower with their gradients.
    /// </summary>
    static void RequireRoom(Recipe recipe, long memoryBytes)
    {
        var plan = NetworkPlan.Of(recipe);
        long needed = 2 * plan.WeightBytes + plan.ActivationBytes;
        if (needed > memoryBytes) throw new RunException($"it takes {Words.Bytes(needed)} of memory, and there are {Words.Bytes(memoryBytes)} left");
    }

    /// <summary>So many of 0 to count - 1, evenly spread: packs lie in the order of classes.</summary>
    static int[] Spread(int count, int most) => [.. Enumerable.Range(0, Math.Min(count, most)).Select(i => (int)((long)i * count / Math.Min(count, most)))];

    /// <param name="Record">Index in its pack.</param>
    /// <param name="Probabilities">Of the classes.</param>
    /// <param name="Features">What the last layer saw.</param>
    sealed record Seen(int Record, double[] Probabilities, float[] Features);

    static IEnumerable<Seen> Look(Classifier classifier, Recipe recipe, Pack pack, int[] records)
    {
        int classes = recipe.Network.Classes;
        foreach (int[] part in records.Chunk(recipe.Batch))
        {
            double[] probabilities = [.. classifier.Classify([.. part.Select(r => pack.Record(r).ToArray())])];
            float[] features = classifier.Features();
            int width = features.Length / recipe.Batch;
            for (int i = 0; i < part.Length; i++)
                yield return new Seen(part[i], probabilities[(i * classes)..((i + 1) * classes)], features[(i * width)..((i + 1) * width)]);
        }
    }
}

/// <summary>A validation picture, what the network takes it for, best first, and the training pictures that it finds most alike, nearest first.</summary>
sealed record SheetPicture(string Picture, string Class, IReadOnlyList<ClassGuess> Guesses, IReadOnlyList<NearPicture> Nearest);

sealed record ClassGuess(string Class, double Probability);

sealed record NearPicture(string Picture, string Class);
