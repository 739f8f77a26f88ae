using AlexNetActors.Compute;
using AlexNetActors.Data;
using AlexNetActors.Model;

namespace AlexNetActors.Tests.Model;

/// <summary>A checkpoint comes back whole or not at all; the newest two and the best are kept.</summary>
public sealed class CheckpointFolderTests : IDisposable
{
    readonly string _path = Directory.CreateTempSubdirectory("alexnet-test-").FullName;
    readonly CheckpointFolder _folder;

    static readonly Network Network = new(4, 2,
        [new("conv1", 2, Size: 3, Pad: 1), new("fc", 2, SeesBoth: true)], LocalResponse.Paper);

    static readonly LearningRateSchedule Schedule = new(0.01f, 10, 3, 5, 0);

    public CheckpointFolderTests() => _folder = new CheckpointFolder(Path.Combine(_path, "checkpoints"));

    public void Dispose() => Directory.Delete(_path, recursive: true);

    static Tower[] Towers(IDevice device, ulong seed)
    {
        Tower[] towers = [.. TowerIds.Both.Select(id => new Tower(Network, id, device, 1, seed, new float[48], training: true))];
        foreach (var tower in towers) tower.Initialize();
        return towers;
    }

    static TowerState[] States(ulong seed)
    {
        using var device = new ReferenceDevice();
        return [.. Towers(device, seed).Select(t => TowerStates.Capture(t))];
    }

    static RunProgress After(long steps, long best = 0) =>
        new(steps, new ScheduleState(0.001f, 1, 0.25, 2, false), 3, steps, best == 0 ? double.PositiveInfinity : 0.125, best) { ValidatedSteps = best, Ledger = new Ledger(2, 3, RecordSum.Of([1, 2, 3])) };

    string Save(long steps, long best = 0, ulong seed = 1)
    {
        var states = States(seed);
        string partial = _folder.Begin(steps);
        string[] hashes = [.. states.Select(s => CheckpointFolder.WriteTower(partial, s))];
        return _folder.Commit(new CheckpointManifest(CheckpointManifest.CurrentFormat, After(steps, best), "recipe", "data", "reference", hashes, WeightsDigest.Of(states[0], states[1])));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(340)]
    public void RoundTripGivesTheSameRun(long best)
    {
        var (manifest, towers) = CheckpointFolder.Load(Save(340, best));
        Assert.Equal(After(340, best), manifest.Progress);
        Assert.Equal(("recipe", "data", "reference"), (manifest.RecipeDigest, manifest.DataDigest, manifest.DeviceKind));
        using var device = new ReferenceDevice();
        var restored = Towers(device, seed: 2);
        foreach (var (tower, state) in restored.Zip(towers)) TowerStates.Restore(tower, state);
        foreach (var (tower, original) in restored.Zip(States(1)))
            foreach (var (got, expected) in TowerStates.Capture(tower).Values.Zip(original.Values))
            {
                Assert.Equal(expected.Name, got.Name);
                Assert.Equal(expected.Data, got.Data);
            }
    }

    /// <summary>Stopped before it could give its checkpoint the name, it wakes when another has taken over and writes the same one.</summary>
    [Fact]
    public void One_that_comes_too_late_cannot_name_what_another_is_writing()
    {
        string before = Save(10);
        CheckpointFolder late = new(_folder.Path), another = new(_folder.Path);
        var towers = States(1);
        CheckpointFolder.WriteTower(late.Begin(20), towers[0]);
        string partial = another.Begin(20);
        CheckpointFolder.WriteTower(partial, towers[0]);
        Assert.Throws<CheckpointException>(() => late.Commit(CheckpointManifest.Read(before) with { Progress = After(20) }));
        Assert.True(Directory.Exists(partial));
        Assert.Equal([(10, before)], _folder.List());
    }

    [Fact]
    public void NewestTwoAndTheBestOfEachAreKept()
    {
        Save(10, best: 10);
        for (int steps = 20; steps <= 50; steps += 10) Save(steps, best: 10);
        Assert.Equal([50, 40, 10], Steps());
        Save(60, best: 60);
        Assert.Equal([60, 50, 10], Steps()); // 50 calls 10 the best: should 60 turn out damaged, there is one
        Save(70, best: 60);
        Assert.Equal([70, 60], Steps());
    }

