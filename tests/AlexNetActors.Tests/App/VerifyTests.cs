using System.Text.Json.Nodes;
using AlexNetActors.Model;

namespace AlexNetActors.Tests.App;

/// <summary>alexnet verify: what is whole is said to be, what is not is found and named, and what is used instead.</summary>
public sealed class VerifyTests : IDisposable
{
    const int Steps = 16; // of 8 among 20 records: 6 whole epochs

    readonly Workshop _workshop = new();

    public void Dispose() => _workshop.Dispose();

    string Metrics => Path.Combine(_workshop.In("run"), "metrics.jsonl");

    Alexnet.Result Verify(int code, string? path = null) => Alexnet.Run("verify", path ?? _workshop.In("run"), "--json").Expect(code);

    static string[] Faults(Alexnet.Result result) => [.. result.Json["ledger"]!["faults"]!.AsArray().Select(f => (string)f!)];

    void RequireWhole()
    {
        var whole = Verify(0).Json;
        Assert.True((bool)whole["whole"]!);
        Assert.All(whole["checkpoints"]!.AsArray(), c => Assert.True((bool)c!["whole"]!));
        Assert.Equal((Steps, 6, 20), ((int)whole["ledger"]!["steps"]!, (int)whole["ledger"]!["epochs"]!, (int)whole["ledger"]!["records"]!));
    }

    [Fact]
    public void A_run_killed_and_resumed_has_used_every_sample_once_an_epoch()
    {
        string[] start = _workshop.Train("run", "--steps", $"{Steps}");
        foreach (int lines in new[] { 4, 9 })
        {
            var process = Alexnet.Start(start);
            Alexnet.WaitUntil(process, () => Lines() >= lines);
            Alexnet.Kill(process);
            Verify(0); // also as the kill has left it
            start = _workshop.Resume("run");
        }
        Alexnet.Run(start).Expect(0);
        RequireWhole();
        Assert.Equal(Enumerable.Range(1, Steps), _workshop.Metrics("run", "step").Select(l => (int)l["step"]!));
    }

    /// <summary>What it has listed is replaced by newer ones before it is read: they take as long to read as a step.</summary>
    [Fact]
    public void Of_a_run_that_goes_on_nothing_is_damaged()
    {
        var process = Alexnet.Start(_workshop.Train("run", "--steps", "1000000", "--set", "checkpoint-steps=1", "--set", "network.fc6.kernels=1024", "--set", "network.fc7.kernels=1024"));
        Alexnet.WaitUntil(process, () => Lines() >= 20);
        for (int n = 0; n < 3; n++) Verify(0);
        Alexnet.Kill(process);
    }

