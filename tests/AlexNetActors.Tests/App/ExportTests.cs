using AlexNetActors.App;
using AlexNetActors.Compute.Cpu;
using AlexNetActors.Data;
using AlexNetActors.Model;
using AlexNetActors.Tests.Data;

namespace AlexNetActors.Tests.App;

/// <summary>alexnet export and import: out and in again is the same network; what does not fit is refused by name.</summary>
public sealed class ExportTests : IDisposable
{
    readonly Workshop _workshop = new();

    public void Dispose() => _workshop.Dispose();

    string File => _workshop.In("network.safetensors");

    Alexnet.Result Import(string run, int code, params string[] more) =>
        Alexnet.Run(["import", File, "--recipe", _workshop.RecipeFile, "--data", _workshop.Data, "--run", _workshop.In(run), "--json", .. more]).Expect(code);

    /// <summary>Changes what the file holds.</summary>
    void Rewrite(Func<IReadOnlyList<NamedValues>, IEnumerable<NamedValues>> change) => SafeTensors.Write(File, [.. change(SafeTensors.Read(File))], new Dictionary<string, string>());

    string Refusal(int code) => Assert.Single(Import("never", code).Err.TrimEnd().Split('\n'));

    [Fact]
    public void Exported_and_imported_it_is_the_same_network_bit_for_bit_and_trains_on_from_rest()
    {
        _workshop.TrainTo("run", 5);
        string newest = _workshop.Checkpoints("run")[0].Folder;
        var exported = Alexnet.Run("export", newest, File, "--json").Expect(0).Json;
        Assert.Equal((newest, 5), ((string)exported["checkpoint"]!, (int)exported["step"]!));
        Assert.Equal(new FileInfo(File).Length, (long)exported["bytes"]!);

        var imported = Import("imported", 0);
        Assert.Equal((string)exported["weightsSha256"]!, imported.Digest);
        Assert.DoesNotContain("mean image", imported.Err);
        var values = SafeTensors.Read(File);
        Alexnet.Run("export", _workshop.In("imported"), File).Expect(0);
        foreach (var (first, second) in values.Zip(SafeTensors.Read(File)))
        {
            Assert.Equal(first.Name, second.Name);
            Assert.Equal(first.Data.Select(BitConverter.SingleToInt32Bits), second.Data.Select(BitConverter.SingleToInt32Bits));
        }

        Alexnet.Run("verify", _workshop.In("imported")).Expect(0);
        double loss = (double)Alexnet.Run("evaluate", newest, "--json").Expect(0).Json["loss"]!;
        Assert.Equal(loss, (double)Alexnet.Run("evaluate", _workshop.In("imported"), "--json").Expect(0).Json["loss"]!);
        var on = Alexnet.Run(_workshop.Resume("imported", "--steps", "2")).Expect(0);
        Assert.Contains("resumes after step 0", on.Err);
        Assert.NotEqual(imported.Digest, on.Digest);
    }

    [Fact]
    public void The_best_checkpoint_is_exported_as_it_is_the_one_that_is_evaluated()
    {
        _workshop.TrainTo("run", 6);
        string evaluated = (string)Alexnet.Run("evaluate", _workshop.In("run"), "--json").Expect(0).Json["checkpoint"]!;
        foreach (string name in new[] { "network.safetensors", "network.onnx" })
        {
            Assert.Equal(evaluated, (string)Alexnet.Run("export", _workshop.In("run"), _workshop.In(name), "--json").Expect(0).Json["checkpoint"]!);
            Assert.False(System.IO.File.Exists(_workshop.In(name + ".partial")));
        }
    }

