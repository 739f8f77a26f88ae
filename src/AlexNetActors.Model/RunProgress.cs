using AlexNetActors.Data;

namespace AlexNetActors.Model;

/// <summary>What a run does next.</summary>
public enum RunStage : byte { Train, Validate, Checkpoint, Finish }

/// <summary>When a run may end and when it writes; <see cref="Recipe"/> and command line worked out into steps.</summary>
/// <param name="Records">Training images in an epoch.</param>
/// <param name="Batch">Images in a step.</param>
/// <param name="StepsMax">Last step of the run.</param>
/// <param name="CheckpointSteps">Steps between checkpoints; there is always one after a validation and at the end.</param>
/// <param name="Schedule">How the learning rate falls.</param>
public sealed record RunLimits(int Records, int Batch, long StepsMax, int CheckpointSteps, LearningRateSchedule Schedule)
{
    /// <summary>Whole epochs done after <paramref name="steps"/> steps.</summary>
    public long EpochsAfter(long steps) => steps * Batch / Records;
}

/// <summary>
/// How far a run has come, and from that alone what comes next: the one place that orders training, validation and checkpoints,
/// for the coordinator and for the sequential trainer. Pure; part of every checkpoint.
/// </summary>
/// <param name="Steps">Training steps done; the number of the next step.</param>
/// <param name="Schedule">Where the learning rate stands.</param>
/// <param name="EpochsValidated">Epochs whose end has been validated.</param>
/// <param name="StepsSaved">Steps done at the last checkpoint; one less where they have been validated since, which is to be saved, too.</param>
/// <param name="BestError">Lowest validation top-1 error seen.</param>
/// <param name="BestSteps">Steps done when it was seen.</param>
public sealed record RunProgress(long Steps, ScheduleState Schedule, long EpochsValidated, long StepsSaved, double BestError, long BestSteps)
{
    public static RunProgress Start(RunLimits limits) => new(0, limits.Schedule.Start, 0, 0, double.PositiveInfinity, 0);

    bool Over(RunLimits limits) => Steps >= limits.StepsMax || Schedule.Finished;

    public RunStage Next(RunLimits limits)
    {
        if (Steps == 0) return limits.StepsMax > 0 ? RunStage.Train : RunStage.Finish;
        bool over = Over(limits);
        // The end of an epoch, and the end of the run, are validated and then saved.
        if (ValidationDue(limits)) return RunStage.Validate;
        bool saveDue = Steps % limits.CheckpointSteps == 0 || over || ValidatedSteps == Steps;
        if (saveDue && StepsSaved < Steps) return RunStage.Checkpoint;
        return over ? RunStage.Finish : RunStage.Train;
    }

    bool ValidationDue(RunLimits limits) =>
        limits.EpochsAfter(Steps) > EpochsValidated || (Over(limits) && ValidatedSteps < Steps);

    /// <summary>Steps done at the last validation.</summary>
    public long ValidatedSteps { get; init; }

    /// <summary>Which samples the weights have seen.</summary>
    public Ledger Ledger { get; init; } = Ledger.Empty;

    public RunProgress AfterStep() => this with { Steps = Steps + 1 };

    public RunProgress AfterCheckpoint() => this with { StepsSaved = Steps };

    public RunProgress AfterValidation(RunLimits limits, double top1Error)
    {
        bool epochEnded = limits.EpochsAfter(Steps) > EpochsValidated;
        return this with
        {
            // A validation that only the end of the run asked for does not move the schedule.
            Schedule = epochEnded ? limits.Schedule.Observe(Schedule, top1Error) : Schedule,
            EpochsValidated = limits.EpochsAfter(Steps),
            ValidatedSteps = Steps,
            StepsSaved = Math.Min(StepsSaved, Steps - 1), // a run that was stopped after its step has saved it before
            BestError = Math.Min(BestError, top1Error),
            BestSteps = top1Error < BestError ? Steps : BestSteps,
        };
    }
}
