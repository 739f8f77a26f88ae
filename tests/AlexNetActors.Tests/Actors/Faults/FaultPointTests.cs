using AlexNetActors.Actors;
using AlexNetActors.Compute;
using AlexNetActors.Data;
using AlexNetActors.Model;

namespace AlexNetActors.Tests.Actors;

/// <summary>A real pass tells its moments; faults strike at them, each once.</summary>
public sealed class FaultPointTests : IDisposable
{
    readonly TinyRun _run = new();
    readonly ReferenceDevice _device = new();
    readonly Tower[] _towers;
    readonly Batch _batch;

    public FaultPointTests()
    {
        _towers = [.. TowerIds.Both.Select(id => new Tower(TinyRun.Network, id, _device, TinyRun.Recipe.Batch, TinyRun.Recipe.Seed, _run.Data.Mean.Span, training: true))];
        foreach (var tower in _towers) tower.Initialize();
        var reader = new BatchReader(_run.Data, TinyRun.Recipe.Augmentation, TinyRun.Recipe.Seed, TinyRun.Recipe.Batch);
        reader.ReadTraining(0, _batch = reader.NewBatch());
    }

    public void Dispose()
    {
        _device.Dispose();
        _run.Dispose();
    }

    /// <summary>Says what it is asked, and whether to strike.</summary>
    sealed class Judge(bool strikes) : IFaultJudge
    {
        public List<(int Number, Moment Moment)> Asked { get; } = [];

        public bool Strikes(int number, Moment moment)
        {
            Asked.Add((number, moment));
            return strikes;
        }
    }

    static FaultPoints Armed(IFaultJudge? judge, params string[] lines)
    {
        var points = new FaultPoints(judge);
        foreach (var (i, line) in lines.Index()) points.Arm(i, FaultLanguage.Parse(line));
        return points;
    }

    PassResult Train(FaultPoints points, long step, params Tower[] towers) =>
        new Pass(towers.Length == 0 ? _towers : towers, new LocalLink(), points.AtTowers(towers.Length == 0 ? _towers : towers)).Train(new PassId(1, PassKind.Train, step), _batch, TinyRun.Recipe.DescentAt(0.01f));

    PassResult Evaluate(FaultPoints points) => new Pass(_towers, new LocalLink(), points.AtTowers(_towers)).Evaluate(new PassId(1, PassKind.Evaluate, 99), _batch);

    [Fact]
    public void A_pass_comes_to_every_phase_once_and_in_order()
    {
        var told = new List<Moment>();
        new Pass(_towers, new LocalLink(), told.Add).Train(new PassId(1, PassKind.Train, 4), _batch, TinyRun.Recipe.DescentAt(0.01f));
        Assert.Equal(new Places(TinyRun.Network).All.Where(p => p.Stage is not (Stage.Snapshot or Stage.Checkpoint or Stage.Validation)).Select(p => new Moment(p, 4)), told);
        told.Clear();
        new Pass(_towers, new LocalLink(), told.Add).Evaluate(new PassId(1, PassKind.Evaluate, 4), _batch);
        Assert.Equal([new Moment(Places.Validation, -1)], told);
    }

    [Fact]
    public void A_kernel_fails_at_the_named_moment_and_only_once()
    {
        var points = Armed(null, "throw tower-B at step 2 in exchange fc6 forward");
        Train(points, 1);
        Assert.Contains("throw tower-B at step 2 in exchange fc6 forward", Assert.Throws<DeviceException>(() => Train(points, 2)).Message);
        Train(points, 2);
    }

    [Fact]
    public void An_allocation_fails() => Assert.Throws<OutOfMemoryException>(() => Train(Armed(null, "starve tower-A at step 0 in backward conv1"), 0));

    [Fact]
    public void A_fault_that_the_judge_keeps_back_is_asked_for_once()
    {
        var judge = new Judge(strikes: false);
        var points = Armed(judge, "kill tower-A at step 1 in loss", "throw tower-B at step 1 in update");
        for (int step = 0; step < 4; step++) Train(points, step);
        Assert.Equal([(0, new Moment(Places.Loss, 1)), (1, new Moment(Places.Update, 1))], judge.Asked);
    }

    [Fact]
    public void A_fault_that_has_struck_elsewhere_does_not_strike_here()
    {
        var points = Armed(null, "throw tower-A at step 0 in loss");
        Assert.True(points.Disarm(0));
        Assert.False(points.Disarm(0));
        Train(points, 0);
    }

    [Fact]
    public void Tower_A_tells_the_moments_of_those_who_have_none_themselves()
    {
        string[] lines = ["kill coordinator at step 0 in loss", "kill seed at step 0 in update", "kill loader at step 0 in backward fc6", "damage checkpoint newest at step 0", "kill loader at step 0 in loading", "kill tower-B at step 0 in loss"];
        var judge = new Judge(strikes: false);
        Train(Armed(judge, lines), 0);
        Assert.Equal([3, 0, 5, 2, 1], judge.Asked.Select(a => a.Number)); // a loader's own loading is the loader's
        judge.Asked.Clear();
        var points = Armed(judge, lines);
        points.AtTowers([_towers[1]])(new Moment(Places.Loss, 0));
        points.AtLoader(3);
        Assert.Equal([5, 4], judge.Asked.Select(a => a.Number));
    }

    [Fact]
    public void A_validations_step_is_the_number_of_steps_done()
    {
        var judge = new Judge(strikes: false);
        var points = Armed(judge, "kill tower-A at step 3 in validation");
        Train(points, 1);
        Evaluate(points);
        Assert.Empty(judge.Asked);
        Train(points, 2);
        Evaluate(points);
        Assert.Equal([(0, new Moment(Places.Validation, 3))], judge.Asked);
    }

    [Fact]
    public void A_nan_in_a_gradient_is_in_the_weights_after_the_update_and_one_in_an_activation_stops_the_step()
    {
        Train(Armed(null, "nan tower-B in gradient at step 0"), 0);
        float[] weights = new float[_towers[1].Parameters.Last(p => !p.IsBias).Shape.Count];
        _device.Read(_towers[1].Parameters.Last(p => !p.IsBias).Value, weights);
        Assert.True(float.IsNaN(weights[0]));
        foreach (var tower in _towers) tower.Initialize();
        Assert.Contains("fc8 on tower A", Assert.Throws<NotFiniteException>(() => Train(Armed(null, "nan tower-A in activation at step 0 in forward fc8"), 0)).Message);
    }
}
