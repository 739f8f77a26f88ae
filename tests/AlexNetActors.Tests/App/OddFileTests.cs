using System.Diagnostics;
using AlexNetActors.App;

namespace AlexNetActors.Tests.App;

/// <summary>Named pipes and devices where files are wanted: nothing waits for a writer who never comes, or reads what never ends.</summary>
public sealed class OddFileTests(OddFileTests.Trained trained) : IClassFixture<OddFileTests.Trained>
{
    /// <summary>A workshop with a run of three steps and a named pipe that nobody writes to.</summary>
    public sealed class Trained : IDisposable
    {
        internal Workshop Workshop { get; } = new();

        public Trained()
        {
            Workshop.TrainTo("run", 3);
            Pipe(Workshop.In("pipe"));
        }

        public void Dispose() => Workshop.Dispose();
    }

    Workshop W => trained.Workshop;

    static void Pipe(string path)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no named pipes among its files");
        using var made = Process.Start("mkfifo", path);
        made.WaitForExit();
    }

    string Refused(int code, params string[] args) => Assert.Single(Alexnet.Run(args).Expect(code).Err.Split('\n'), l => l.StartsWith("alexnet: ", StringComparison.Ordinal));

    [Fact]
    public void What_the_command_line_names()
    {
        foreach (string odd in new[] { W.In("pipe"), "/dev/zero" })
        {
            Assert.Contains($"cannot read recipe {odd}: it is empty, or a pipe or device", Refused(2, "plan", "--recipe", odd));
            Assert.Contains("1 of 1 files could not be used", Refused(1, "predict", W.In("run"), odd));
            Assert.Contains($"{odd} is not a safetensors file: it is empty", Refused(1, "import", odd, "--recipe", W.RecipeFile, "--data", W.Data, "--run", W.In("imported")));
        }
    }

    [Theory]
    [InlineData("pack.json")]
    [InlineData("mean.f32")]
    [InlineData("train.pack")]
    public void In_a_data_set(string name)
    {
        string data = Copy(W.Data, $"data-{name}");
        File.Delete(Path.Combine(data, name));
        Pipe(Path.Combine(data, name));
        Assert.Contains($"{name} is damaged", Refused(1, "train", "--recipe", W.RecipeFile, "--data", data, "--run", W.In("never")));
    }

    [Theory]
    [InlineData("run.json", "cannot be read")]
    [InlineData("recipe.conf", "of ")]
    [InlineData("metrics.jsonl", "is a pipe or device, not a file: remove it")]
    [InlineData("events.jsonl", "is a pipe or device, not a file: remove it")]
    public void In_a_run(string name, string expected)
    {
        string run = Copy(W.In("run"), $"run-{name}");
        File.Delete(Path.Combine(run, name));
        Pipe(Path.Combine(run, name));
        Assert.Contains($"{name} {expected}", Refused(1, "train", "--run", run, "--resume", "--steps", "4"));
        Alexnet.Run("verify", run); // comes to an end
        Alexnet.Run("report", run);
    }

    /// <summary>As a shell hands over `&lt;(...)`: it can be read once.</summary>
    [Fact]
    public void A_recipe_may_come_through_a_pipe()
    {
        Assert.SkipUnless(File.Exists("/dev/stdin"), "needs /dev/stdin");
        string train = string.Join(' ', Alexnet.Command.Concat(["train", "--recipe", "/dev/stdin", "--data", W.Data, "--run", W.In("piped"), "--steps", "2", "--json"]).Select(a => $"'{a}'"));
        Assert.Equal(W.Expected(2), Alexnet.Wait(Alexnet.StartProcess("/bin/sh", "-c", $"cat '{W.RecipeFile}' | {train}")).Expect(0).Digest);
        string plan = string.Join(' ', Alexnet.Command.Concat(["plan", "--recipe", "/dev/stdin"]).Select(a => $"'{a}'"));
        Assert.Contains("it has more than ", Alexnet.Wait(Alexnet.StartProcess("/bin/sh", "-c", $"{plan} < /dev/zero")).Expect(2).Err);
    }

    string Copy(string from, string name)
    {
        foreach (string file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            string to = Path.Combine(W.In(name), Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(to)!);
            File.Copy(file, to);
        }
        return W.In(name);
    }
}
