using AlexNetActors.Model;
using CsCheck;

namespace AlexNetActors.Tests.Model;

/// <summary>The order of training, validation and checkpoints, over random runs.</summary>
public sealed class RunProgressTests
{
    static readonly Gen<RunLimits> Limits =
        from records in Gen.Int[1, 60]
        from batch in Gen.Int[1, 20]
        from steps in Gen.Int[0, 60]
        from checkpoint in Gen.Int[1, 15]
        from patience in Gen.Int[1, 4]
        select new RunLimits(records, batch, steps, checkpoint, new LearningRateSchedule(0.01f, 10, 2, patience, 0));

    static readonly Gen<(RunLimits Limits, uint Seed)> Runs = Gen.Select(Limits, Gen.UInt);

    /// <summary>A validation error is a function of the steps, as a real one is, and as one over few records it often comes again.</summary>
    static double ErrorAfter(long steps, uint seed) => (steps * 2654435761 + seed) % 97 % 9 / 8.0;

    static List<(RunStage Stage, RunProgress Before)> Play(RunLimits limits, uint seed, RunProgress progress)
    {
        var played = new List<(RunStage, RunProgress)>();
        while (true)
        {
            var next = progress.Next(limits);
            played.Add((next, progress));
            Assert.True(played.Count < 1000, "the run does not end");
            switch (next)
            {
                case RunStage.Train: progress = progress.AfterStep(); break;
                case RunStage.Validate: progress = progress.AfterValidation(limits, ErrorAfter(progress.Steps, seed)); break;
                case RunStage.Checkpoint: progress = progress.AfterCheckpoint(); break;
                default: return played;
            }
        }
    }

    static List<(RunStage Stage, RunProgress Before)> Play(RunLimits limits, uint seed) => Play(limits, seed, RunProgress.Start(limits));

    [Fact]
    public void EveryStepIsTrainedOnceInOrder() => Runs.Sample((limits, seed) =>
    {
        var steps = Play(limits, seed).Where(p => p.Stage == RunStage.Train).Select(p => p.Before.Steps).ToList();
        Assert.Equal(Enumerable.Range(0, steps.Count).Select(n => (long)n), steps);
        Assert.True(steps.Count <= limits.StepsMax);
    });

    [Fact]
    public void RunEndsByItsStepsOrItsSchedule() => Runs.Sample((limits, seed) =>
    {
        var end = Play(limits, seed)[^1].Before;
        Assert.True(end.Steps == limits.StepsMax || end.Schedule.Finished);
    });

    [Fact]
    public void EpochsAndTheEndAreValidatedOnce() => Runs.Sample((limits, seed) =>
    {
        var played = Play(limits, seed);
        long end = played[^1].Before.Steps;
        var validated = played.Where(p => p.Stage == RunStage.Validate).Select(p => p.Before.Steps).ToList();
        var expected = Enumerable.Range(1, (int)end).Where(s => s == end || limits.EpochsAfter(s) > limits.EpochsAfter(s - 1)).Select(s => (long)s);
        Assert.Equal(expected, validated);
    });

    [Fact]
    public void CheckpointsAreWrittenOnceEachWhenDueAfterValidationsAndAtTheEnd() => Runs.Sample((limits, seed) =>
    {
        var played = Play(limits, seed);
        long end = played[^1].Before.Steps;
        var validated = played.Where(p => p.Stage == RunStage.Validate).Select(p => p.Before.Steps).ToHashSet();
        var saved = played.Where(p => p.Stage == RunStage.Checkpoint).Select(p => p.Before.Steps).ToList();
        Assert.Equal(Enumerable.Range(1, (int)end).Select(s => (long)s).Where(s => s % limits.CheckpointSteps == 0 || validated.Contains(s)), saved);
        Assert.All(played.Where(p => p.Stage == RunStage.Checkpoint), p => Assert.Equal(validated.Contains(p.Before.Steps), p.Before.ValidatedSteps == p.Before.Steps));
    });

    [Fact]
    public void ResumingFromAnyPointGoesOnTheSame() => Runs.Sample((limits, seed) =>
    {
        var played = Play(limits, seed);
        for (int from = 0; from < played.Count; from += 1 + played.Count / 10)
            Assert.Equal(played.Skip(from), Play(limits, seed, played[from].Before));
    });

    [Fact]
    public void BestIsTheLowestErrorAndWasSaved() => Runs.Sample((limits, seed) =>
    {
        var played = Play(limits, seed);
        var end = played[^1].Before;
        var validated = played.Where(p => p.Stage == RunStage.Validate).Select(p => p.Before.Steps).ToList();
        if (validated.Count == 0) return;
        Assert.Equal(validated.Min(s => ErrorAfter(s, seed)), end.BestError);
        Assert.Equal(validated.First(s => ErrorAfter(s, seed) == end.BestError), end.BestSteps);
        Assert.Contains(played, p => p.Stage == RunStage.Checkpoint && p.Before.Steps == end.BestSteps);
    });

    [Fact]
    public void LongerRunGoesOnFromTheEndOfAShorterOne()
    {
        var schedule = new LearningRateSchedule(0.01f, 10, 3, 5, 0);
        var limits = new RunLimits(Records: 10, Batch: 4, StepsMax: 6, CheckpointSteps: 100, schedule);
        var end = Play(limits, 1)[^1].Before;
        var onward = Play(limits with { StepsMax = 7 }, 1, end).Select(p => (p.Stage, p.Before.Steps));
        Assert.Equal([(RunStage.Train, 6), (RunStage.Validate, 7), (RunStage.Checkpoint, 7), (RunStage.Finish, 7)], onward);
    }
}
