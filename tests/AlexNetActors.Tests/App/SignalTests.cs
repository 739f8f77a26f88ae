using System.Diagnostics;
using AlexNetActors.Tests.Data;

namespace AlexNetActors.Tests.App;

/// <summary>What a signal ends, and how; of real processes, which a shell signals as `timeout`, a terminal that closes and `nohup` do.</summary>
public sealed class SignalTests : IDisposable
{
    readonly Workshop _workshop = new();

    public void Dispose() => _workshop.Dispose();

    /// <summary>So far apart that the system does not make one of them.</summary>
    static void Signal(Process process, string signals) =>
        Alexnet.Wait(Alexnet.StartProcess("/bin/sh", "-c", string.Join("; sleep 0.02; ", signals.Split(' ').Select(s => $"kill -{s} {process.Id}"))));

    /// <summary>What these tests' process was told to ignore, as all that `nohup` starts ignores SIGHUP, its children ignore.</summary>
    static void SkipWhereUnheard(string signals)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "needs the signals of Unix");
        if (!signals.EndsWith("HUP", StringComparison.Ordinal) || !OperatingSystem.IsLinux()) return;
        const string Ignored = "SigIgn:";
        ulong mask = Convert.ToUInt64(File.ReadLines("/proc/self/status").Single(l => l.StartsWith(Ignored, StringComparison.Ordinal))[Ignored.Length..].Trim(), 16);
        Assert.SkipWhen((mask & 1) != 0, "SIGHUP is ignored here, as under nohup");
    }

    void WaitForSteps(Process process, int count) => Alexnet.WaitUntil(process, () => _workshop.Metrics("run", "step").Count >= count);

    /// <summary>`timeout` sends SIGTERM to its command and then to the group that it is in; a shell and the system tell of a terminal that has closed.</summary>
    [Theory]
    [InlineData("TERM TERM")]
    [InlineData("HUP HUP")]
    [InlineData("HUP TERM")]
    public void A_signal_that_comes_twice_at_once_ends_a_run_with_a_checkpoint(string signals)
    {
        SkipWhereUnheard(signals);
        var process = Alexnet.Start(_workshop.Train("run", "--steps", "1000000"));
        WaitForSteps(process, 4);
        Signal(process, signals);
        var stopped = Alexnet.Wait(process).Expect(1);
        Assert.Contains($"as asked; go on with `alexnet train --run {_workshop.In("run")} --resume`", stopped.Err);
        Assert.Equal((int)stopped.Json["step"]!, (int)stopped.Json["checkpointStep"]!);
    }

    /// <summary>With what the run does not keep, and no more; a name that a shell would take apart is quoted.</summary>
    [Fact]
    public void What_a_stopped_run_says_at_its_end_is_the_command_that_goes_on_with_it()
    {
        SkipWhereUnheard("TERM");
        const string Run = "Jo's first run";
        var process = Alexnet.Start(_workshop.Train(Run, "--steps", "1000000", "--device", "cpu-direct", "--set", "schedule.rate=0.02", "--set", "alexnet.loaders=3"));
        Alexnet.WaitUntil(process, () => _workshop.Metrics(Run, "step").Count >= 4);
        Signal(process, "TERM");
        var stopped = Alexnet.Wait(process).Expect(1);
        string command = stopped.Err.TrimEnd().Split('\n')[^1].Split('`')[1];
        Assert.EndsWith(@"/Jo'\''s first run' --resume --set alexnet.loaders=3", command);
        int steps = (int)stopped.Json["step"]! + 2;
        string[] words = command.Split(' ', 2);
        Assert.Equal("alexnet", words[0]);
        var resumed = Alexnet.Wait(Alexnet.StartProcess("/bin/sh", "-c", $"{string.Join(' ', Alexnet.Command.Select(a => $"'{a}'"))} {words[1]} --steps {steps} --json")).Expect(0);
        Assert.Equal(steps, (int)resumed.Json["step"]!);
    }

    [Fact]
    public void Under_nohup_a_run_goes_on_when_its_terminal_closes()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/nohup"), "needs nohup");
        const int Steps = 300;
        var process = Alexnet.StartProcess("/usr/bin/nohup", [.. Alexnet.Command, .. _workshop.Train("run", "--steps", $"{Steps}")]);
        WaitForSteps(process, 4);
        Signal(process, "HUP HUP");
        Assert.InRange(_workshop.Metrics("run", "step").Count, 4, Steps - 1); // else it was told nothing
        Assert.Equal(Steps, (int)Alexnet.Wait(process).Expect(0).Json["step"]!);
    }

    [Theory]
    [InlineData("TERM TERM")]
    [InlineData("HUP HUP")]
    public void A_preparation_keeps_what_is_done(string signals)
    {
        SkipWhereUnheard(signals);
        TestPictures.WriteClasses(_workshop.In("pictures"), classes: 60, files: 60);
        var process = Alexnet.Start("prepare", _workshop.In("pictures"), _workshop.In("packs"), "--threads", "1");
        Alexnet.WaitUntil(process, () => File.Exists(Path.Combine(_workshop.In("packs"), "prepare.journal")));
        Signal(process, signals);
        Assert.Contains("stopped as asked; run the same command again", Assert.Single(Alexnet.Wait(process).Expect(1).Err.TrimEnd().Split('\n'), l => l.StartsWith("alexnet: ", StringComparison.Ordinal)));
    }
}
