using AlexNetActors.Actors;
using AlexNetActors.App;

namespace AlexNetActors.Tests.App;

/// <summary>Fault plans as files and on the command line; what they do to real clusters is in AlexNetActors.Cluster.Tests.</summary>
public sealed class FaultsTests : IDisposable
{
    readonly Workshop _workshop = new();

    public void Dispose() => _workshop.Dispose();

    string Plan(string text)
    {
        string file = _workshop.In("plan.conf");
        File.WriteAllText(file, text);
        return file;
    }

    [Fact]
    public void The_matrix_is_every_process_at_every_point()
    {
        var plan = FaultPlan.Load("matrix", [], null);
        Assert.Equal(45, plan.Runs.Count);
        Assert.Equal(45, plan.Runs.Select(r => Assert.Single(r).ToString()).Distinct().Count());
        Assert.Equal("kill tower-A at step 5 in loading", plan.Runs[0][0].ToString());
        Assert.Equal("kill seed at step 5 in validation", plan.Runs[^1][0].ToString());
        Assert.DoesNotContain(plan.Nodes[0].Roles, "coordinator");
    }

    [Fact]
    public void The_lone_seed_is_the_only_coordinator()
    {
        var plan = FaultPlan.Load("lone-seed", [], null);
        Assert.Equal(9, plan.Runs.Count);
        Assert.All(plan.Runs, r => Assert.StartsWith("kill coordinator at step 5 in ", Assert.Single(r).ToString(), StringComparison.Ordinal));
        Assert.Equal("coordinator", plan.Nodes[0].Roles);
        Assert.All(plan.Nodes.Skip(1), n => Assert.DoesNotContain("coordinator", n.Roles));
    }

    [Theory]
    [InlineData("silence", 5, "stop tower-A at 12s in loading for 3s", "corrupt seed at 108s in validation")]
    [InlineData("silence-30s", 2, "stop tower-A at 50s in loading for 30s", "partition seed from all at 450s in validation for 30s")]
    public void What_strikes_every_so_often_strikes_one_run_in_phase_after_phase(string name, int kinds, string first, string last)
    {
        var plan = FaultPlan.Load(name, [], null);
        Assert.Equal(kinds * 5, plan.Runs.Count);
        Assert.All(plan.Runs, r => Assert.Equal(9, r.Select(f => f.When.Place).Distinct().Count()));
        Assert.Equal((first, last), (plan.Runs[0][0].ToString(), plan.Runs[^1][^1].ToString()));
        Assert.True(plan.Steps * plan.StepTime > plan.Runs[0][^1].When.After);
    }

    [Fact]
    public void A_plan_says_what_it_changes_and_has_a_cluster_of_its_own()
    {
        var plan = FaultPlan.Load(Plan("""
            steps = 30
            nodes {
              all { roles = "coordinator,gpu,loader" }
              other { roles = gpu, towers = B, stays-dead = on }
            }
            faults = ["kill other at step 3"]
            """), ["kill all at step 9 in loss"], null);
        Assert.Equal(30, plan.Steps);
        Assert.Equal([new PlannedNode("all", "coordinator,gpu,loader", null, false), new PlannedNode("other", "gpu", "B", true)], plan.Nodes);
        Assert.Equal(["kill other at step 3 in loading", "kill all at step 9 in loss"], Assert.Single(plan.Runs).Select(f => f.ToString()));
    }

    [Fact]
    public void Random_faults_come_from_their_seed_and_replay_from_the_file_that_they_are_written_to()
    {
        string[] Drawn(int seed) => [.. FaultPlan.Load(null, [$"random {seed} every 20s for 20m"], null).Runs[0].Select(f => f.ToString())];
        Assert.Equal(60, Drawn(7).Length);
        Assert.Equal(Drawn(7), Drawn(7));
        Assert.NotEqual(Drawn(7), Drawn(8));
        string file = _workshop.In("drawn.conf");
        Alexnet.Run("faults", "--fault", "random 7 every 20s for 20m", "--write-plan", file).Expect(0);
        var (drawn, replayed) = (FaultPlan.Load(null, ["random 7 every 20s for 20m"], null), FaultPlan.Load(file, [], null));
        Assert.Equal(drawn.Runs[0], replayed.Runs[0]);
        Assert.Equal((drawn.Steps, drawn.StepTime), (replayed.Steps, replayed.StepTime));
        string spare = Path.Combine(Directory.CreateDirectory(_workshop.In("plans")).FullName, "spare.conf"); // with its own cluster and its own settings
        Alexnet.Run("faults", "spare", "--write-plan", spare, "--json").Expect(0);
        (drawn, replayed) = (FaultPlan.Load("spare", [], null), FaultPlan.Load(spare, [], null));
        Assert.Equal(drawn.Nodes, replayed.Nodes);
        Assert.Equal(drawn.Set, replayed.Set);
        Assert.Equal(drawn.Runs[0], Assert.Single(replayed.Runs));
        Assert.Equal((drawn.Recipe, drawn.Steps, drawn.Pictures, drawn.RestartAfter, drawn.Deadline), (replayed.Recipe, replayed.Steps, replayed.Pictures, replayed.RestartAfter, replayed.Deadline));
    }