    IEnumerable<long> Steps() => _folder.List().Select(c => c.Steps);

    /// <summary>One that was passed over is none of the newest two, or the next that is written would have nothing to fall back to.</summary>
    [Fact]
    public void WhatWasPassedOverIsNotCountedAmongThoseKept()
    {
        foreach (long steps in new[] { 10, 20, 30 }) Save(steps, best: 10, seed: (ulong)steps);
        Assert.Equal([30, 20, 10], Steps());
        foreach (long steps in new[] { 30, 20 }) Damage(steps);
        Assert.Equal(10, _folder.NewestWhole(_ => { }, setAside: true)!.Value.Manifest.Progress.Steps);
        Assert.Equal([30, 20], _folder.SetAside().Select(c => c.Steps));
        Save(15, best: 10);
        Assert.Equal([15, 10], Steps());
        Save(25, best: 10);
        Assert.Equal([30, 20], _folder.SetAside().Select(c => c.Steps));
        Assert.Equal([25, 15, 10], Steps());
        foreach (long steps in new[] { 30, 40 }) Save(steps, best: 10);
        Assert.Equal([40, 30, 10], Steps());
        Save(50, best: 10);
        Assert.Empty(_folder.SetAside());
    }

    /// <summary>A disk that hiccups or an older program does not make it damaged: it keeps its name, and nothing older takes its place behind its back.</summary>
    [Fact]
    public void WhatCannotBeReadIsLeftAlone()
    {
        foreach (long steps in new[] { 10, 20 }) Save(steps, best: 10);
        string manifest = Path.Combine(_folder.List()[0].Folder, "manifest.json");
        string other = File.ReadAllText(manifest).Replace($"\"format\": {CheckpointManifest.CurrentFormat}", "\"format\": 99"), sha256 = CheckpointManifest.Read(_folder.List()[0].Folder).Sha256;
        File.WriteAllText(manifest, other.Replace(sha256, new string('0', 64))); // its own hash is another, too
        Assert.Contains("has format 99", Assert.Throws<CheckpointUnreadableException>(() => _folder.NewestWhole(_ => { }, setAside: true)).Message);
        Assert.Equal([20, 10], Steps());
        Assert.Empty(_folder.SetAside());
        Assert.Equal(10, _folder.NewestWhole(_ => { })!.Value.Manifest.Progress.Steps); // for who only looks

        File.WriteAllText(manifest, other); // a flipped bit in the number makes no other format of it
        Assert.Equal(10, _folder.NewestWhole(_ => { }, setAside: true)!.Value.Manifest.Progress.Steps);
        Assert.Equal([20], _folder.SetAside().Select(c => c.Steps));
    }

    /// <summary>A group that goes back while later checkpoints are there: what it writes first stays, though it is older than two others.</summary>
    [Fact]
    public void OneWrittenBehindAGoingBackStays()
    {
        foreach (long steps in new[] { 10, 20, 30 }) Save(steps, best: 10);
        Save(15, best: 10);
        Assert.Equal([30, 20, 15, 10], Steps());
    }

    void Damage(long steps)
    {
        string file = Path.Combine(_folder.List().Single(c => c.Steps == steps).Folder, CheckpointFolder.TowerFile(TowerId.B));
        byte[] bytes = File.ReadAllBytes(file);
        bytes[^1] ^= 1;
        File.WriteAllBytes(file, bytes);
    }

    [Fact]
    public void WritingTheSameStepsAgainReplacesIt()
    {
        Save(10, seed: 1);
        Save(10, seed: 2);
        var (_, towers) = CheckpointFolder.Load(Assert.Single(_folder.List()).Folder);
        Assert.Equal(States(2)[0].Values[0].Data, towers[0].Values[0].Data);
    }

