using AlexNetActors.Model;
using CsCheck;

namespace AlexNetActors.Tests.Model;

/// <summary>Section 5 of the paper: divide when the validation error stops improving, three times, then stop.</summary>
public sealed class LearningRateScheduleTests
{
    static readonly Gen<LearningRateSchedule> Schedules =
        from reductions in Gen.Int[0, 4]
        from patience in Gen.Int[1, 5]
        from improvement in Gen.Double[0, 0.1]
        select new LearningRateSchedule(0.01f, 10, reductions, patience, improvement);

    [Fact]
    public void PaperFallsThreeTimesThenStops()
    {
        var schedule = new LearningRateSchedule(0.01f, 10, 3, Patience: 2, Improvement: 0);
        var state = schedule.Start;
        var rates = new List<float>();
        foreach (double error in new[] { 0.9, 0.5, 0.6, 0.5, 0.4, 0.4, 0.4, 0.3, 0.3, 0.3, 0.3, 0.3 })
            rates.Add((state = schedule.Observe(state, error)).Rate);
        float[] expected = [0.01f, 0.01f / 10, 0.01f / 10 / 10, 0.01f / 10 / 10 / 10];
        Assert.Equal([0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3], rates.Select(r => Array.IndexOf(expected, r)));
        Assert.True(state.Finished);
    }

    [Fact]
    public void ErrorsThatNeverImproveEndItAfterEveryReductionWasTried() => Schedules.Sample(schedule =>
    {
        var state = schedule.Observe(schedule.Start, 1);
        for (int stalls = 1; stalls <= schedule.Patience * (schedule.Reductions + 1); stalls++)
        {
            Assert.False(state.Finished);
            state = schedule.Observe(state, stalls % 2 == 0 ? 1 : double.NaN);
        }
        Assert.True(state.Finished);
        Assert.Equal(schedule.Reductions, state.Reductions);
    });

    [Fact]
    public void RateFallsByFactorAndNeverRises() => Gen.Select(Schedules, Gen.Double[0, 1].Array[0, 100]).Sample((schedule, errors) =>
    {
        var state = schedule.Start;
        foreach (double error in errors)
        {
            var next = schedule.Observe(state, error);
            Assert.Equal(next.Reductions == state.Reductions ? state.Rate : state.Rate / schedule.Factor, next.Rate);
            Assert.InRange(next.Reductions, state.Reductions, Math.Min(state.Reductions + 1, schedule.Reductions));
            Assert.True(next.Best <= state.Best);
            Assert.True(next.Waited < schedule.Patience || next.Finished);
            state = next;
        }
    });

    [Fact]
    public void EnoughImprovementKeepsTheRate() => Schedules.Sample(schedule =>
    {
        var state = schedule.Start;
        for (double error = 1; error > 1e-3; error *= 0.89) state = schedule.Observe(state, error);
        Assert.Equal((schedule.InitialRate, 0, false), (state.Rate, state.Reductions, state.Finished));
    });

    [Fact]
    public void AnImprovementIsWaitedForAnew() => Schedules.Sample(schedule =>
    {
        var state = schedule.Start;
        for (double error = 1; error > 0.1; error *= 0.89)
            for (int n = 0; n < schedule.Patience; n++) state = schedule.Observe(state, error); // better once, then one short of the patience
        Assert.Equal((schedule.InitialRate, 0, schedule.Patience - 1), (state.Rate, state.Reductions, state.Waited));
    });

    [Fact]
    public void TooLittleImprovementIsNone()
    {
        var schedule = new LearningRateSchedule(0.01f, 10, 3, Patience: 1, Improvement: 0.1);
        var state = schedule.Observe(schedule.Observe(schedule.Start, 0.5), 0.46);
        Assert.Equal((1, 0.5), (state.Reductions, state.Best));
    }
}
