using System.Text.Json.Nodes;
using AlexNetActors.Tests.App;

namespace AlexNetActors.Cluster.Tests;

/// <summary>A sample of the fault matrices, as `alexnet faults` runs them: real processes, each fault at its exact moment.</summary>
public sealed class FaultsTests : IDisposable
{
    static readonly TimeSpan Deadline = TimeSpan.FromMinutes(8); // for a hang; a run takes seconds on an idle machine

    readonly string _folder = Directory.CreateTempSubdirectory("alexnet-faults-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    string In(string name) => Path.Combine(_folder, name);

    Alexnet.Result Faults(params string[] args)
    {
        var process = Alexnet.Start(["faults", "--json", "--out", In("out"), .. args]);
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        if (!process.WaitForExit(Deadline))
        {
            process.Kill(); // its nodes end with it: their standard input does
            throw new TimeoutException($"alexnet faults has not ended: {errors.Result}");
        }
        return new Alexnet.Result(process.ExitCode, output.Result, errors.Result);
    }

    static JsonObject[] Faulted(Alexnet.Result result) => [.. result.Json["runs"]!.AsArray().SelectMany(r => r!["faults"]!.AsArray()).Select(f => f!.AsObject())];

    [Theory]
    [InlineData("kill tower-B at step 5 in exchange conv3 backward")]
    [InlineData("kill tower-A at step 5 in update")]
    [InlineData("kill loader at step 5 in loading")]
    [InlineData("kill tower-A and tower-B at step 5 in loss")]
    [InlineData("kill tower-A and coordinator at step 5 in loss")]
    [InlineData("stop tower-A at step 5 in loss for 3s")]
    [InlineData("disconnect tower-B at step 5 in exchange fc6 forward")]
    [InlineData("corrupt tower-A at step 5 in exchange conv3 forward")]
    public void A_cluster_recovers_by_itself_to_the_same_bits(string fault)
    {
        var result = Faults("--fault", fault).Expect(0);
        var struck = Assert.Single(Faulted(result));
        Assert.Equal((fault, 5), ((string)struck["fault"]!, (int)struck["step"]!));
        Assert.NotNull(struck["recoveryMs"]);
        Assert.True(File.Exists(In("out/report.html")));
    }

    /// <summary>Every kill sends the group back to a checkpoint, over the moments of the faults before.</summary>
    [Fact]
    public void A_fault_strikes_once_though_its_moment_comes_again()
    {
        var result = Faults("--fault", "kill tower-A at step 6 in loss", "--fault", "kill tower-B at step 7 in update", "--fault", "kill tower-A at step 7 in exchange fc7 backward").Expect(0);
        var run = result.Json["runs"]!.AsArray()[0]!;
        Assert.Equal(3, (int)run["restarts"]!);
        Assert.Equal(4, (int)run["groups"]!);
        Assert.All(Faulted(result), f => Assert.NotNull(f["struck"]));
    }

    [Fact]
    public void A_fault_whose_moment_never_comes_is_a_failure_that_says_so()
    {
        var result = Faults("--fault", "kill tower-A at step 99 in loss").Expect(1);
        Assert.Contains("the moment of fault \"kill tower-A at step 99 in loss\" never came", result.Err);
    }

    [Fact]
    public void A_run_that_gets_no_further_ends_at_its_deadline_with_who_did_what()
    {
        File.WriteAllText(In("plan.conf"), """
            deadline = 40s
            nodes {
              one { roles = "coordinator,gpu,loader", towers = A }
              two { roles = gpu, towers = B, stays-dead = on }
            }
            faults = ["kill two at step 5 in loss"]
            """);
        var result = Faults(In("plan.conf")).Expect(1);
        Assert.Matches(@"after 5 of 12 steps no other for \d+ s, last event .* of one: one \(runs\) said .*; two \(is dead\) said ", result.Err);
    }

    [Fact]
    public void A_run_that_gets_further_may_take_longer_than_its_deadline()
    {
        File.WriteAllText(In("plan.conf"), """
            deadline = 30s
            step-time = 1s # the last fault and 5 s more: 35 steps, 35 s
            nodes {
              one { roles = "coordinator,gpu,loader", towers = A }
              two { roles = gpu, towers = B }
            }
            faults = ["disconnect two at 30s in update"]
            """);
        Faults(In("plan.conf")).Expect(0);
    }

    static void SkipWithoutHosts() =>
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.UserName == "root" && File.Exists("/usr/sbin/nft"), "needs Linux, root, network namespaces and nftables");

    [Fact]
    public void A_one_way_partition_is_lived_through()
    {
        SkipWithoutHosts();
        Faults("--fault", "partition tower-B from tower-A one-way at step 5 in exchange conv3 forward for 3s").Expect(0);
    }

    /// <summary>The one that was cut off, or stopped, comes back while the other one leads: it must not say another word. Every fault run checks it.</summary>
    [Theory]
    [InlineData("partition coordinator from all at step 5 in update for 15s")]
    [InlineData("stop coordinator at step 5 in update for 15s")]
    public void Two_coordinators_never_command_at_once(string fault)
    {
        if (fault.StartsWith("partition", StringComparison.Ordinal)) SkipWithoutHosts();
        var run = Faults("--fault", fault, "--steps", "600").Expect(0).Json["runs"]!.AsArray()[0]!;
        Assert.InRange((int)run["coordinators"]!, 2, 3); // a third one only says that the run is over
    }
}