    /// <summary>A process that is killed while it replaces a checkpoint leaves the old one under another name, alone or beside the new one.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void OneThatWasBeingReplacedIsStillThereAndNoOtherProcessLeavesItSo(bool newOneHasItsName)
    {
        const string Replaced = ".replaced";
        Directory.Move(Save(10), _folder.Path + "/step-00000010" + Replaced);
        if (newOneHasItsName)
        {
            Directory.Move(_folder.Path, _folder.Path + "-before");
            Save(10, seed: 2);
            Directory.Move(_folder.Path + "-before/step-00000010" + Replaced, _folder.Path + "/step-00000010" + Replaced);
        }
        Assert.Equal([10], Steps());
        Assert.Equal(newOneHasItsName ? null : Replaced, Path.GetExtension(_folder.List()[0].Folder) is { Length: > 0 } extension ? extension : null);
        _folder.Begin(20);
        Assert.Equal(Path.Combine(_folder.Path, "step-00000010"), Assert.Single(_folder.List()).Folder);
        Assert.Empty(Directory.GetDirectories(_folder.Path, "*" + Replaced));
        Assert.Equal(States(newOneHasItsName ? 2u : 1)[0].Values[0].Data, CheckpointFolder.Load(_folder.List()[0].Folder).Towers[0].Values[0].Data);
    }

    [Fact]
    public void BeforeTheFirstValidationTheNewestIsTheBestWithoutAWord()
    {
        Save(10);
        string newest = Save(20);
        Assert.Equal(newest, _folder.BestWhole(Assert.Fail)!.Value.Folder);
    }

    [Fact]
    public void UnfinishedCheckpointsAreNotListed()
    {
        Save(10);
        CheckpointFolder.WriteTower(_folder.Begin(20), States(1)[0]);
        Directory.CreateDirectory(Path.Combine(_folder.Path, "step-x"));
        Assert.Equal([10], _folder.List().Select(c => c.Steps));
        Assert.Equal(10, _folder.NewestWhole(Assert.Fail)!.Value.Manifest.Progress.Steps);
    }

    [Fact]
    public void EmptyOrMissingFolderHasNone()
    {
        Assert.Empty(_folder.List());
        Assert.Null(_folder.NewestWhole(Assert.Fail));
    }

    [Fact]
    public void EveryFlippedByteIsFoundAndItsFileNamed()
    {
        string folder = Save(340, best: 340);
        foreach (string file in Directory.GetFiles(folder))
        {
            byte[] whole = File.ReadAllBytes(file);
            for (int n = 0; n < whole.Length; n++)
            {
                File.WriteAllBytes(file, [.. whole[..n], (byte)(whole[n] ^ 1 << n % 8), .. whole[(n + 1)..]]);
                Assert.StartsWith(file, Refused(folder));
                Assert.StartsWith(file, Assert.Single(CheckpointFolder.Damage(folder)));
            }
            File.WriteAllBytes(file, whole);
        }
        Assert.Empty(CheckpointFolder.Damage(folder));
    }

    [Fact]
    public void EveryDamagedFileIsNamed()
    {
        string folder = Save(340);
        foreach (var tower in TowerIds.Both) File.WriteAllBytes(Path.Combine(folder, CheckpointFolder.TowerFile(tower)), []);
        Assert.Equal(["tower-A", "tower-B"], CheckpointFolder.Damage(folder).Select(d => Path.GetFileName(d.Split(".safetensors")[0])));
    }

