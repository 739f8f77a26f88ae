using System.Text.RegularExpressions;
using AlexNetActors.Tests.Data;

namespace AlexNetActors.Tests.App;

/// <summary>
/// A power cut keeps what was flushed and may lose the rest, in any order. So whatever gets its name is on the disk before, and its name is before
/// anything else goes: read off the program's calls to the system, as no kill shows what a disk has.
/// </summary>
public sealed partial class FlushedTests : IDisposable
{
    const string Strace = "/usr/bin/strace";

    readonly Workshop _workshop = new();

    public void Dispose() => _workshop.Dispose();

    /// <param name="Name">Of the system call.</param>
    /// <param name="Path">Of the file or folder.</param>
    /// <param name="To">Its new path, of a rename.</param>
    sealed record Call(string Name, string Path, string To);

    [GeneratedRegex("""^\d+ +(?<call>\w+)\((?:\d+<(?<path>[^>]*)>|[^"]*"(?<path>[^"]*)"(?:, .*"(?<to>[^"]*)")?)""")]
    private static partial Regex Line();

    /// <summary>What the program asks of the file system within the workshop, in this order.</summary>
    Call[] CallsOf(params string[] args)
    {
        Assert.SkipUnless(File.Exists(Strace), "needs strace, which tells a process's calls to the system");
        string log = _workshop.In("calls");
        var result = Alexnet.Wait(Alexnet.StartProcess(Strace, ["-f", "--seccomp-bpf", "-qq", "-y", "-s", "0", "-e", "signal=none", "-o", log,
            "-e", "trace=mkdir,write,writev,pwrite64,pwritev,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,rmdir", .. Alexnet.Command, .. args]));
        Assert.SkipWhen(result.Err.Contains("ptrace", StringComparison.Ordinal), $"no process may be traced here: {result.Err}");
        result.Expect(0);
        return [.. File.ReadLines(log).Select(l => Line().Match(l)).Where(m => m.Success && m.Groups["path"].Value.StartsWith(_workshop.Folder, StringComparison.Ordinal))
            .Select(m => new Call(m.Groups["call"].Value, m.Groups["path"].Value, m.Groups["to"].Value))];
    }

    static bool IsWithin(string folder, string path) => path.StartsWith(folder + "/", StringComparison.Ordinal);

    static bool IsWrite(Call c) => c.Name.Contains("write", StringComparison.Ordinal);

    static bool IsRemoval(Call c) => c.Name.StartsWith("unlink", StringComparison.Ordinal) || c.Name == "rmdir";

    static int Flush(Call[] calls, string path, int after) => Array.FindIndex(calls, after + 1, c => c.Name.EndsWith("sync", StringComparison.Ordinal) && c.Path == path);

    /// <returns>What got its name.</returns>
    static string[] RequireFlushed(Call[] calls)
    {
        var named = new List<string>();
        foreach (var (n, rename) in calls.Index().Where(c => c.Item.Name.StartsWith("rename", StringComparison.Ordinal) && !c.Item.To.EndsWith(".partial", StringComparison.Ordinal))) // which is to lose a name
        {
            var files = calls.Take(n).Index().Where(c => IsWrite(c.Item) && (c.Item.Path == rename.Path || IsWithin(rename.Path, c.Item.Path))).GroupBy(c => c.Item.Path).ToList();
            foreach (var file in files)
                Assert.True(Flush(calls, file.Key, file.Max(c => c.Index)) is >= 0 and var at && at < n, $"{file.Key} is not flushed before it is called {rename.To}");
            if (files.Any(f => f.Key != rename.Path)) // a folder: which files it has must be there, too
                Assert.True(Flush(calls, rename.Path, files.Max(f => f.Min(c => c.Index))) is >= 0 and var at && at < n, $"{rename.Path} is not flushed before it is called {rename.To}");
            string folder = Path.GetDirectoryName(rename.To)!;
            int kept = Flush(calls, folder, n), removed = Array.FindIndex(calls, n + 1, c => IsRemoval(c) && IsWithin(folder, c.Path));
            Assert.True(kept >= 0, $"{folder} is not flushed after {rename.To} has its name");
            if (files.Any(f => f.Key != rename.Path)) Assert.True(removed < 0 || kept < removed, $"{calls[Math.Max(0, removed)].Path} goes before the name {rename.To} is on the disk");
            named.Add(Path.GetFileName(rename.To));
            int made = Array.FindIndex(calls, c => c.Name == "mkdir" && c.Path == folder); // with it what it is in; one that the user has named is his to keep
            string within = Path.GetDirectoryName(folder)!;
            if (made >= 0 && calls.Take(made).Any(c => c.Name == "mkdir" && c.Path == within)) Assert.True(Flush(calls, within, made) is >= 0 and var at && at < n, $"{within} is not flushed before {rename.To} has its name");
        }
        return [.. named];
    }

    [Fact]
    public void What_a_run_writes()
    {
        string[] named = RequireFlushed(CallsOf(_workshop.Train("run", "--steps", "8")));
        Assert.Equal(["recipe.conf", "mean.f32", "run.json"], named.Where(n => n is "recipe.conf" or "mean.f32" or "run.json"));
        Assert.Equal(["step-00000003", "step-00000005", "step-00000006", "step-00000008"], named.Where(n => n.StartsWith("step-", StringComparison.Ordinal)));
    }

    [Fact]
    public void What_a_preparation_writes()
    {
        TestPictures.WriteClasses(_workshop.In("pictures"), classes: 2, files: 6);
        Assert.Superset(new HashSet<string> { "train.pack", "validation.pack", "mean.f32", "pack.json", "prepare-report.json" }, RequireFlushed(CallsOf("prepare", _workshop.In("pictures"), _workshop.In("packs"), "--size", "36")).ToHashSet());
    }

    [Fact]
    public void What_is_exported()
    {
        _workshop.TrainTo("run", 1);
        Assert.Equal(["network.onnx"], RequireFlushed(CallsOf("export", _workshop.In("run"), _workshop.In("network.onnx"))));
    }
}
