namespace AlexNetActors.Tests.App;

/// <summary>Standard output and standard error that nobody can read of: no run is lost with them, and a result that is lost is said.</summary>
public sealed class StandardStreamTests : IDisposable
{
    readonly Workshop _workshop = new();

    public void Dispose() => _workshop.Dispose();

    Alexnet.Result InShell(string redirection, params string[] args)
    {
        Assert.SkipUnless(File.Exists("/dev/full"), "needs a shell, and a device that is full");
        return Alexnet.Wait(Alexnet.StartProcess("/bin/sh", "-c", $"{string.Join(' ', Alexnet.Command.Concat(args).Select(a => $"'{a}'"))} {redirection}"));
    }

    [Theory]
    [InlineData("2>&-")]
    [InlineData("2>/dev/full")]
    [InlineData("2>&1 >/dev/full | head -n 1 >&2; exit 0")] // whoever reads the log has enough of it
    public void A_run_whose_log_cannot_be_written_comes_to_its_end(string redirection)
    {
        InShell(redirection, _workshop.Train("run", "--steps", "6")).Expect(0);
        Assert.Equal(_workshop.Expected(6), (string)Assert.Single(_workshop.Metrics("run", "summary"))["weightsSha256"]!);
    }

    [Theory]
    [InlineData(">&-", "it is closed")]
    [InlineData(">/dev/full", "No space left on device")]
    public void A_result_that_cannot_be_written_is_said_in_one_line(string redirection, string why)
    {
        var result = InShell(redirection, _workshop.Train("run", "--steps", "6")).Expect(1);
        Assert.Equal($"alexnet: a part of the result is lost, standard output cannot be written: {why}", Assert.Single(result.Err.Split('\n'), l => l.StartsWith("alexnet: ", StringComparison.Ordinal)));
        Assert.Single(_workshop.Metrics("run", "summary"));
        Assert.Single(InShell(redirection, "plan").Expect(1).Err.TrimEnd().Split('\n'));
    }
}
