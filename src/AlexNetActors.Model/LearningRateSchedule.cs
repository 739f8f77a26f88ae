namespace AlexNetActors.Model;

/// <summary>When the learning rate falls (paper section 5): divided by <paramref name="Factor"/> when the validation error stops improving, <paramref name="Reductions"/> times, then stop.</summary>
/// <param name="InitialRate">0.01 in the paper.</param>
/// <param name="Factor">10 in the paper.</param>
/// <param name="Reductions">3 in the paper.</param>
/// <param name="Patience">Epochs without improvement that count as "stopped improving".</param>
/// <param name="Improvement">Least fall of the top-1 error, as a share of the best so far, that counts as improvement.</param>
public sealed record LearningRateSchedule(float InitialRate, float Factor, int Reductions, int Patience, double Improvement)
{
    public ScheduleState Start => new(InitialRate, 0, double.PositiveInfinity, 0, false);

    /// <summary>The state after a validation.</summary>
    public ScheduleState Observe(ScheduleState state, double top1Error)
    {
        if (top1Error < state.Best * (1 - Improvement)) return state with { Best = top1Error, Waited = 0 };
        if (state.Waited + 1 < Patience) return state with { Waited = state.Waited + 1 };
        if (state.Reductions == Reductions) return state with { Waited = state.Waited + 1, Finished = true };
        return state with { Rate = state.Rate / Factor, Reductions = state.Reductions + 1, Waited = 0 };
    }
}

/// <summary>Where the schedule stands; part of every checkpoint.</summary>
/// <param name="Rate">The learning rate now.</param>
/// <param name="Reductions">How often it was divided.</param>
/// <param name="Best">Best validation error that counted as an improvement.</param>
/// <param name="Waited">Epochs since then, or since the last reduction.</param>
/// <param name="Finished">The last reduction stalled too: training is over.</param>
public readonly record struct ScheduleState(float Rate, int Reductions, double Best, int Waited, bool Finished);
