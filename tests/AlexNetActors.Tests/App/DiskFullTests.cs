namespace AlexNetActors.Tests.App;

/// <summary>A disk that fills up while a checkpoint is written: a file system of 400 kB, made in a namespace of the test's own.</summary>
public sealed class DiskFullTests : IDisposable
{
    const int NoNamespace = 77;

    readonly Workshop _workshop = new();

    public void Dispose() => _workshop.Dispose();

    [Fact]
    public void A_full_disk_ends_the_run_in_one_line_and_loses_nothing()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && File.Exists("/usr/bin/unshare"), "needs Linux and unshare to make a small file system");
        string disk = Directory.CreateDirectory(_workshop.In("disk")).FullName, run = Path.Combine(disk, "run");
        string alexnet = string.Join(' ', Alexnet.Command.Select(c => $"'{c}'"));
        string resume = $"{alexnet} train --run '{run}' --resume --json --steps 6";
        var result = Alexnet.Wait(Alexnet.StartProcess("/usr/bin/unshare", "-rm", "/bin/sh", "-c", $"""
            mount -t tmpfs -o size=400k tmpfs '{disk}' || exit {NoNamespace}
            {alexnet} train --recipe '{_workshop.RecipeFile}' --set network.fc6.kernels=256 --data '{_workshop.Data}' --run '{run}' --steps 3 --json || exit 10
            head -c 1000000 /dev/zero > '{disk}/ballast' 2>/dev/null
            truncate -s -20000 '{disk}/ballast'
            {resume} && exit 11
            ls '{run}/checkpoints' >&2
            rm '{disk}/ballast'
            {resume} || exit 12
            """));
        Assert.SkipWhen(result.Code == NoNamespace || result.Err.StartsWith("unshare:", StringComparison.Ordinal), $"no file system may be made here: {result.Err}");
        result.Expect(0);
        string error = Assert.Single(result.Err.Split('\n'), l => l.StartsWith("alexnet: ", StringComparison.Ordinal));
        Assert.Contains("cannot write ", error); // the checkpoint; or the step's line in metrics.jsonl, which is written while the checkpoint takes the last room
        Assert.Contains(disk, error);
        Assert.Contains("No space left on device", error);
        Assert.Contains("--resume", error);
        Assert.DoesNotContain("   at ", result.Err);
        Assert.Equal(2, result.Err.Split("resumes after step 3 from").Length - 1);
        Assert.Equal(6, (int)result.Json["step"]!);
    }

    [Fact]
    public void A_pack_that_may_not_grow_ends_a_preparation_in_one_line_and_loses_nothing()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "needs a shell's `ulimit -f`");
        Data.TestPictures.WriteClasses(_workshop.In("pictures"), classes: 2, files: 10);
        string prepare = string.Join(' ', Alexnet.Command.Select(c => $"'{c}'")) + $" prepare '{_workshop.In("pictures")}' '{_workshop.In("packs")}' --size 64";
        // Without W^X: for it .NET makes a file of its own, in memory, which may not grow either.
        string limited = $"trap '' XFSZ; ulimit -f 100; export DOTNET_EnableWriteXorExecute=0; exec {prepare}";
        string error = Assert.Single(Alexnet.Wait(Alexnet.StartProcess("/bin/sh", "-c", limited)).Expect(1).Err.TrimEnd().Split('\n'));
        Assert.StartsWith($"alexnet: cannot write to {_workshop.In("packs")}: the file would be larger than the file system or `ulimit -f` allows; make room", error);
        Alexnet.Wait(Alexnet.StartProcess("/bin/sh", "-c", $"exec {prepare}")).Expect(0);
    }
}
