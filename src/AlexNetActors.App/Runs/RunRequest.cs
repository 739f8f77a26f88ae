using AlexNetActors.Data;
using AlexNetActors.Model;

namespace AlexNetActors.App;

/// <summary>What the command line asks of a run, as typed.</summary>
sealed record RunRequest(string? Recipe, string? Data, string? Run, long? Steps, long? Epochs, string[] Set)
{
    public const string DefaultRecipe = "quickstart";
    const string Runs = "runs";

    RecipeFile? _file;

    /// <summary>The recipe that a run starts with when nothing of an earlier one is there. It is read once: of a pipe there is nothing more.</summary>
    public RecipeFile File => _file ??= RecipeFile.Load(Recipe ?? DefaultRecipe);

    /// <summary>The run of <c>runs</c> that was trained last; null when there is none.</summary>
    public static string? Newest() => !Directory.Exists(Runs) ? null : Directory.EnumerateDirectories(Runs).Where(RunManifest.HoldsRun).MaxBy(r => System.IO.File.GetLastWriteTimeUtc(new RunFolder(r).Events));

    public string FolderFor(string recipe) => Run ?? Path.Combine(Runs, $"{DateTime.Now:yyyyMMdd-HHmmss}-{recipe}");

    /// <summary>Of a run that is to begin: its folder, kept from others. One that nobody has named is new, however many begin in the same second.</summary>
    public (RunFolder Folder, RunLock Lock) Take(string recipe)
    {
        string path = FolderFor(recipe);
        for (int n = 1; ; n++)
        {
            var folder = new RunFolder(n == 1 ? path : $"{path}-{n}");
            if (Run is null && Directory.Exists(folder.Path)) continue;
            try
            {
                return (folder, folder.Lock());
            }
            catch (UsageException) when (Run is null && folder.HasLock) { } // another was faster
        }
    }

    public void Check()
    {
        if (this is { Steps: < 1 or > MetricsLine.StepsMax } or { Epochs: < 1 or > MetricsLine.StepsMax }) throw new UsageException($"--steps and --epochs are at least 1, and at most {MetricsLine.StepsMax}");
        if (this is { Steps: not null, Epochs: not null }) throw new UsageException("--steps and --epochs both say when to stop: give one of them");
    }
}

/// <summary>What a run is made from but for its devices, all checked.</summary>
/// <param name="Recipe">What determines the numbers.</param>
/// <param name="Data">The data set.</param>
/// <param name="Limits">When the run ends.</param>
/// <param name="ValidationBatches">Batches of the validation set.</param>
sealed record RunPlan(Recipe Recipe, DataFolder Data, RunLimits Limits, int ValidationBatches) : IDisposable
{
    /// <param name="request">What is asked for.</param>
    /// <param name="settings">Its --set, parsed.</param>
    /// <param name="earlier">The run to go on with; null to start one.</param>
    /// <param name="report">Told what takes its time.</param>
    /// <exception cref="UsageException">Recipe and data set do not go together, or a value is wrong.</exception>
    public static RunPlan Read(RunRequest request, Settings settings, RunManifest? earlier, Action<string> report)
    {
        if (request.Recipe is not null || earlier is null) _ = RecipeReader.Read(request.File, settings); // wrong use is said before pictures are drawn
        var data = DataSets.Open(request.Data, report, earlier);
        try
        {
            var recipe = earlier is not null && request.Recipe is null
                ? new RunFolder(request.Run!).ReadRecipe(earlier, settings)
                : RecipeReader.Read(request.File, settings, data.Classes.Count);
            var reader = ReaderOf(recipe, data);
            long? asked = earlier is null || settings.OfRecipe.HasPath("schedule.epochs") ? recipe.EpochsMax : null;
            long steps = request.Steps ?? ((request.Epochs ?? asked) is { } epochs ? reader.Plan.StepsOf(epochs) : earlier!.StepsMax);
            return new RunPlan(recipe, data, new RunLimits(data.Train.Count, recipe.Batch, steps, recipe.CheckpointSteps, recipe.Schedule), reader.ValidationBatches);
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

    /// <summary>What run.json says of the run on these devices.</summary>
    public RunManifest Manifest(string[] devices, string kind) => new(RunManifest.CurrentFormat, Recipe.Name, RecipeText.Digest(Recipe), Path.GetFullPath(Data.Path), Data.Digest, Data.RecordSize,
        [.. Data.Classes], devices, kind, Limits.StepsMax, Data.Train.Count, RunManifest.HashOf(Data.Mean.Span));

    public void Introduce(TextWriter log)
    {
        int classes = Data.Classes.Count;
        log.WriteLine($"recipe {Recipe.Name}: {Words.Count(Recipe.Network.Parameters)} parameters, batch {Recipe.Batch}, up to step {Limits.StepsMax} ({Words.Count(Limits.EpochsAfter(Limits.StepsMax), "epoch")})");
        log.WriteLine($"data set {Data.Path}: {Words.Count(Data.Train.Count)} training and {Words.Count(Data.Validation.Count, "validation record")} of {classes} classes");
        if (RecipeReader.Even(classes) != classes) log.WriteLine($"the classes are split over two towers, so {classes} classes get one more that stays empty");
    }

    public void Dispose() => Data.Dispose();
}
