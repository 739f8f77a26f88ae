using AlexNetActors.Data;

namespace AlexNetActors.Tests.App;

/// <summary>What --resume goes on with, and what it refuses.</summary>
public sealed class ResumeTests : IDisposable
{
    readonly Workshop _workshop = new();

    public void Dispose() => _workshop.Dispose();

    string Refused(int code, params string[] args)
    {
        string error = Alexnet.Run(args).Expect(code).Err.TrimEnd().Split('\n')[^1];
        Assert.StartsWith("alexnet: ", error);
        return error;
    }

    [Fact]
    public void Another_recipe_data_set_or_kind_of_device_is_refused_and_the_same_ones_go_on()
    {
        _workshop.TrainTo("run", 2);
        Assert.Contains("schedule.rate (0.5, was 0.01)", Refused(2, _workshop.Resume("run", "--set", "schedule.rate=0.5")));
        Assert.Contains("network.conv1.kernels (8, was 4)", Refused(2, _workshop.Resume("run", "--recipe", _workshop.RecipeFile, "--set", "network.conv1.kernels=8")));
        Assert.Contains("kind cpu-fast, --device asks for reference", Refused(2, _workshop.Resume("run", "--device", "reference")));
        Assert.Contains("kind cpu-fast, --device asks for cpu-direct", Refused(2, _workshop.Resume("run", "--device", "cpu-direct")));
        BuiltInPictures.Create(_workshop.In("other"), new BuiltInSettings(21, 7, RecordSize: 36)).Dispose();
        Assert.Contains("another data set", Refused(2, _workshop.Resume("run", "--data", _workshop.In("other"))));

        var resumed = Alexnet.Run(_workshop.Resume("run", "--recipe", _workshop.RecipeFile, "--data", _workshop.Data, "--device", "cpu,cpu", "--steps", "4")).Expect(0);
        Assert.Contains("resumes after step 2 from", resumed.Err);
        Assert.Equal(_workshop.Expected(4), resumed.Digest);
        Assert.Equal(5, (int)Alexnet.Run(_workshop.Resume("run", "--set", "schedule.epochs=2")).Expect(0).Json["step"]!); // 20 records in batches of 8
    }

    [Fact]
    public void A_run_on_the_built_in_pictures_goes_on_where_they_lie_elsewhere()
    {
        Alexnet.Result Of(string user, params string[] args) => Alexnet.Wait(Alexnet.StartProcess("env", [$"XDG_DATA_HOME={_workshop.In(user)}", .. Alexnet.Command, .. args]));
        string run = _workshop.In("run");
        Of("one", "train", "--run", run, "--steps", "2").Expect(0);
        Directory.Delete(_workshop.In("one"), recursive: true);
        Assert.Equal(500, (int)Of("other", "evaluate", run, "--json").Expect(0).Json["images"]!);
        Assert.Equal(3, (int)Of("other", "train", "--run", run, "--resume", "--steps", "3", "--json").Expect(0).Json["step"]!);
        Assert.False(Directory.Exists(_workshop.In("one")));

        _workshop.TrainTo("mine", 2); // of the same classes, but not those pictures
        Directory.Move(_workshop.Data, _workshop.In("moved"));
        Assert.Contains($"there is no folder {_workshop.Data}", Of("other", "evaluate", _workshop.In("mine")).Expect(2).Err);
    }

    [Fact]
    public void Fewer_steps_than_are_done_are_refused_and_change_nothing()
    {
        _workshop.TrainTo("run", 5);
        Assert.Contains("is after step 5 already and cannot stop after step 3: resume with more of --steps or --epochs", Refused(2, _workshop.Resume("run", "--steps", "3")));
        Assert.Equal(5, (int)Alexnet.Run(_workshop.Resume("run")).Expect(0).Json["step"]!);
    }