    [Fact]
    public void For_other_classes_the_last_layer_begins_anew_and_the_others_are_those_of_the_file()
    {
        string three = _workshop.In("three");
        Alexnet.Run("train", "--recipe", "quickstart", "--set", "batch=8", "--data", _workshop.Data, "--run", _workshop.In("ten"), "--steps", "2").Expect(0);
        Alexnet.Run("export", _workshop.In("ten"), File).Expect(0);
        TestPictures.WriteClasses(_workshop.In("pictures"), classes: 3, files: 8);
        Alexnet.Run("prepare", _workshop.In("pictures"), three, "--size", "36").Expect(0);
        string[] import = ["import", File, "--recipe", "quickstart", "--set", "batch=8", "--data", three, "--run", _workshop.In("fine"), "--json"];
        Assert.EndsWith("classifier.6.weight is [10, 256], wanted [4, 256]; classifier.6.bias is [10], wanted [4]; to begin anew what does not fit: --fresh fc8", Alexnet.Run(import).Expect(2).Err.TrimEnd());
        Assert.Contains("recipe quickstart has no layer 'fc9': --fresh takes conv1, conv2, conv3, conv4, conv5, fc6, fc7, fc8", Alexnet.Run([.. import, "--fresh", "fc8,fc9"]).Expect(2).Err);
        var imported = Alexnet.Run([.. import, "--fresh", "fc8"]).Expect(0);
        Assert.Contains("fc8 begun anew", imported.Err);
        Alexnet.Run("export", _workshop.In("fine"), _workshop.In("fine.safetensors")).Expect(0);

        using var data = DataFolder.Open(three);
        using var device = new CpuDevice(1);
        var recipe = RecipeReader.Read("quickstart", Settings.Parse(["batch=8"]), data.Classes.Count);
        var begun = new SequentialTrainer(recipe, data, device, new RunLimits(data.Train.Count, recipe.Batch, 3, recipe.CheckpointSteps, recipe.Schedule));
        var whole = new WholeNetwork(recipe.Network);
        var drawn = whole.Merge(TowerStates.Capture(begun.Towers[0]), TowerStates.Capture(begun.Towers[1])).ToDictionary(v => v.Name);
        var (file, fine) = (SafeTensors.Read(File).ToDictionary(v => v.Name), SafeTensors.Read(_workshop.In("fine.safetensors")).ToDictionary(v => v.Name));
        foreach (var (name, shape) in whole.Parameters)
        {
            Assert.Equal(shape, fine[name].Shape);
            Assert.Equal((name.StartsWith("classifier.6.", StringComparison.Ordinal) ? drawn : file)[name].Data.Select(BitConverter.SingleToInt32Bits), fine[name].Data.Select(BitConverter.SingleToInt32Bits));
        }

        var (_, towers) = CheckpointFolder.Load((string)imported.Json["checkpoint"]!);
        foreach (var tower in begun.Towers) TowerStates.Restore(tower, towers[(int)tower.Id]);
        begun.Run();
        Assert.Equal(begun.Digest(), Alexnet.Run(_workshop.Resume("fine", "--steps", "3")).Expect(0).Digest);
    }

    [Fact]
    public void What_does_not_fit_is_refused_by_name_and_nothing_is_made()
    {
        _workshop.TrainTo("run", 1);
        Alexnet.Run("export", _workshop.In("run"), File).Expect(0);
        byte[] whole = System.IO.File.ReadAllBytes(File);

        Rewrite(values => values.Where(v => v.Name != "features.8.bias").Select(v => v.Name == "classifier.3.weight" ? v with { Shape = [64] } : v).Append(new NamedValues("features.99.weight", [1], [1])));
        string refusal = Refusal(2);
        Assert.Contains("does not fit recipe tiny with 10 classes: features.8.bias is missing; classifier.3.weight is [64], wanted [8, 8]; features.99.weight is not wanted", refusal);

        System.IO.File.WriteAllBytes(File, whole[..(whole.Length / 2)]);
        Assert.Contains("is not a safetensors file", Refusal(1));
        System.IO.File.WriteAllText(File, System.Text.Encoding.Latin1.GetString(whole).Replace("\"F32\"", "\"F16\""), System.Text.Encoding.Latin1);
        Assert.Contains("features.0.weight has values of type F16, wanted F32", Refusal(1));
        System.IO.File.Delete(File);
        Assert.Contains("there is no file", Refusal(2));
        Assert.False(Directory.Exists(_workshop.In("never")));
    }

    [Fact]
    public void Weights_of_other_pictures_are_taken_and_the_mean_image_is_the_data_sets()
    {
        _workshop.TrainTo("run", 1);
        Alexnet.Run("export", _workshop.In("run"), File).Expect(0);
        Rewrite(values => values.Select(v => v.Name == "mean" ? v with { Data = [.. v.Data.Select(x => x + 2)] } : v));
        Assert.Contains("they differ by up to 2.0 of 255; the data set's is used", Import("imported", 0).Err);
    }
}
