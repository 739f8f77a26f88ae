using System.Diagnostics;
using AlexNetActors.Model;
using AlexNetActors.Tests.App;

namespace AlexNetActors.Cluster.Tests.Checkpoints;

/// <summary>
/// The code that writes checkpoints, in a process of its own that is killed while it writes: what it has said to be written is there, what has a
/// checkpoint's name is whole, and the next process goes on.
/// </summary>
public sealed class KilledWriterTests : IDisposable
{
    const int KilledBySize = 128 + 25; // by SIGXFSZ

    readonly string _path = Directory.CreateTempSubdirectory("alexnet-test-").FullName;

    public void Dispose() => Directory.Delete(_path, recursive: true);

    string Checkpoints => Path.Combine(_path, "checkpoints");

    static Process Start(string folder, params string[] how) => Alexnet.StartProcess(Alexnet.Command[0], [Path.Combine(AppContext.BaseDirectory, "checkpoint-writer.dll"), folder, .. how]);

    static Alexnet.Result Write(string folder, params string[] how) => Alexnet.Wait(Start(folder, how));

    /// <summary>Every checkpoint that is listed is whole; returns the newest's steps.</summary>
    static long RequireWhole(string folder)
    {
        var checkpoints = new CheckpointFolder(folder);
        foreach (var (_, checkpoint) in checkpoints.List()) Assert.Empty(CheckpointFolder.Damage(checkpoint));
        return checkpoints.NewestWhole(Assert.Fail)!.Value.Manifest.Progress.Steps;
    }

    /// <summary>The next process goes on, and leaves nothing of the one that was killed.</summary>
    static void RequireGoesOn(string folder)
    {
        long newest = RequireWhole(folder);
        Write(folder, "one").Expect(0);
        Assert.Equal(newest + 1, RequireWhole(folder));
        Assert.All(Directory.GetDirectories(folder), f => Assert.False(Path.HasExtension(f), f));
    }

    /// <summary>
    /// The system kills it in the very write that would go beyond the byte: RLIMIT_FSIZE, whose SIGXFSZ leaves it no more time than SIGKILL. A file is one
    /// write, so where it is cut short hardly matters; every eighth byte is refused below, by one process.
    /// </summary>
    [Theory]
    [InlineData("tower-A.safetensors")]
    [InlineData("tower-B.safetensors")]
    [InlineData("manifest.json")]
    public void Killed_at_any_byte_of_a_file_it_leaves_the_checkpoint_before(string file)
    {
        const int Cuts = 9;
        Assert.SkipUnless(OperatingSystem.IsLinux(), "needs Linux, where a process can be killed at a byte of a file");
        Write(Checkpoints, "one").Expect(0);
        long bytes = new FileInfo(Path.Combine(new CheckpointFolder(Checkpoints).List()[0].Folder, file)).Length;
        for (int cut = 0; cut < Cuts; cut++)
        {
            long at = cut == Cuts - 1 ? bytes - 1 : bytes * cut / Cuts;
            Write(Checkpoints, "one", file.Split('.')[0], $"{at}").Expect(KilledBySize);
            Assert.Equal(1, RequireWhole(Checkpoints));
        }
        RequireGoesOn(Checkpoints);
    }

    /// <summary>SIGKILL at 25 seeded moments of a process that writes checkpoints one after another, every second of them anew over the one that is there.</summary>
    [Fact]
    public void Killed_at_any_moment_it_leaves_what_it_has_said_to_be_written()
    {
        const int Kills = 25, LatestMs = 40;
        var random = new Random(6);
        long promised = 0;
        for (int kill = 0; kill < Kills; kill++)
        {
            var process = Start(Checkpoints, "endless");
            string? first = process.StandardOutput.ReadLine();
            Thread.Sleep(random.Next(LatestMs));
            process.Kill();
            string all = $"{first}\n{process.StandardOutput.ReadToEnd()}";
            Assert.True(process.WaitForExit(TimeSpan.FromSeconds(60)));
            process.Dispose();
            foreach (string line in all.Split('\n', StringSplitOptions.RemoveEmptyEntries)) promised = Math.Max(promised, long.Parse(line));
            Assert.InRange(RequireWhole(Checkpoints), promised, long.MaxValue);
        }
        RequireGoesOn(Checkpoints);
    }

