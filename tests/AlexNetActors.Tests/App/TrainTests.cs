using AlexNetActors.App;
using AlexNetActors.Model;

namespace AlexNetActors.Tests.App;

/// <summary>What a run leaves behind and prints.</summary>
public sealed class TrainTests : IDisposable
{
    readonly Workshop _workshop = new();

    public void Dispose() => _workshop.Dispose();

    [Fact]
    public void A_run_folder_holds_recipe_metrics_and_checkpoints_and_the_last_line_is_json()
    {
        var result = _workshop.TrainTo("run", 7);
        Assert.Single(result.Out.TrimEnd().Split('\n'));
        Assert.Equal(7, (int)result.Json["step"]!);
        Assert.Equal(2, (int)result.Json["epoch"]!);
        Assert.Equal(_workshop.In("run"), (string)result.Json["run"]!);
        foreach (string number in new[] { "loss", "top1Error", "top5Error", "trainingLoss", "imagesPerSecond", "dataWaitShare" }) Assert.True((double)result.Json[number]! >= 0, number);

        var steps = _workshop.Metrics("run", "step");
        Assert.Equal(Enumerable.Range(1, 7), steps.Select(l => (int)l["step"]!));
        Assert.All(steps, l => Assert.Equal(["A", "B"], l["towers"]!.AsArray().Select(t => (string)t!["towers"]!)));
        Assert.All(steps, l => Assert.True((double)l["towers"]![0]!["computeMs"]! > 0));
        Assert.Equal([3, 5, 7], _workshop.Metrics("run", "validation").Select(l => (int)l["step"]!));
        Assert.Equal(result.Digest, (string)_workshop.Metrics("run", "checkpoint")[^1]["weightsSha256"]!);
        Assert.Equal(result.Digest, (string)Assert.Single(_workshop.Metrics("run", "summary"))["weightsSha256"]!);

        var stored = RecipeReader.Read(Path.Combine(_workshop.In("run"), "recipe.conf"), Settings.None);
        Assert.Equal(RecipeText.Digest(RecipeReader.Read(_workshop.RecipeFile, Settings.None, 10)), RecipeText.Digest(stored));
        Assert.Contains("validation after step 3 (epoch 1)", result.Err);
    }

    /// <summary>With loaders, metrics and actors; validation and checkpoints lie outside, the first steps find their working memory.</summary>
    [Fact]
    public void A_steady_step_allocates_no_device_buffer_and_hardly_any_managed_memory()
    {
        const int steps = 60;
        var result = _workshop.TrainTo("run", steps, "--set", "checkpoint-steps=1000", "--set", "alexnet.loaders=2");
        Assert.Contains("  memory       ", result.Err);
        Assert.InRange((double)result.Json["firstStepBegunSeconds"]!, 0.01, (double)result.Json["firstStepDoneSeconds"]!);
        Assert.InRange((long)result.Json["peakResidentBytes"]!, 10 << 20, 1L << 40);
        Assert.InRange((long)result.Json["managedBytesPerStep"]!, 0, (64 << 10) - 1);
        Assert.Equal(0, (int)result.Json["deviceBuffersOfLastSteps"]!);

        var lines = _workshop.Metrics("run", "step");
        Assert.All(lines.Skip(1), l => Assert.Equal(0, (int)l["deviceBuffers"]!));
        // The median: a step of this network lasts about a millisecond, and what the runtime does beside it falls on some.
        Assert.InRange(lines.Skip(steps / 2).Select(l => (long)l["managedBytes"]!).Order().ElementAt(steps / 4), 0, (64 << 10) - 1);
    }

    [Fact]
    public void An_odd_number_of_classes_gets_an_empty_one_and_says_so()
    {
        string pictures = _workshop.In("pictures");
        foreach (string name in new[] { "ash", "birch", "cedar" })
            for (int i = 0; i < 10; i++)
                File.WriteAllBytes(Path.Combine(Directory.CreateDirectory(Path.Combine(pictures, name)).FullName, $"{i}.bmp"), Bitmap(40, (byte)(i * 20 + name[0])));
        File.WriteAllText(Path.Combine(pictures, "ash", "leaf.jpg"), "<html>not found</html>");
        var result = Alexnet.Run("prepare", pictures, _workshop.In("trees"), "--size", "36", "--json").Expect(0);
        Assert.Contains(" records of 36 pixels, 3 classes, 1 file skipped", result.Err);
        var prepared = result.Json;
        Assert.Equal(3, (int)prepared["classes"]!);
        Assert.Equal(30, (int)prepared["training"]! + (int)prepared["validation"]!);

        result = Alexnet.Run("train", "--recipe", _workshop.RecipeFile, "--data", _workshop.In("trees"), "--run", _workshop.In("run"), "--steps", "2", "--json").Expect(0);
        Assert.Contains("3 classes get one more that stays empty", result.Err);
        Assert.Contains("network.classes = 4\n", File.ReadAllText(Path.Combine(_workshop.In("run"), "recipe.conf")));
    }

    [Fact]
    public void A_run_that_nobody_has_named_takes_no_folder_that_is_there()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "needs a shell");
        string runs = Directory.CreateDirectory(_workshop.In("runs")).FullName;
        for (int second = -1; second < 120; second++) Directory.CreateDirectory(Path.Combine(runs, $"{DateTime.Now.AddSeconds(second):yyyyMMdd-HHmmss}-tiny", "notes"));
        string train = string.Join(' ', Alexnet.Command.Concat(["train", "--recipe", _workshop.RecipeFile, "--data", _workshop.Data, "--steps", "1", "--json"]).Select(a => $"'{a}'"));
        Assert.EndsWith("-tiny-2", (string)Alexnet.Wait(Alexnet.StartProcess("/bin/sh", "-c", $"cd '{_workshop.Folder}'; exec {train}")).Expect(0).Json["run"]!);
    }

    [Fact]
    public void A_start_that_is_refused_leaves_nothing_behind()
    {
        string folder = Directory.CreateDirectory(_workshop.In("notes")).FullName;
        File.WriteAllText(Path.Combine(folder, "note"), "");
        Alexnet.Run(_workshop.Train("notes")).Expect(2);
        Assert.Equal([Path.Combine(folder, "note")], Directory.EnumerateFileSystemEntries(folder));
    }

    static byte[] Bitmap(int side, byte value)
    {
        var file = new byte[54 + 3 * side * side];
        "BM"u8.CopyTo(file);
        foreach (var (at, number) in new[] { (2, file.Length), (10, 54), (14, 40), (18, side), (22, side), (26, 1 | 24 << 16) }) BitConverter.TryWriteBytes(file.AsSpan(at), number);
        file.AsSpan(54).Fill(value);
        return file;
    }
}