    [Fact]
    public void AFolderInPlaceOfAFileAndAFileThatCannotBeReadAreRefused()
    {
        string folder = Save(340);
        foreach (string file in Directory.GetFiles(folder))
        {
            byte[] whole = File.ReadAllBytes(file);
            File.Delete(file);
            Directory.CreateDirectory(file);
            Assert.Contains(Path.GetFileName(file), Refused(folder));
            Directory.Delete(file);
            if (OperatingSystem.IsLinux())
            {
                File.CreateSymbolicLink(file, "/dev/zero"); // without a length it is not opened
                Assert.StartsWith(file, Refused(folder));
                File.Delete(file);
            }
            File.WriteAllBytes(file, whole);
            using (new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.None)) Assert.StartsWith($"{file} cannot be read", Refused(folder)); // somebody keeps it for himself
        }
    }

    [Fact]
    public void AManifestOfAnotherStepIsRefused()
    {
        string folder = Save(340);
        Directory.Move(folder, folder.Replace("340", "350"));
        Assert.EndsWith("is of step 340, its folder's name says step 350: give the folder its name back", Refused(folder.Replace("340", "350")));
    }

    /// <summary>Files that are what the manifest says of them, and still not the weights that it says.</summary>
    [Fact]
    public void WeightsOfAnotherDigestAreRefused()
    {
        var states = States(1);
        string partial = _folder.Begin(10);
        string[] hashes = [.. states.Select(s => CheckpointFolder.WriteTower(partial, s))];
        string folder = _folder.Commit(new CheckpointManifest(CheckpointManifest.CurrentFormat, After(10), "recipe", "data", "reference", hashes, WeightsDigest.Of(states[1], states[0])));
        Assert.StartsWith($"{folder} is damaged: its weights have digest {WeightsDigest.Of(states[0], states[1])[..16]}..., the manifest says ", Refused(folder));
    }

    [Fact]
    public void CutFilesAreRefused()
    {
        string folder = Save(340);
        foreach (string file in Directory.GetFiles(folder))
        {
            byte[] whole = File.ReadAllBytes(file);
            for (int cut = 0; cut < 60; cut++)
            {
                File.WriteAllBytes(file, whole[..(whole.Length * cut / 60)]);
                Assert.Contains(folder, Refused(folder));
            }
            File.WriteAllBytes(file, whole);
        }
    }

    static string? Refused(string folder)
    {
        try
        {
            CheckpointFolder.Load(folder);
            return null;
        }
        catch (CheckpointException e)
        {
            return e.Message;
        }
    }

    [Fact]
    public void DamagedCheckpointIsReportedAndTheOneBeforeUsed()
    {
        Save(10, seed: 1);
        string newest = Save(20, seed: 2), file = Path.Combine(newest, CheckpointFolder.TowerFile(TowerId.B));
        byte[] bytes = File.ReadAllBytes(file);
        bytes[^1] ^= 1;
        File.WriteAllBytes(file, bytes);
        var reports = new List<string>();
        Assert.Equal(10, _folder.NewestWhole(reports.Add)!.Value.Manifest.Progress.Steps);
        string report = Assert.Single(reports);
        Assert.StartsWith($"{file} is damaged: its SHA-256 is", report);
        Assert.EndsWith("the checkpoint before it is used", report);
        Damage(10);
        Assert.Null(_folder.NewestWhole(reports.Add));
        Assert.EndsWith("there is none before it", reports[^1]);
    }

    [Fact]
    public void MissingFilesAreNamed()
    {
        string folder = Save(10);
        File.Delete(Path.Combine(folder, "tower-A.safetensors"));
        Assert.EndsWith("tower-A.safetensors is missing", Refused(folder));
        File.Delete(Path.Combine(folder, "manifest.json"));
        Assert.EndsWith("is not a checkpoint: it has no manifest.json", Refused(folder));
    }

    [Fact]
    public void OtherFormatsAreRefused()
    {
        string folder = Save(10), file = Path.Combine(folder, "manifest.json");
        File.WriteAllText(file, File.ReadAllText(file).Replace("\"format\": 2", "\"format\": 1").Replace(CheckpointManifest.Read(folder).Sha256, new string('0', 64)));
        Assert.EndsWith("has format 1, this version reads 2: use the version that wrote it", Refused(folder));
    }

    [Fact]
    public void CheckpointOfAnotherNetworkIsRefused()
    {
        var states = States(1);
        using var device = new ReferenceDevice();
        var tower = Towers(device, 1)[0];
        var without = states[0] with { Values = [.. states[0].Values.Where(v => v.Name != "fc.bias")] };
        Assert.Equal("tower A of the checkpoint has no fc.bias", Assert.Throws<CheckpointException>(() => TowerStates.Restore(tower, without)).Message);
        var reshaped = states[0] with { Values = [.. states[0].Values.Select(v => v.Name == "fc.weight" ? v with { Shape = [2, 16] } : v)] };
        Assert.Equal("fc.weight of tower A is [2, 16] in the checkpoint, the network wants [1, 32]", Assert.Throws<CheckpointException>(() => TowerStates.Restore(tower, reshaped)).Message);
    }

    [Fact]
    public void UnwritablePlaceIsOneLine()
    {
        File.WriteAllText(Path.Combine(_path, "file"), "");
        var e = Assert.Throws<CheckpointException>(() => new CheckpointFolder(Path.Combine(_path, "file", "checkpoints")).Begin(1));
        Assert.StartsWith("cannot write the checkpoint", e.Message);
        Assert.DoesNotContain('\n', e.Message);
    }
}