    /// <summary>
    /// Every call to the file system that writing a checkpoint makes, once as its last: strace kills the process as it makes the call. New ones
    /// and one that replaces another, with pruning.
    /// </summary>
    [Theory]
    [InlineData("one")]
    [InlineData("again")]
    public void Killed_in_any_call_to_the_file_system_it_leaves_a_whole_checkpoint_and_the_next_process_goes_on(string how)
    {
        const string Strace = "/usr/bin/strace";
        Assert.SkipUnless(File.Exists(Strace), "needs strace, which kills a process at a system call");
        for (int n = 0; n < 3; n++) Write(Checkpoints, "one").Expect(0);
        var kills = new Dictionary<string, int>();
        foreach (string call in new[] { "mkdir", "ftruncate", "pwrite64", "fsync", "rename", "unlink", "rmdir" })
            for (int n = 1; ; n++)
            {
                string copy = Path.Combine(_path, $"{call}-{n}");
                Copy(Checkpoints, copy);
                var result = Alexnet.Wait(Alexnet.StartProcess(Strace, ["-f", "-qq", "-o", "/dev/null", "-e", $"trace={call}", "-e", $"inject={call}:signal=SIGKILL:when={n}", Alexnet.Command[0], Path.Combine(AppContext.BaseDirectory, "checkpoint-writer.dll"), copy, how]));
                Assert.SkipWhen(result.Err.Contains("ptrace", StringComparison.Ordinal), $"no process may be traced here: {result.Err}");
                Assert.InRange(RequireWhole(copy), 3, 4);
                kills[call] = n - 1;
                if (result.Code == 0) break;
                RequireGoesOn(copy);
            }
        TestContext.Current.TestOutputHelper!.WriteLine($"kills: {string.Join(", ", kills)}");
        Assert.All(kills, k => Assert.True(k.Value > 0, $"writing a checkpoint makes no call {k.Key}: by which one does it that now?"));
    }

    static void Copy(string from, string to)
    {
        foreach (string file in Directory.GetFiles(from, "*", SearchOption.AllDirectories))
        {
            string target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }

    /// <summary>EFBIG, an error at an exact byte, as on a file system that takes no larger file; the writer itself sees that the one before is whole.</summary>
    [Fact]
    public void Refused_any_byte_of_any_file_it_keeps_the_checkpoint_before_and_goes_on()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "needs Linux, where a byte of a file can be refused");
        Assert.InRange(int.Parse(Write(Checkpoints, "every-byte", "8").Expect(0).Out), 400, int.MaxValue);
        Assert.Equal(2, RequireWhole(Checkpoints));
    }

    /// <summary>ENOSPC: a file system of 3 MB in a namespace of the test's own, filled up but for 0, 1, 2, ... pages, until there is room for a checkpoint.</summary>
    [Fact]
    public void With_any_too_small_room_on_the_disk_it_keeps_the_checkpoint_before_and_goes_on()
    {
        const int NoNamespace = 77;
        Assert.SkipUnless(OperatingSystem.IsLinux() && File.Exists("/usr/bin/unshare"), "needs Linux and unshare to make a small file system");
        string disk = Directory.CreateDirectory(Path.Combine(_path, "disk")).FullName;
        var result = Alexnet.Wait(Alexnet.StartProcess("/usr/bin/unshare", "-rm", "/bin/sh", "-c",
            $"mount -t tmpfs -o size=3m tmpfs '{disk}' || exit {NoNamespace}; '{Alexnet.Command[0]}' '{Path.Combine(AppContext.BaseDirectory, "checkpoint-writer.dll")}' '{disk}/checkpoints' every-page"));
        Assert.SkipWhen(result.Code == NoNamespace || result.Err.StartsWith("unshare:", StringComparison.Ordinal), $"no file system may be made here: {result.Err}");
        Assert.InRange(int.Parse(result.Expect(0).Out), 200, int.MaxValue);
    }
}
