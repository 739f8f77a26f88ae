using AlexNetActors.App;
using AlexNetActors.Model;

namespace AlexNetActors.Tests.App;

/// <summary>HOCON in, a typed recipe out, and back.</summary>
public sealed class ConfigurationTests : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("alexnet-recipes-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    string Write(string name, string text)
    {
        string file = Path.Combine(_folder, name + ".conf");
        File.WriteAllText(file, text);
        return file;
    }

    static Recipe Read(string recipe, params string[] set) => RecipeReader.Read(recipe, Settings.Parse(set));

    public static TheoryData<string> Recipes => [.. RecipeFile.Names];

    [Theory]
    [MemberData(nameof(Recipes))]
    public void A_resolved_recipe_reads_back_with_the_same_digest(string name)
    {
        var recipe = Read(name, "schedule.rate=0.0123", "augmentation.colour-sigma=0.3");
        var again = Read(Write("resolved", RecipeText.Of(recipe)));
        Assert.Equal(RecipeText.Digest(recipe), RecipeText.Digest(again));
        Assert.Equal(RecipeText.Lines(recipe), RecipeText.Lines(again));
    }

    [Theory]
    [MemberData(nameof(Recipes))]
    public void Without_HOCON_a_resolved_recipe_gives_the_same_digest_and_network(string name)
    {
        var recipe = Read(name, "exchange.element=bf16", "network.response.alpha=0.00012", "network.fc6.dropout=0.3", "schedule.epochs=7");
        string text = RecipeText.Of(recipe);
        Assert.Equal(RecipeText.Lines(recipe), RecipeText.Lines(recipe with { Network = RecipeText.ReadNetwork(text) }));
        Assert.Equal(RecipeText.Digest(recipe), RecipeText.Digest(text));
        Assert.Equal(RecipeText.Digest(recipe), RecipeText.Digest(text.Replace("schedule.epochs = 7\n", "schedule.epochs = 8\n")));
        Assert.NotEqual(RecipeText.Digest(recipe), RecipeText.Digest(text.Replace("network.fc6.dropout = 0.3\n", "network.fc6.dropout = 0.4\n")));
    }

    [Fact]
    public void What_is_shown_is_a_recipe_file()
    {
        var shown = Alexnet.Run("train", "--recipe", "robust", "--data", new Pictures(_folder).Path, "--set", "network.input=32", "--set", "network.conv1.stride=1", "--show-config").Expect(0);
        var again = Read(Write("shown", shown.Out));
        Assert.Equal(10, again.Network.Classes); // the data set's
        Assert.Contains(RecipeText.Digest(again), shown.Out);
        Assert.Contains("# alexnet.loaders = ", shown.Out);
        Assert.Contains("# compute.precision = float32\n", shown.Out);
    }

    [Fact]
    public void What_is_shown_as_JSON_is_one_line()
    {
        var shown = Alexnet.Run("train", "--recipe", "quickstart", "--data", new Pictures(_folder).Path, "--show-config", "--json").Expect(0);
        Assert.Equal("32", (string)shown.Json["batch"]!);
        Assert.Single(shown.Out.TrimEnd().Split('\n'));
    }

    sealed record Pictures(string Folder)
    {
        public string Path { get; } = Data(System.IO.Path.Combine(Folder, "data"));

        static string Data(string path)
        {
            AlexNetActors.Data.BuiltInPictures.Create(path, new AlexNetActors.Data.BuiltInSettings(12, 4, RecordSize: 36)).Dispose();
            return path;
        }
    }

    [Theory]
    [InlineData("a = {", "line 1: '{' is never closed")]
    [InlineData("a = 1\n}", "line 2: '}' closes nothing")]
    [InlineData("# {\na = \"}\" // [\nb = \"\"\"\n]\n\"\"\"\nc = ]", "line 6: ']' closes nothing")]
    [InlineData("a = \"x\nb = 1", "line 1: a quotation mark is never closed")]
    [InlineData("a = ${b}", "it has a substitution")]
    [InlineData("a = ${?a}", "it has a substitution")]
    [InlineData("include \"x\"", "use base = NAME")]
    public void What_is_not_HOCON_is_refused(string text, string expected) =>
        Assert.Contains(expected, Assert.Throws<UsageException>(() => Hocon.Parse(text, "text")).Message);

    [Fact]
    public void Values_go_over_those_of_the_base_and_settings_over_both()
    {
        Write("under", "base = paper\nbatch = 7\nnetwork.conv1.kernels = 10");
        string over = Write("over", "base = under\nnetwork { conv1 { bias = 3 } }");
        var recipe = Read(over, "batch=9");
        Assert.Equal(9, recipe.Batch);
        Assert.Equal(10, recipe.Network.Layers[0].Spec.Kernels);
        Assert.Equal(3, recipe.Network.Layers[0].Spec.Bias);
        Assert.Equal(0.01f, recipe.Network.Layers[0].Spec.Deviation); // network.layer's
        Assert.Equal("over", recipe.Name);
    }

    [Fact]
    public void The_paper_is_what_paper_conf_says()
    {
        var paper = Read("paper");
        Assert.Equal(60_965_224, paper.Network.Parameters);
        Assert.Equal(new LayerSpec("conv2", 256, Size: 5, Pad: 2, Bias: 1, Normalize: true, Pool: true), paper.Network.Layers[1].Spec);
        Assert.Equal(new LayerSpec("fc8", 1000, SeesBoth: true), paper.Network.Layers[7].Spec);
        Assert.Equal((0.9f, 0.0005f, 0.01f), (paper.Momentum, paper.WeightDecay, paper.Schedule.InitialRate));
    }

    [Theory]
    [InlineData(3, 4)]
    [InlineData(10, 10)]
    public void Classes_come_from_the_data_set_and_are_even(int classes, int outputs) =>
        Assert.Equal(outputs, RecipeReader.Read("paper", Settings.None, classes).Network.Classes);

    [Fact]
    public void Classes_given_by_hand_go_before_those_of_the_data_set_but_cannot_be_fewer()
    {
        Assert.Equal(1000, RecipeReader.Read("paper", Settings.Parse(["network.classes=1000"]), 10).Network.Classes);
        Assert.Contains("at least 10", Assert.Throws<UsageException>(() => RecipeReader.Read("paper", Settings.Parse(["network.classes=8"]), 10)).Message);
    }

    [Fact]
    public void The_digest_holds_what_determines_the_numbers_and_nothing_else()
    {
        string paper = RecipeText.Digest(Read("paper"));
        Assert.Equal(paper, RecipeText.Digest(Read("paper", "schedule.epochs=3", "checkpoint-steps=7")));
        foreach (string set in new[] { "seed=1", "batch=64", "schedule.patience=6", "network.fc7.dropout=0.4", "network.response.alpha=0.0002", "augmentation.mirror=off" })
            Assert.NotEqual(paper, RecipeText.Digest(Read("paper", set)));
        Assert.Equal(["descent.momentum (0.8, was 0.9)"], RecipeText.Differences(Read("paper", "descent.momentum=0.8"), Read("paper")));
    }
}
