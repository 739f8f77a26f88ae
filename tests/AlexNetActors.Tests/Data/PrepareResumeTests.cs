using System.Diagnostics;
using AlexNetActors.Data;

namespace AlexNetActors.Tests.Data;

/// <summary>A preparation killed anywhere goes on and ends with the same bytes.</summary>
public class PrepareResumeTests
{
    static readonly PrepareOptions Small = new(RecordSize: 24) { PicturesPerSync = 5 };
    static readonly string[] Products = ["train.pack", "validation.pack", "mean.f32", "pack.json", "prepare-report.json"];

    [Fact]
    public void FromEveryPointAtWhichItMayBeKilled()
    {
        using var folder = new TemporaryFolder();
        Source(folder);
        int cuts = 0;
        // What is on disk at each report is what a kill would leave there.
        Prepare.Run(folder["in"], folder["whole"], Small, new Immediately(_ => TemporaryFolder.Copy(folder["whole"], folder[$"cut{cuts++}"])));
        Assert.InRange(cuts, 8, 20);
        for (int cut = 0; cut < cuts; cut++)
        {
            Assert.Throws<DataUseException>(() => DataFolder.Open(folder[$"cut{cut}"]));
            int first = -1;
            Prepare.Run(folder["in"], folder[$"cut{cut}"], Small, new Immediately(progress => first = first < 0 ? progress.Done : first));
            Assert.True(cut < 2 ? first == 0 || first == 5 : first > 5 * (cut - 2), $"cut {cut} went on from {first}");
            AssertSame(folder, $"cut{cut}");
        }
    }

    [Fact]
    public void FromATornJournalOrPack()
    {
        using var folder = new TemporaryFolder();
        Source(folder);
        Prepare.Run(folder["in"], folder["whole"], Small, new Immediately(progress => { if (progress.Done == 30) TemporaryFolder.Copy(folder["whole"], folder["cut"]); }));
        byte[] journal = File.ReadAllBytes(folder["cut", "prepare.journal"]), pack = File.ReadAllBytes(folder["cut", "train.pack.partial"]);
        int at = 0;
        foreach (double share in (double[])[0, 0.02, 0.3, 0.301, 0.77, 0.999])
        {
            Resume($"journal{at}", journal[..(int)(journal.Length * share)], pack);
            Resume($"pack{at}", journal, pack[..(int)(pack.Length * share)]);
            byte[] flipped = (byte[])pack.Clone();
            flipped[(int)(pack.Length * share)] ^= 16;
            Resume($"flip{at}", journal, flipped);
            byte[] scratched = (byte[])journal.Clone();
            scratched[(int)(journal.Length * share)] ^= 1;
            Resume($"scratch{at++}", scratched, pack);
        }

        void Resume(string name, byte[] withJournal, byte[] withPack)
        {
            TemporaryFolder.Copy(folder["cut"], folder[name]);
            File.WriteAllBytes(folder[name, "prepare.journal"], withJournal);
            File.WriteAllBytes(folder[name, "train.pack.partial"], withPack);
            Prepare.Run(folder["in"], folder[name], Small);
            AssertSame(folder, name);
        }
    }

    [Fact]
    public void FromBetweenTheTwoFinalNames()
    {
        using var folder = new TemporaryFolder();
        Source(folder);
        Prepare.Run(folder["in"], folder["whole"], Small, new Immediately(progress =>
        {
            if (progress.Done == progress.Total) TemporaryFolder.Copy(folder["whole"], folder["cut"]);
        }));
        File.Delete(folder["cut", "train.pack.partial"]);
        File.Copy(folder["whole", "train.pack"], folder["cut", "train.pack"]);
        int first = -1;
        Prepare.Run(folder["in"], folder["cut"], Small, new Immediately(progress => first = first < 0 ? progress.Done : first));
        Assert.Equal(45, first);
        AssertSame(folder, "cut");
    }

