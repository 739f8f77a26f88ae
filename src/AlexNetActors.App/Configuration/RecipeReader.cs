using AlexNetActors.Compute;
using AlexNetActors.Data;
using AlexNetActors.Model;

namespace AlexNetActors.App;

/// <summary>HOCON into the typed <see cref="Recipe"/>, once.</summary>
static class RecipeReader
{
    const int SideMax = 4096, WidthMax = 1 << 20;
    const double ImprovementMax = 0.999; // the whole of the error cannot fall away again and again

    /// <summary>Reads a recipe by name or file, the settings laid over it.</summary>
    /// <param name="nameOrFile">As the command line names it.</param>
    /// <param name="settings">Values of --set.</param>
    /// <param name="dataClasses">Classes of the data set: they go before the recipe's network.classes, but not before that of --set; null when there is none.</param>
    /// <exception cref="UsageException">A key or a value is wrong.</exception>
    /// <exception cref="RecipeException">The values do not describe a network.</exception>
    public static Recipe Read(string nameOrFile, Settings settings, int? dataClasses = null) => Read(RecipeFile.Load(nameOrFile), settings, dataClasses);

    /// <summary>Reads a resolved recipe that another process has sent.</summary>
    public static Recipe ReadText(string text) => Read(new RecipeFile("of the coordinator", Hocon.Parse(text, "the coordinator's recipe")), Settings.None);

    /// <inheritdoc cref="Read(string, Settings, int?)"/>
    public static Recipe Read(RecipeFile file, Settings settings, int? dataClasses = null)
    {
        KnownKeys.OfRecipes.Check(Hocon.Leaves(settings.OfRecipe).Select(l => l.Path), "--set", RecipeFile.LayersOf(settings.OfRecipe.WithFallback(file.Values)));
        var values = new ValueReader(settings.OfRecipe.WithFallback(file.Values), $"recipe {file.Name}");
        int classes = Even(ClassesOf(values, settings, dataClasses));
        int input = values.Number("network.input", 1, SideMax), batch = values.Number("batch", 1, 65536);
        var response = new LocalResponse(values.Number("network.response.k", 0f, float.MaxValue), values.Number("network.response.alpha", 0f, float.MaxValue), values.Number("network.response.window", 1, 255));
        var layers = values.Names("network.layers").Select(name => ReadLayer(values, name, classes)).ToArray();
        var network = new Network(input, classes, layers, response) { Exchanged = values.Choice<ExchangeElement>("exchange.element") };
        if (batch > network.BatchMax)
            throw new UsageException($"batch in recipe {file.Name} is {batch}: wanted at most {network.BatchMax} for pictures of {input} x {input} and these layers: a batch, and what a tower gives of it in an exchange, travel in one piece of less than 2 GiB");
        return new Recipe(
            file.Name,
            network,
            values.Number("seed", 0UL, ulong.MaxValue),
            batch,
            values.Number("descent.momentum", 0f, 1f),
            values.Number("descent.weight-decay", 0f, 1f),
            new LearningRateSchedule(
                values.Number("schedule.rate", 0f, 1000f),
                values.Number("schedule.factor", 1f, float.MaxValue),
                values.Number("schedule.reductions", 0, 1000),
                values.Number("schedule.patience", 1, int.MaxValue),
                values.Number("schedule.improvement", 0.0, ImprovementMax)),
            new Augmentation(input, values.Switch("augmentation.random-crop"), values.Switch("augmentation.mirror"), values.Number("augmentation.colour-sigma", 0.0, 1000.0)),
            values.Number("schedule.epochs", 1, int.MaxValue),
            values.Number("checkpoint-steps", 1, int.MaxValue));
    }

    static int ClassesOf(ValueReader values, Settings settings, int? dataClasses)
    {
        int wanted = values.Number("network.classes", 2, WidthMax);
        if (dataClasses is not { } found || !settings.OfRecipe.HasPath("network.classes")) return dataClasses ?? wanted;
        return wanted >= found ? wanted : throw new UsageException($"--set network.classes={wanted} is less than the {found} classes of the data set: leave it out, or give at least {found}");
    }

    /// <summary>The classes are split over two towers: an odd number gets one that stays empty.</summary>
    public static int Even(int classes) => classes + classes % 2;

    static LayerSpec ReadLayer(ValueReader values, string name, int classes)
    {
        string Path(string key) => values.Has($"network.{name}.{key}") ? $"network.{name}.{key}" : $"network.layer.{key}";
        int kernels = values.Has(Path("kernels")) && values.Text(Path("kernels")) == "classes" ? classes : values.Number($"network.{name}.kernels", 2, WidthMax);
        return new LayerSpec(
            name, kernels,
            values.Number(Path("size"), 0, SideMax),
            values.Number(Path("stride"), 1, SideMax),
            values.Number(Path("pad"), 0, SideMax),
            values.Switch(Path("sees-both")),
            values.Number(Path("deviation"), 0f, float.MaxValue),
            values.Number(Path("bias"), float.MinValue, float.MaxValue),
            values.Switch(Path("normalize")),
            values.Switch(Path("pool")),
            values.Number(Path("dropout"), 0.0, 1.0));
    }
}