    int Lines()
    {
        if (!File.Exists(Metrics)) return 0;
        using var reader = new StreamReader(new FileStream(Metrics, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        return reader.ReadToEnd().Count(c => c == '\n');
    }

    [Fact]
    public void A_line_removed_repeated_damaged_or_of_another_batch_is_found_and_its_step_named()
    {
        _workshop.TrainTo("run", Steps);
        RequireWhole();
        string[] lines = File.ReadAllLines(Metrics);
        int Line(int step) => Array.FindIndex(lines, l => l.Contains("\"kind\":\"step\"") && (int)JsonNode.Parse(l)!["step"]! == step);
        string[] After(params string[] tampered)
        {
            File.WriteAllLines(Metrics, tampered);
            return Faults(Verify(1));
        }

        int seven = Line(7);
        Assert.Equal(["step 7 has no line", "epoch 3 has 12 samples, the pack has 20 records"], After([.. lines[..seven], .. lines[(seven + 1)..]]));
        Assert.StartsWith("line " + (seven + 2) + " is of step 7, which had its line before: trained twice", After([.. lines[..(seven + 1)], lines[seven], .. lines[(seven + 1)..]])[0]);
        Assert.Contains($"line {seven + 1} is damaged", After([.. lines[..seven], lines[seven].Replace("\"kind\":\"step\"", "\"kind\"\"step\""), .. lines[(seven + 1)..]]));

        var sixthBatchAgain = JsonNode.Parse(lines[seven])!.AsObject();
        sixthBatchAgain["records"] = JsonNode.Parse(lines[Line(6)])!["records"]!.DeepClone();
        var faults = After([.. lines[..seven], sixthBatchAgain.ToJsonString(), .. lines[(seven + 1)..]]);
        Assert.Contains("step 7 was trained on other records than those of its batch", faults);
        Assert.Contains(faults, f => f.StartsWith("epoch 3 has ", StringComparison.Ordinal));

        var silent = JsonNode.Parse(lines[seven])!.AsObject();
        silent.Remove("records");
        Assert.Contains("step 7 does not say what it was trained on", After([.. lines[..seven], silent.ToJsonString(), .. lines[(seven + 1)..]]));
    }

    /// <summary>Lines that are JSON and still none that was written: no command takes them for anything else, and none falls over them.</summary>
    [Theory]
    [InlineData("validation", "\"epoch\"", "\"epnch\"")]
    [InlineData("validation", "\"epoch\":", "\"epoch\":1.5,\"was\":")]
    [InlineData("step", "\"step\":", "\"step\":2000000000000000000,\"was\":")]
    [InlineData("step", "\"kind\":\"step\"", "\"kind\":7")]
    [InlineData("step", "gather 1", "gauher 1")]
    [InlineData("step", "gather 1", "gather 9")]
    public void A_line_with_a_field_that_is_none_stops_no_command(string kind, string from, string to)
    {
        _workshop.TrainTo("run", 9);
        string[] lines = File.ReadAllLines(Metrics);
        int damaged = Array.FindIndex(lines, l => l.Contains($"\"kind\":\"{kind}\""));
        string line = lines[damaged].Replace(from, to, StringComparison.Ordinal);
        Assert.NotEqual(lines[damaged], line);
        lines[damaged] = line;
        File.WriteAllLines(Metrics, lines);
        string events = Path.Combine(_workshop.In("run"), "events.jsonl");
        File.AppendAllText(events, """{"event":"broken","time":1e300,"why":7}""" + "\n");

        bool isStill = to.StartsWith("ga", StringComparison.Ordinal); // what the step took, which no sum needs
        Assert.Equal(isStill ? [] : [$"line {damaged + 1} is damaged"], Faults(Verify(isStill ? 0 : 1)).Take(1));
        Alexnet.Run("report", _workshop.In("run")).Expect(0);
        Alexnet.Run("trace", _workshop.In("run"), _workshop.In("trace.json")).Expect(0);
        Alexnet.Run(_workshop.Resume("run", "--steps", "12")).Expect(0);
    }

    /// <summary>As after a power cut: the checkpoints are on the disk, the lines are not.</summary>
    [Fact]
    public void Lines_lost_with_a_process_are_accounted_for_by_the_checkpoint_that_the_run_goes_on_from()
    {
        _workshop.TrainTo("run", 9);
        string[] lines = File.ReadAllLines(Metrics);
        int fifth = Array.FindIndex(lines, l => l.Contains("\"kind\":\"step\",\"step\":5,"));
        File.WriteAllText(Metrics, string.Join('\n', lines[..fifth]) + "\n" + lines[fifth][..20]);
        Assert.Contains("the ledger of the checkpoint after step 9 accounts for them", string.Join('\n', Verify(0).Json["ledger"]!["notes"]!.AsArray()));

        Alexnet.Run(_workshop.Resume("run", "--steps", $"{Steps}")).Expect(0);
        RequireWhole();
        File.WriteAllLines(Metrics, File.ReadAllLines(Metrics).Where(l => !l.Contains("\"kind\":\"gap\"")));
        Assert.Equal("steps 5 to 9 have no line", Faults(Verify(1))[0]);
    }

    /// <summary>A flipped bit in the middle of the metrics costs its line and no other when the run goes on.</summary>
    [Fact]
    public void A_damaged_line_does_not_cost_the_lines_behind_it()
    {
        _workshop.TrainTo("run", 9);
        string[] lines = File.ReadAllLines(Metrics);
        lines[2] = "\u0001" + lines[2][1..];
        File.WriteAllLines(Metrics, lines);
        Alexnet.Run(_workshop.Resume("run", "--steps", "12")).Expect(0);
        Assert.Equal(lines, File.ReadAllLines(Metrics)[..lines.Length]);
        Assert.Contains("line 3 is damaged", Faults(Verify(1)));
    }

    [Fact]
    public void Flipped_bits_anywhere_in_a_checkpoint_are_found_and_their_file_named_and_the_one_before_is_used()
    {
        const int Flips = 300;
        _workshop.TrainTo("run", 9);
        var checkpoints = _workshop.Checkpoints("run");
        string[] files = Directory.GetFiles(checkpoints[0].Folder);
        long bytes = files.Sum(f => new FileInfo(f).Length);
        var random = new Random(9);
        for (int n = 0; n < Flips; n++)
        {
            // A third in each file, or the manifest, which is small, would hardly be hit.
            string file = files[n % files.Length];
            byte[] whole = File.ReadAllBytes(file), flipped = [.. whole];
            flipped[random.Next(whole.Length)] ^= (byte)(1 << random.Next(8));
            File.WriteAllBytes(file, flipped);
            Assert.StartsWith(file, Assert.Single(CheckpointFolder.Damage(checkpoints[0].Folder)));
            var reports = new List<string>();
            Assert.Equal(checkpoints[1].Folder, new CheckpointFolder(Path.GetDirectoryName(checkpoints[0].Folder)!).NewestWhole(reports.Add)!.Value.Folder);
            Assert.StartsWith(file, Assert.Single(reports));
            if (n < files.Length) RequireNamed(Verify(1), file, checkpoints);
            if (n == 0)
            {
                var one = Verify(1, checkpoints[0].Folder);
                Assert.StartsWith(file, (string)one.Json["damage"]![0]!);
                Assert.Equal(checkpoints[1].Folder, (string?)one.Json["usedInstead"]);
                Verify(0, checkpoints[1].Folder);
            }
            File.WriteAllBytes(file, whole);
        }
        Verify(0);
    }

    static void RequireNamed(Alexnet.Result result, string file, IReadOnlyList<(long Steps, string Folder)> checkpoints)
    {
        var damaged = Assert.Single(result.Json["checkpoints"]!.AsArray(), c => !(bool)c!["whole"]!)!;
        Assert.Equal((checkpoints[0].Folder, checkpoints[1].Folder), ((string)damaged["checkpoint"]!, (string)damaged["usedInstead"]!));
        Assert.StartsWith(file, (string)damaged["damage"]![0]!);
        Assert.Contains($"{checkpoints[0].Folder}: damaged, {checkpoints[1].Folder} is used instead", result.Err);
        Assert.True((bool)result.Json["ledger"]!["whole"]!); // the others' is
    }

    [Theory]
    [InlineData("run.json")]
    [InlineData("recipe.conf")]
    [InlineData("mean.f32")]
    public void What_makes_a_run_is_checked_too(string name)
    {
        _workshop.TrainTo("run", 3);
        string file = Path.Combine(_workshop.In("run"), name);
        byte[] whole = File.ReadAllBytes(file), flipped = [.. whole];
        int at = name == "recipe.conf" ? File.ReadAllText(file).IndexOf("batch = 8", StringComparison.Ordinal) + 8 : whole.Length / 2;
        flipped[at] ^= 1;
        File.WriteAllBytes(file, flipped);
        Assert.Contains(name, Verify(1).Err);
        File.WriteAllBytes(file, whole[..(whole.Length / 2)]);
        Assert.Contains(name, Verify(1).Err);
        File.Delete(file);
        Assert.Contains(name, Verify(1).Err);
        File.WriteAllBytes(file, whole);
        Verify(0);
    }

    [Fact]
    public void A_checkpoint_of_another_run_is_no_whole_one_of_this()
    {
        _workshop.TrainTo("run", 3);
        _workshop.TrainTo("other", 4, "--set", "seed=9");
        string from = _workshop.Checkpoints("other")[0].Folder, to = Path.Combine(_workshop.In("run"), "checkpoints", Path.GetFileName(from));
        Directory.CreateDirectory(to);
        foreach (string file in Directory.GetFiles(from)) File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        Assert.Contains($"{to} is of another run", Verify(1).Err);
    }

    [Fact]
    public void What_is_neither_run_nor_checkpoint_is_wrong_use()
    {
        foreach (string path in new[] { _workshop.In("nothing"), _workshop.Data })
            Assert.StartsWith("alexnet: ", Alexnet.Run("verify", path).Expect(2).Err);
    }
}
