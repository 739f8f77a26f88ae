using System.Diagnostics;
using System.Text;
using AlexNetActors.Data;

namespace AlexNetActors.Tests.Data;

public class PrepareTests
{
    static readonly PrepareOptions Small = new(RecordSize: 32) { PicturesPerSync = 8 };

    [Fact]
    public void ATrainAndAValFolderBecomeADataSet()
    {
        using var folder = new TemporaryFolder();
        TestPictures.WriteClasses(folder["in", "train"], classes: 3, files: 7);
        TestPictures.WriteClasses(folder["in", "val"], classes: 3, files: 2, seed: 5000);
        var report = Prepare.Run(folder["in"], folder["out"], Small);
        using var data = DataFolder.Open(folder["out"]);
        data.Verify();
        Assert.Equal(["class0", "class1", "class2"], data.Classes);
        Assert.Equal((21, 6, 32), (data.Train.Count, data.Validation.Count, data.RecordSize));
        Assert.Equal(data.Digest, report.Digest);
        Assert.All(report.Classes, count => Assert.Equal((7, 2), (count.Training, count.Validation)));
        Assert.Empty(report.Skipped);

        // Records lie in the order of classes and names, and are what the decoder makes of the files.
        using var decoder = new ImageDecoder(32);
        byte[] record = new byte[32 * 32 * 3];
        for (int i = 0; i < 21; i++)
        {
            Assert.Null(decoder.Decode(File.ReadAllBytes(folder["in", "train", $"class{i / 7}", $"{i % 7:00}.jpg"]), record));
            Assert.Equal(record, data.Train.Record(i).ToArray());
            Assert.Equal(i / 7, data.Train.Label(i));
        }
        Assert.Equal([".lock", "mean.f32", "pack.json", "prepare-report.json", "train.pack", "validation.pack"], Directory.GetFiles(folder["out"]).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void LinksToPicturesAndFoldersHoweverDeepAreRead()
    {
        using var folder = new TemporaryFolder();
        TestPictures.WriteClasses(folder["store"], classes: 2, files: 6);
        foreach (int label in (int[])[0, 1])
        {
            string deep = Directory.CreateDirectory(folder["in", $"class{label}", "a", "b", "c", "d", "e", "f"]).FullName;
            for (int n = 0; n < 6; n++)
            {
                string picture = folder["store", $"class{label}", $"{n:00}.jpg"];
                if (n < 3) File.CreateSymbolicLink(folder["in", $"class{label}", $"{n:00}.jpg"], picture);
                else File.Copy(picture, Path.Combine(deep, $"{n:00}.jpg"));
            }
        }
        File.CreateSymbolicLink(folder["in", "class0", "nowhere.jpg"], folder["gone.jpg"]);
        var report = Prepare.Run(folder["in"], folder["out"], Small);
        Assert.Equal(["class0/nowhere.jpg"], report.Skipped.Select(skipped => skipped.File));
        Assert.Equal(12, report.Classes.Sum(c => c.Training + c.Validation));

        Directory.CreateSymbolicLink(folder["in", "class1", "loop"], folder["in", "class1"]);
        Assert.Contains("class1/loop is a link to a folder", Assert.Throws<DataException>(() => Prepare.Run(folder["in"], folder["again"], Small)).Message.Replace('\\', '/'));
    }

    [Fact]
    public void AClassMayBeCalledTrain()
    {
        using var folder = new TemporaryFolder();
        TestPictures.WriteClasses(folder["in"], classes: 2, files: 5);
        Directory.Move(folder["in", "class1"], folder["in", "train"]);
        Assert.Equal(["class0", "train"], Prepare.Run(folder["in"], folder["out"], Small).Classes.Select(c => c.Name));
    }

    [Fact]
    public async Task ANamedPipeIsSkippedAndNotWaitedFor()
    {
        using var folder = new TemporaryFolder();
        TestPictures.WriteClasses(folder["in"], classes: 2, files: 6);
        if (OperatingSystem.IsWindows()) Assert.Skip("Windows has no named pipes among its files");
        using (var pipe = Process.Start("mkfifo", folder["in", "class1", "pipe.jpg"])) pipe.WaitForExit();
        var report = await Task.Run(() => Prepare.Run(folder["in"], folder["out"], Small)).WaitAsync(TimeSpan.FromSeconds(120), TestContext.Current.CancellationToken);
        Assert.Equal([new SkippedFile("class1/pipe.jpg", "empty file")], report.Skipped);
    }

    [Fact]
    public void WithoutAValFolderAShareOfEachClassIsSetAside()
    {
        using var folder = new TemporaryFolder();
        TestPictures.WriteClasses(folder["in"], classes: 2, files: 20);
        TestPictures.WriteClasses(folder["in"], classes: 1, files: 30);
        var report = Prepare.Run(folder["in"], folder["a"], Small);
        Assert.Equal([("class0", 27, 3), ("class1", 18, 2)], report.Classes.Select(c => (c.Name, c.Training, c.Validation)));
        Assert.Equal(report.Digest, Prepare.Run(folder["in"], folder["b"], Small).Digest);
        Assert.NotEqual(report.Digest, Prepare.Run(folder["in"], folder["c"], Small with { SplitSeed = 1 }).Digest);
        Assert.Equal(17, Prepare.Run(folder["in"], folder["d"], Small with { ValidationShare = 0.33 }).Classes.Sum(c => c.Validation));
    }

    [Fact]
    public void TheBytesDoNotDependOnTheThreads()
    {
        using var folder = new TemporaryFolder();
        TestPictures.WriteClasses(folder["in"], classes: 3, files: 40);
        File.WriteAllText(folder["in", "class1", "07.jpg"], "<html>");
        var one = Prepare.Run(folder["in"], folder["1"], Small with { Threads = 1 });
        foreach (int threads in (int[])[2, 3, 8])
        {
            Prepare.Run(folder["in"], folder[$"{threads}"], Small with { Threads = threads });
            foreach (string name in (string[])["train.pack", "validation.pack", "mean.f32", "pack.json", "prepare-report.json"])
                Assert.Equal(File.ReadAllBytes(folder["1", name]), File.ReadAllBytes(folder[$"{threads}", name]));
        }
        Assert.Equal(["class1/07.jpg"], one.Skipped.Select(skipped => skipped.File));
        Assert.Contains("HTML", one.Skipped[0].Reason);
    }

    [Fact]
    public void AFinishedTargetIsLeftAloneUnlessItIsDamaged()
    {
        using var folder = new TemporaryFolder();
        TestPictures.WriteClasses(folder["in"], classes: 2, files: 10);
        var first = Prepare.Run(folder["in"], folder["out"], Small);
        Assert.False(first.AlreadyDone);
        var again = Prepare.Run(folder["in"], folder["out"], Small with { Threads = 1 });
        Assert.True(again.AlreadyDone);
        Assert.Equal(first.Digest, again.Digest);

        byte[] whole = File.ReadAllBytes(folder["out", "train.pack"]);
        byte[] damaged = (byte[])whole.Clone();
        damaged[6000] ^= 1;
        File.WriteAllBytes(folder["out", "train.pack"], damaged);
        Assert.False(Prepare.Run(folder["in"], folder["out"], Small).AlreadyDone);
        Assert.Equal(whole, File.ReadAllBytes(folder["out", "train.pack"]));

        File.Delete(folder["in", "class0", "00.jpg"]);
        Assert.Contains("already holds another data set", Assert.Throws<DataUseException>(() => Prepare.Run(folder["in"], folder["out"], Small)).Message);
        Assert.Contains("already holds another data set", Assert.Throws<DataUseException>(() => Prepare.Run(folder["in"], folder["out"], Small with { RecordSize = 40 })).Message);
    }

    [Fact]
    public void AFinishedTargetThatCannotBeReadIsLeftAlone()
    {
        using var folder = new TemporaryFolder();
        TestPictures.WriteClasses(folder["in"], classes: 2, files: 10);
        Prepare.Run(folder["in"], folder["out"], Small);
        foreach (string name in (string[])["train.pack", "mean.f32"])
            using (new FileStream(folder["out", name], FileMode.Open, FileAccess.ReadWrite, FileShare.None)) // as a lack of permission does, to root too
                Refused("cannot read ");
        foreach (string name in (string[])["pack.json", "train.pack"])
        {
            byte[] whole = File.ReadAllBytes(folder["out", name]), newer = (byte[])whole.Clone();
            if (name == "pack.json") newer = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(whole).Replace("\"format\": 1", "\"format\": 2"));
            else newer[8]++;
            File.WriteAllBytes(folder["out", name], newer);
            Refused("has format version 2");
            File.WriteAllBytes(folder["out", name], whole);
        }
        Assert.True(Prepare.Run(folder["in"], folder["out"], Small).AlreadyDone);

        void Refused(string expected)
        {
            Assert.Contains(expected, Assert.Throws<DataUnreadableException>(() => Prepare.Run(folder["in"], folder["out"], Small)).Message);
            Assert.True(File.Exists(folder["out", "pack.json"]));
        }
    }

    [Fact]
    public void ADataSetWithoutAReportIsNoOtherDataSet()
    {
        using var folder = new TemporaryFolder();
        TestPictures.WriteClasses(folder["in"], classes: 2, files: 5);
        Prepare.Run(folder["in"], folder["out"], Small);
        foreach (string text in (string[])["", "{}", "null"])
        {
            File.WriteAllText(folder["out", "prepare-report.json"], text); // a power cut could once leave it empty
            Assert.Contains("its prepare-report.json, which says of what source it is, is missing or damaged", Assert.Throws<DataException>(() => Prepare.Run(folder["in"], folder["out"], Small)).Message);
        }
        DataFolder.Open(folder["out"]).Dispose();
    }

    [Theory]
    [InlineData("mean.f32", 20)]
    [InlineData("pack.json", 20)]
    [InlineData("train.pack", 7)] // the record that is damaged
    [InlineData("validation.pack", 18)]
    [InlineData("train.pack, its tables", 0)]
    [InlineData("train.pack, another", 0)]
    public void OfADamagedTargetWhatIsWholeIsKept(string what, int kept)
    {
        using var folder = new TemporaryFolder();
        string[] products = ["train.pack", "validation.pack", "mean.f32", "pack.json", "prepare-report.json"];
        string damaged = what.Split(',')[0];
        TestPictures.WriteClasses(folder["in"], classes: 2, files: 10);
        File.WriteAllText(folder["in", "class0", "00.jpg"], "<html>");
        Prepare.Run(folder["in"], folder["whole"], Small);
        Prepare.Run(folder["in"], folder["out"], Small);
        byte[] bytes = File.ReadAllBytes(folder["out", damaged]);
        int recordBytes = 32 * 32 * 3;
        if (what == "train.pack, another") SmallData.WritePack(folder["out", damaged], 17, 32, 2);
        else
        {
            bytes[what switch { "train.pack" => 4096 + 6 * recordBytes, "train.pack, its tables" => bytes.Length - 1, _ => bytes.Length / 2 }] ^= 1;
            File.WriteAllBytes(folder["out", damaged], bytes);
        }
        var said = new List<string>();
        int first = -1;
        Prepare.Run(folder["in"], folder["out"], Small, new Immediately(progress => first = first < 0 ? progress.Done : first), say: said.Add);
        Assert.Equal(kept, first);
        Assert.Contains(damaged, Assert.Single(said));
        foreach (string product in products) Assert.Equal(File.ReadAllBytes(folder["whole", product]), File.ReadAllBytes(folder["out", product]));
        Assert.Equal([".lock", .. products.Order(StringComparer.Ordinal)], Directory.GetFiles(folder["out"]).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void UnfitSourcesAreRefusedInOneLine()
    {
        using var folder = new TemporaryFolder();
        Refused(folder["none"], "there is no folder");
        Directory.CreateDirectory(folder["empty"]);
        Refused(folder["empty"], "no class folders");
        TestPictures.WriteClasses(folder["one"], classes: 1, files: 3);
        Refused(folder["one"], "only one class");
        TestPictures.WriteClasses(folder["hole"], classes: 3, files: 3);
        foreach (string file in Directory.GetFiles(folder["hole", "class1"])) File.Delete(file);
        Refused(folder["hole"], "class class1 of");
        TestPictures.WriteClasses(folder["broken"], classes: 3, files: 3);
        foreach (string file in Directory.GetFiles(folder["broken", "class2"])) File.WriteAllText(file, "no picture");
        Refused(folder["broken"], "class class2 has no readable training picture");
        TestPictures.WriteClasses(folder["lonely", "train"], classes: 2, files: 3);
        Refused(folder["lonely"], "neither val nor validation");
        TestPictures.WriteClasses(folder["lonely", "val"], classes: 3, files: 1);
        Refused(folder["lonely"], "class class2 is in");
        TestPictures.WriteClasses(folder["blind", "train"], classes: 2, files: 3);
        TestPictures.WriteClasses(folder["blind", "validation"], classes: 2, files: 1);
        foreach (string file in Directory.GetFiles(folder["blind", "validation"], "*", SearchOption.AllDirectories)) File.WriteAllText(file, "");
        Refused(folder["blind"], "none of the 2 validation pictures");

        TestPictures.WriteClasses(folder["good"], classes: 2, files: 3);
        Assert.Contains("lies in the source", Assert.Throws<DataUseException>(() => Prepare.Run(folder["good"], folder["good", "packs"], Small)).Message);
        File.WriteAllText(folder["file"], "");
        Assert.Contains("cannot write", Assert.Throws<DataException>(() => Prepare.Run(folder["good"], folder["file"], Small)).Message);
        Assert.Contains("cannot write", Assert.Throws<DataException>(() => Prepare.Run(folder["good"], folder["file", "packs"], Small)).Message);

        void Refused(string source, string expected)
        {
            var error = Assert.ThrowsAny<DataException>(() => Prepare.Run(source, folder["out"], Small));
            Assert.Contains(expected, error.Message);
            Assert.DoesNotContain('\n', error.Message);
            Assert.False(File.Exists(folder["out", "pack.json"]));
        }
    }

    [Fact]
    public void TwoAtOnceDoNotShareATarget()
    {
        using var folder = new TemporaryFolder();
        TestPictures.WriteClasses(folder["in"], classes: 2, files: 10);
        Exception? second = null;
        var progress = new Immediately(_ => second ??= Record.Exception(() => Prepare.Run(folder["in"], folder["out"], Small)));
        Prepare.Run(folder["in"], folder["out"], Small, progress);
        Assert.Contains("another process is writing", Assert.IsType<DataException>(second).Message);
    }
}

/// <summary>Progress told on the reporting thread, before it goes on.</summary>
sealed class Immediately(Action<PrepareProgress> told) : IProgress<PrepareProgress>
{
    public void Report(PrepareProgress value) => told(value);
}