    static FaultOutcome Outcome(string fault, double recoveryMs)
    {
        var outcome = new FaultOutcome(1, FaultLanguage.Parse(fault));
        outcome.Strike(time: 1000, step: 5, generation: 1, "node", doneBefore: 5);
        outcome.StepDone(1000 + recoveryMs, 6);
        return outcome;
    }

    [Fact]
    public void What_the_faults_of_one_kind_cost_is_told_by_phase_and_victim()
    {
        var grid = FaultGrid.Of([
            Outcome("kill tower-A at step 5 in loss", 1540), Outcome("kill loader at step 5 in loss", 100), Outcome("kill tower-A at step 5 in update", 2000), Outcome("damage checkpoint newest at step 3", 7),
        ])!;
        Assert.Equal(["kill in", "tower-A", "loader"], grid.Columns);
        Assert.Equal([["loss", "1.5", "0.1"], ["update", "2.0", "-"]], grid.Rows);
    }

    [Fact]
    public void What_faults_of_several_kinds_cost_is_told_by_kind_median_and_worst()
    {
        var grid = FaultGrid.Of([
            Outcome("stop tower-A at step 5 in loss for 3s", 3000), Outcome("stop tower-A at step 5 in update for 3s", 3100), Outcome("stop tower-A at step 9 in update for 3s", 4000),
            Outcome("partition tower-A from all one-way at 12s in loss for 3s", 500), Outcome("stop seed at step 5 in loss for 3s", 40),
        ])!;
        Assert.Equal(["fault", "tower-A", "seed"], grid.Columns);
        Assert.Equal([["stop for 3s", "3.1 (4.0)", "0.0"], ["partition from all one-way for 3s", "0.5", "-"]], grid.Rows);
        Assert.Null(FaultGrid.Of([Outcome("stop tower-A at step 5 in loss for 3s", 3000), Outcome("stop tower-A at step 5 in update for 3s", 3100)]));
    }

    [Theory]
    [InlineData("what plan", "there is no fault plan 'what': use lone-seed, matrix, recovery, silence, silence-30s, soak, spare, or name a file")]
    [InlineData("--fault x", "fault \"x\": there is no fault 'x'")]
    [InlineData("--fault random", "wanted random SEED every TIME for TIME")]
    [InlineData("--steps 0", "--steps is at least 1")]
    public void Wrong_use_is_one_line(string args, string message)
    {
        var result = Alexnet.Run(["faults", .. args.Split(' ').Where(a => a != "plan")]).Expect(2);
        Assert.Contains(message, Assert.Single(result.Err.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
    }

    [Theory]
    [InlineData("kill nobody at step 3", "there is no nobody in the plan: wanted tower-A, tower-B, loader, coordinator, seed, deputy")]
    [InlineData("kill tower-A at step 3 in forward conv9", "has no such phase: wanted loading, forward conv1")]
    public void What_the_plan_or_network_does_not_have_is_said_before_anything_starts(string fault, string message)
    {
        var result = Alexnet.Run("faults", "--fault", fault, "--out", _workshop.In("out")).Expect(2);
        Assert.Contains(message, Assert.Single(result.Err.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
    }

    [Theory]
    [InlineData("node { roles = loader }", "no node of")]
    [InlineData("node { role = loader }", "nodes.node of")]
    public void A_cluster_that_cannot_train_is_refused(string node, string message) => Assert.Contains(message, Assert.Throws<UsageException>(() => FaultPlan.Load(Plan($"nodes {{ {node} }}"), [], null)).Message);

    [Fact]
    public void An_unknown_key_is_refused() => Assert.Contains("has an unknown key, fault: wanted recipe", Assert.Throws<UsageException>(() => FaultPlan.Load(Plan("fault = []"), [], null)).Message);

    [Fact]
    public void A_process_that_is_to_kill_itself_does_so_at_that_moment_and_the_run_goes_on_to_the_same_bits()
    {
        var killed = Alexnet.Run(_workshop.Train("run", "--steps", "9", "--fault", "kill tower-B at step 7 in exchange conv3 backward"));
        Assert.Equal(137, killed.Code);
        Assert.Equal(7, _workshop.Metrics("run", "step").Count);
        Assert.Equal(_workshop.Expected(9), Alexnet.Run(_workshop.Resume("run", "--steps", "9")).Expect(0).Digest);
    }

    [Fact]
    public void A_signal_stops_it_while_it_trains_without_faults()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "needs the signals of Unix");
        string folder = _workshop.In("out");
        var process = Alexnet.Start("faults", "--steps", "10000000", "--data", _workshop.Data, "--recipe", _workshop.RecipeFile, "--out", folder);
        Assert.Contains("the clean run: step ", process.StandardError.ReadLine()); // nothing is said before it
        Signals.Send(Signals.Terminate, process.Id);
        Assert.Contains($"alexnet: stopped as asked; what there is of it is in {folder}", Alexnet.Wait(process).Expect(1).Err);
    }

    [Fact]
    public void What_a_process_cannot_do_to_itself_is_refused()
    {
        var result = Alexnet.Run(_workshop.Train("run", "--fault", "partition tower-A from all at step 3 for 3s")).Expect(2);
        Assert.Contains("no process can do that to itself at that moment; `alexnet faults` does", Assert.Single(result.Err.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
    }
}