    [Fact]
    public void Nothing_to_resume_is_an_error_and_so_is_a_fresh_start_over_a_run()
    {
        Assert.Contains("holds no run to resume", Refused(2, _workshop.Resume("nothing")));
        _workshop.TrainTo("run", 1);
        Assert.Contains("already holds a run of recipe tiny: go on with it by --resume", Refused(2, _workshop.Train("run")));
        Assert.Contains("is not empty", Refused(2, _workshop.Train("data")));
    }

    [Fact]
    public void A_damaged_checkpoint_is_passed_over_for_the_one_before_it()
    {
        _workshop.TrainTo("run", 6);
        var checkpoints = _workshop.Checkpoints("run");
        Workshop.Damage(Path.Combine(checkpoints[0].Folder, "tower-B.safetensors"));
        var resumed = Alexnet.Run(_workshop.Resume("run", "--steps", "8")).Expect(0);
        Assert.Contains($"{checkpoints[0].Folder}/tower-B.safetensors is damaged", resumed.Err);
        Assert.Contains($"resumes after step {checkpoints[1].Steps} from {checkpoints[1].Folder}", resumed.Err);
        Assert.Equal(_workshop.Expected(8), resumed.Digest);
        Assert.Equal(Enumerable.Range(1, 8), _workshop.Metrics("run", "step").Select(l => (int)l["step"]!));

        foreach (var (_, folder) in _workshop.Checkpoints("run")) Workshop.Damage(Path.Combine(folder, "tower-A.safetensors"));
        Assert.Contains("no checkpoint of", Refused(1, _workshop.Resume("run")));
        Assert.Contains("no whole checkpoint", Refused(1, "digest", _workshop.In("run")));
    }

