using AlexNetActors.Actors;
using AlexNetActors.App;
using AlexNetActors.Data;
using AlexNetActors.Model;

namespace AlexNetActors.Tests.App;

/// <summary>The state behind the dashboard, event by event.</summary>
public sealed class BoardDashboardTests
{
    static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);
    static readonly RunLimits Limits = new(Records: 1000, Batch: 8, StepsMax: 100_000, CheckpointSteps: 1000, new LearningRateSchedule(0.01f, 10, 3, 1, 0));

    static BoardState Start() => new(new RunFacts("tiny", 1, 8, "data", 1000, 10, "run", ["conv1", "conv3", "fc6", "loss"]), RunStatus.Start(Limits, new RunStart(RunProgress.Start(Limits), null, null)));

    static StepCompleted Step(long step, double loss = 2, float rate = 0.01f, params TowerTime[] towers) =>
        new(step, rate, new Score(8, 8 * loss, 4, 2), towers.Length > 0 ? towers : [new("A+B", 10, 0, 0, 0, [])], new StepRecords(0, []));

    static BoardState Hear(BoardState state, IRunEvent e, double seconds = 0.01, double at = 0) =>
        state.After(e, state.Status.After(e, default, new ProcessMeter(seconds, 0)), Noon.AddSeconds(at));

    [Fact]
    public void Ten_thousand_steps_stay_small_and_none_is_left_out()
    {
        var state = Start();
        for (long n = 0; n < 10_000; n++) state = Hear(state, Step(n, loss: 3 - n / 10_000.0));
        Assert.InRange(state.Curves.Points.Count, Curves.PointsMax / 2, Curves.PointsMax);
        Assert.InRange(10_000 - state.Curves.Points.Sum(p => p.Score.Images / 8), 0, state.Curves.Stride - 1); // the rest is the next point
        Assert.Equal(BoardState.LanesMax, state.Lanes.Count);
        Assert.InRange(BoardJson.History(state).Length, 1, 100_000);
        Assert.InRange(state.Curves.Points[^1].Loss, 2, 2.02);
    }

    [Fact]
    public void What_is_done_again_stands_in_the_curves_once()
    {
        var state = Start();
        for (long n = 0; n < 10; n++) state = Hear(state, Step(n));
        state = Hear(state, new RunStarted(6, 0, ["cpu"], "the memory of a", Ledger.Empty));
        for (long n = 6; n < 10; n++) state = Hear(state, Step(n));
        Assert.Equal(Enumerable.Range(1, 10).Select(n => (long)n), state.Curves.Points.Select(p => p.Step));
    }

    [Fact]
    public void Who_joins_or_leaves_meanwhile_makes_no_step_shorter()
    {
        Assert.DoesNotContain(new IRunEvent[] { new NodeJoined("one:1", "cpu"), new NodeGone("one:1", "killed"), new LoadersChanged(["two:2"], "one:1 is gone"), new GroupBroken(1, "killed"), new RunPaused(3) }, RunStatus.IsMark);
        Assert.All(new IRunEvent[] { Step(1), new RunStarted(1, 0, ["cpu"], null, Ledger.Empty), new RunContinued(1) }, e => Assert.True(RunStatus.IsMark(e)));
    }

    [Fact]
    public void The_time_that_is_left_counts_from_where_this_process_took_the_run_up()
    {
        var state = Hear(Start(), new RunStarted(50_000, 0, ["cpu"], "the memory of a", Ledger.Empty));
        for (long n = 50_000; n < 50_010; n++) state = Hear(state, Step(n), seconds: 1);
        Assert.Equal(TimeSpan.FromSeconds(49_990), state.Status.Remaining);
    }

    [Fact]
    public void A_stop_where_no_run_goes_on_is_refused_as_the_other_orders_are()
    {
        var board = new Board();
        var control = new RunControl(board);
        Assert.Null(control.Stop());
        Assert.Null(control.Pause());
        int asked = 0;
        board.Begin(new RunFacts("tiny", 1, 8, "data", 1000, 10, "run", ["conv1"]), RunStatus.Start(Limits, new RunStart(RunProgress.Start(Limits), null, null)), new Curves());
        using (new StopSignals(_ => { }, stop: () => asked++, late: _ => { }))
        {
            Assert.NotNull(control.Stop());
            Assert.NotNull(control.Stop()); // said again, it is not a second signal, which would end the process
        }
        Assert.Equal(1, asked);
        Assert.Null(control.Stop());
    }

    [Fact]
    public async Task Nothing_is_lost_when_two_threads_have_something_to_say()
    {
        const int each = 20_000;
        var board = new Board();
        var status = RunStatus.Start(Limits, new RunStart(RunProgress.Start(Limits), null, null));
        board.Begin(new RunFacts("tiny", 1, 8, "data", 1000, 10, "run", ["conv1"]), status, new Curves());
        await Task.WhenAll(
            Task.Run(() => { for (int n = 0; n < each; n++) board.Hear(new GroupBroken(n, "killed"), status); }, TestContext.Current.CancellationToken),
            Task.Run(() => { for (int n = 0; n < each; n++) board.Say("slow"); }, TestContext.Current.CancellationToken));
        Assert.Equal(each, board.State!.RecoveriesEver);
        Assert.Equal(BoardState.AlertsMax, board.State!.Alerts.Count);
    }

    [Fact]
    public void A_run_that_waited_for_a_late_batch_trains_again_with_its_next_step_and_one_that_stands_has_no_speed()
    {
        var state = Hear(Start(), new GroupWaits("two:2 to bring the batch of step 3"));
        Assert.False(state.Trains);
        state = Hear(state, Step(3));
        Assert.True(state.Trains);
        Assert.Contains("\nalexnet_images_per_second ", PrometheusText.Of(state));
        state = Hear(state, new RunPaused(4));
        Assert.True(state.Paused);
        Assert.DoesNotContain("\nalexnet_images_per_second ", PrometheusText.Of(state));
    }

    [Fact]
    public void The_learning_rate_is_marked_where_it_falls()
    {
        var state = Start();
        for (long n = 0; n < 6; n++) state = Hear(state, Step(n, rate: n < 4 ? 0.01f : 0.001f));
        Assert.Equal([(0L, 0.01f), (4L, 0.001f)], state.Curves.Rates);
    }

    [Fact]
    public void A_tower_that_is_lost_is_shown_as_lost_and_its_recovery_is_timed()
    {
        var state = Hear(Start(), new NodeJoined("one:1", "cpu"));
        state = Hear(state, new NodeJoined("two:2", "cpu, a loader"));
        state = Hear(state, new GroupFormed(1, ["cpu", "cpu"], "cpu", ["tower A on cpu of one:1", "tower B on cpu of two:2", "batches from two:2"]));
        Assert.Equal(["tower B on cpu", "batches"], state.RolesOf(state.Members[1]));
        state = Hear(state, Step(0));
        state = Hear(state, new NodeGone("one:1", "its process has ended"), at: 5);
        state = Hear(state, new GroupBroken(1, "one:1 is gone"), at: 5);
        Assert.Equal("its process has ended", state.Members[0].Gone);
        Assert.Empty(state.RolesOf(state.Members[0]));
        state = Hear(state, new NodeJoined("one:1", "cpu"), at: 6);
        Assert.Null(state.Members[^1].Gone);
        state = Hear(state, new RunStarted(0, 0, ["cpu", "cpu"], null, Ledger.Empty), at: 6.5);
        state = Hear(state, Step(0), at: 7);
        var recovery = Assert.Single(state.Recoveries);
        Assert.Equal((0L, 2.0), (recovery.BackTo, Math.Round(recovery.Seconds!.Value, 6)));
    }

    [Fact]
    public void A_member_holds_memory_as_long_as_it_is_there()
    {
        var state = Hear(Hear(Hear(Start(), new NodeJoined("one:1", "cpu")), new NodeMemory("one:1", 300)), new NodeMemory("stranger:1", 5));
        Assert.Equal(("one:1", 300L), (Assert.Single(state.Members).Node, state.Members[0].ResidentBytes));
        Assert.Contains("alexnet_member_resident_bytes{node=\"one:1\"} 300\n", PrometheusText.Of(state));
        Assert.Single(state.Happenings); // that it came
        state = Hear(Hear(state, new NodeGone("one:1", "dead")), new NodeMemory("one:1", 300)); // said before, heard after
        Assert.Null(state.Members[0].ResidentBytes);
    }

    [Fact]
    public void A_run_that_is_lost_and_found_for_ever_takes_no_more_memory()
    {
        var state = Start();
        for (int n = 0; n < 1000; n++)
        {
            state = Hear(state, new NodeJoined($"n:{n}", "cpu"));
            state = Hear(state, new NodeGone($"n:{n}", "dead"));
            state = Hear(state, new GroupBroken(n, "dead")).Alert("slow", Noon);
        }
        Assert.Equal(BoardState.MembersMax, state.Members.Count);
        Assert.Equal(BoardState.HappeningsMax, state.Happenings.Count);
        Assert.Equal(BoardState.AlertsMax, state.Alerts.Count);
        Assert.Equal((BoardState.RecoveriesMax, 1000L), (state.Recoveries.Count, state.RecoveriesEver));
    }

    [Fact]
    public void Lanes_have_no_gap_and_no_overlap_and_two_clocks_are_laid_side_by_side()
    {
        // B's pass begins 3 ms after A's; a portion takes 1 ms. Each tower counts from its own beginning.
        var a = new TowerTime("A", 15, 4, 2, 0, [new(0, 1, GivenMs: 5, ArrivedMs: 9, AskedMs: 5, GotMs: 9)]);
        var b = new TowerTime("B", 16, 0, 1, 0, [new(0, 1, GivenMs: 5, ArrivedMs: 3, AskedMs: 5, GotMs: 5)]);
        var lanes = StepLanes.Of(Step(0, towers: [a, b]), 25, s => $"conv{s}");
        foreach (var lane in lanes.Lanes)
        {
            Assert.Equal((0, 25), (lane.Spans[0].From, lane.Spans[^1].To));
            foreach (var (before, after) in lane.Spans.Zip(lane.Spans.Skip(1))) Assert.Equal(before.To, after.From);
            var tower = lane.Towers == "A" ? a : b;
            double Sum(SpanKind kind) => lane.Spans.Where(s => s.Kind == kind).Sum(s => s.To - s.From);
            Assert.Equal(tower.ComputeMs, Sum(SpanKind.Compute), 9);
            Assert.Equal(tower.ExchangeMs, Sum(SpanKind.Exchange), 9);
            Assert.Equal(tower.DataMs, Sum(SpanKind.Data), 9);
        }
        var early = StepLanes.Of(Step(0, towers: [a, b]), 12, s => $"conv{s}"); // the step before it was heard of late
        Assert.Equal(19, early.Ms, 9); // B begins 3 ms after A and takes 16, A takes 19
        Assert.All(early.Lanes, lane => Assert.Equal((0, early.Ms), (lane.Spans[0].From, lane.Spans[^1].To)));
        double Begun(int tower) => lanes.Lanes[tower].Spans.First(s => s.Kind == SpanKind.Compute).From;
        Assert.Equal(3, Begun(1) - Begun(0), 9);
        Assert.All(lanes.Crossings, c => Assert.Equal(1, c.Arrived - c.Given, 9));
    }
}