    [Fact]
    public void AfterBeingStopped()
    {
        using var folder = new TemporaryFolder();
        Source(folder);
        Prepare.Run(folder["in"], folder["whole"], Small);
        using var stop = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => Prepare.Run(folder["in"], folder["out"], Small, new Immediately(progress => { if (progress.Done >= 10) stop.Cancel(); }), stop.Token));
        Assert.Throws<DataUseException>(() => DataFolder.Open(folder["out"]));
        int first = -1;
        Prepare.Run(folder["in"], folder["out"], Small, new Immediately(progress => first = first < 0 ? progress.Done : first));
        Assert.Equal(10, first);
        AssertSame(folder, "out");
    }

    [Fact]
    public void AfterAPictureCouldNotBeRead()
    {
        using var folder = new TemporaryFolder();
        Source(folder);
        Prepare.Run(folder["in"], folder["whole"], Small);
        string picture = folder["in", "class2", "10.jpg"];
        using (new FileStream(picture, FileMode.Open, FileAccess.ReadWrite, FileShare.None)) // as a lack of permission does, to root too
        {
            var error = Assert.Throws<DataException>(() => Prepare.Run(folder["in"], folder["out"], Small));
            Assert.Contains($"cannot read class2/10.jpg of {picture}: ", error.Message);
            Assert.Contains("run the same command again", error.Message);
            Assert.DoesNotContain('\n', error.Message);
            Assert.Throws<DataUseException>(() => DataFolder.Open(folder["out"]));
        }
        int first = -1;
        Prepare.Run(folder["in"], folder["out"], Small, new Immediately(progress => first = first < 0 ? progress.Done : first));
        AssertSame(folder, "out");
        Assert.True(first < 45, $"went on from {first}");
    }

    [Fact]
    public void ButNotWithASourceThatHasChanged()
    {
        using var folder = new TemporaryFolder();
        Source(folder);
        Prepare.Run(folder["in"], folder["whole"], Small, new Immediately(progress => { if (progress.Done == 20) TemporaryFolder.Copy(folder["whole"], folder["cut"]); }));
        File.WriteAllBytes(folder["in", "class0", "00.jpg"], TestPictures.Jpeg(9999));
        Prepare.Run(folder["in"], folder["cut"], Small);
        Prepare.Run(folder["in"], folder["fresh"], Small);
        Assert.Equal(File.ReadAllBytes(folder["fresh", "train.pack"]), File.ReadAllBytes(folder["cut", "train.pack"]));
    }

    [Fact]
    public void AfterTheDiskWasFull()
    {
        using var folder = new TemporaryFolder();
        Source(folder);
        Prepare.Run(folder["in"], folder["whole"], Small);
        Directory.CreateDirectory(folder["disk"]);
        if (!OperatingSystem.IsLinux() || !Run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder["disk"])) Assert.Skip("a small disk can only be mounted by root on Linux");
        try
        {
            bool filled = false;
            var filling = new Immediately(progress =>
            {
                if (progress.Done < 10 || filled) return;
                filled = true;
                Fill(folder["disk", "filler"]);
            });
            var error = Assert.Throws<DataException>(() => Prepare.Run(folder["in"], folder["disk", "out"], Small, filling));
            Assert.Contains("No space left", error.Message);
            Assert.DoesNotContain('\n', error.Message);
            Assert.Throws<DataUseException>(() => DataFolder.Open(folder["disk", "out"]));
            Assert.Contains(" MB: make room", Assert.Throws<DataException>(() => Prepare.Run(folder["in"], folder["disk", "out"], Small)).Message);

            File.Delete(folder["disk", "filler"]);
            int first = -1;
            Prepare.Run(folder["in"], folder["disk", "out"], Small, new Immediately(progress => first = first < 0 ? progress.Done : first));
            Assert.InRange(first, 5, 20);
            AssertSame(folder, Path.Combine("disk", "out"));
        }
        finally
        {
            Run("umount", folder["disk"]);
        }
    }

    static void Source(TemporaryFolder folder)
    {
        TestPictures.WriteClasses(folder["in"], classes: 3, files: 15);
        File.WriteAllText(folder["in", "class0", "03.jpg"], "");
        File.WriteAllText(folder["in", "class2", "14.jpg"], "<html>");
    }

    static void AssertSame(TemporaryFolder folder, string name)
    {
        foreach (string product in Products) Assert.Equal(File.ReadAllBytes(folder["whole", product]), File.ReadAllBytes(folder[name, product]));
        Assert.False(File.Exists(folder[name, "prepare.journal"]));
        Assert.Empty(Directory.GetFiles(folder[name], "*.partial"));
    }

    static void Fill(string path)
    {
        using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        try
        {
            for (byte[] block = new byte[512]; ;) file.Write(block);
        }
        catch (IOException)
        {
            // Full: that is what it is for.
        }
    }

    static bool Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true });
        process!.WaitForExit();
        return process.ExitCode == 0;
    }
}