    [Fact]
    public void A_folder_that_a_process_trains_into_is_refused_to_a_second_one()
    {
        _workshop.TrainTo("run", 1);
        using (new FileStream(Path.Combine(_workshop.In("run"), ".lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None))
            Assert.Contains("another process trains into", Refused(2, _workshop.Resume("run")));
        Alexnet.Run(_workshop.Resume("run")).Expect(0);
    }

    [Fact]
    public void A_finished_run_has_nothing_left_to_do_and_says_what_it_reached()
    {
        var first = _workshop.TrainTo("run", 5);
        var again = Alexnet.Run(_workshop.Resume("run")).Expect(0);
        Assert.Equal(5, (int)again.Json["step"]!);
        Assert.Equal(first.Digest, again.Digest);
        Assert.Equal((double)first.Json["top1Error"]!, (double)again.Json["top1Error"]!);
        Assert.Null(again.Json["imagesPerSecond"]); // nothing was trained, so there is no speed
        Assert.Equal((double)first.Json["imagesPerSecond"]!, (double)Assert.Single(_workshop.Metrics("run", "summary"))["imagesPerSecond"]!);
        Assert.Contains("<dt>speed</dt>", File.ReadAllText(Path.Combine(_workshop.In("run"), "report.html")));

        Alexnet.Run(_workshop.Resume("run", "--steps", "7")).Expect(0);
        Assert.Equal([5, 7], _workshop.Metrics("run", "summary").Select(s => (int)s["step"]!)); // each time that it came to its end
    }

    [Fact]
    public void Of_runs_that_nobody_names_the_newest_goes_on()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "needs a shell");
        Alexnet.Result Resume(params string[] more) => Alexnet.Wait(Alexnet.StartProcess("/bin/sh", ["-c", "cd \"$0\"; exec \"$@\"", _workshop.Folder, .. Alexnet.Command, "train", "--resume", "--json", .. more]));
        Assert.Contains("there is none: name the folder of a run with --run", Assert.Single(Resume().Expect(2).Err.TrimEnd().Split('\n')));
        _workshop.TrainTo("runs/second", 2);
        _workshop.TrainTo("runs/first", 1);
        Directory.CreateDirectory(_workshop.In("runs/third"));
        Assert.Equal("runs/first", (string)Resume("--steps", "2").Expect(0).Json["run"]!);
        Alexnet.Run(_workshop.Resume("runs/second", "--steps", "3")).Expect(0);
        Assert.Equal("runs/second", (string)Resume("--steps", "4").Expect(0).Json["run"]!);
    }

    /// <summary>Its weights are those of another recipe than the file has now.</summary>
    [Fact]
    public void A_run_whose_recipe_was_edited_is_used_by_nobody()
    {
        _workshop.TrainTo("run", 2);
        string run = _workshop.In("run"), recipe = Path.Combine(run, "recipe.conf"), whole = File.ReadAllText(recipe);
        File.WriteAllText(recipe, whole.Replace("network.response.alpha = 0.0001\n", "network.response.alpha = 0.5\n"));
        foreach (string[] command in new string[][] { ["evaluate", run], ["predict", run, _workshop.RecipeFile], ["export", run, _workshop.In("out.onnx")], ["report", run], ["trace", run, _workshop.In("out.json")], _workshop.Resume("run") })
            Assert.Contains($"the recipe.conf of {run} is not the one its run was started with: restore it", Refused(1, command));
        Assert.Contains("is not the one its run was started with", Alexnet.Run("verify", run).Expect(1).Out);
        File.Delete(recipe);
        Assert.Contains($"{recipe} cannot be read: Could not find file", Refused(1, "evaluate", run));
        File.WriteAllText(recipe, whole);
        Alexnet.Run("evaluate", run, "--set", "batch=4").Expect(0);
    }

    [Fact]
    public void Checkpoints_that_are_not_there_are_not_taken_for_none_yet()
    {
        _workshop.TrainTo("run", 4);
        string run = _workshop.In("run"), checkpoints = Path.Combine(run, "checkpoints"), metrics = File.ReadAllText(Path.Combine(run, "metrics.jsonl"));
        string weights = _workshop.In("weights.safetensors"), imported = _workshop.In("imported");
        Alexnet.Run("export", run, weights).Expect(0);
        Alexnet.Run("import", weights, "--recipe", _workshop.RecipeFile, "--data", _workshop.Data, "--run", imported).Expect(0);
        Directory.Move(checkpoints, checkpoints + "-away");
        Directory.Move(Path.Combine(imported, "checkpoints"), Path.Combine(imported, "checkpoints-away"));
        Assert.Contains($"{checkpoints} has no checkpoint, and metrics.jsonl tells of one after step 4: mount or restore", Refused(1, _workshop.Resume("run", "--steps", "6")));
        Assert.Contains("tells of one after step 0", Refused(1, _workshop.Resume("imported", "--steps", "6")));
        Assert.Contains("tells of one after step 4", Refused(1, "evaluate", run));
        Assert.Contains("tells of one after step 4", Alexnet.Run("verify", run).Expect(1).Out);
        Assert.Equal(metrics, File.ReadAllText(Path.Combine(run, "metrics.jsonl")));
        Directory.Move(checkpoints + "-away", checkpoints);
        Assert.Equal(_workshop.Expected(6), Alexnet.Run(_workshop.Resume("run", "--steps", "6")).Expect(0).Digest);
    }

    [Fact]
    public void A_run_whose_folder_is_removed_while_it_trains_has_failed()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows keeps a folder whose files are open");
        var process = Alexnet.Start(_workshop.Train("run", "--steps", "1000000", "--set", "checkpoint-steps=400"));
        Alexnet.WaitUntil(process, () => _workshop.Metrics("run", "step").Count >= 4);
        Directory.Move(_workshop.In("run"), _workshop.In("away"));
        string error = Assert.Single(Alexnet.Wait(process).Expect(1).Err.Split('\n'), l => l.StartsWith("alexnet: ", StringComparison.Ordinal));
        Assert.Contains(_workshop.In("run"), error); // that it has been removed; or the file that was about to be written
        Assert.False(Directory.Exists(_workshop.In("run")));
    }
}
