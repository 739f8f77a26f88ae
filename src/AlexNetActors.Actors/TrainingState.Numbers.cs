using System.Collections.Immutable;
using AlexNetActors.Model;

namespace AlexNetActors.Actors;

/// <summary>
/// NaN and infinity. A step's bits are a pure function of the recipe: what goes wrong once was the machine's doing, what goes wrong again at
/// the same step is the recipe's.
/// </summary>
public sealed partial record TrainingState
{
    const int StopsMax = 3; // at different steps, with no checkpoint between: neither a rare fault nor the recipe

    /// <summary>Of the pass that runs: what the towers found wrong. Both answer, then the one where it began is named.</summary>
    public ImmutableList<NumbersWentWrong> Wrong { get; init; } = [];

    /// <summary>Steps done where numbers went wrong since the last checkpoint.</summary>
    public ImmutableHashSet<long> StoppedAt { get; init; } = [];

    TrainingState Take(NumbersWentWrong m) => this with { Answered = Answered.Union(m.Towers), Wrong = Wrong.Add(m) };

    (TrainingState, ImmutableList<Effect>) GoBack(ImmutableList<NumbersWentWrong> wrong)
    {
        var cause = wrong.OrderBy(m => m.Given).ThenBy(m => m.Tower).First();
        ImmutableList<Effect> effects = [new Effect.Publish(cause)];
        if (StoppedAt.Contains(Progress.Steps))
            return FailAfter(effects, $"{cause}, again after the same steps were done anew, so it is the recipe's doing: lower schedule.rate (now {Rate}) or use recipe robust, in a new run{Batch(cause)}");
        if (StoppedAt.Count + 1 >= StopsMax)
            return FailAfter(effects, $"{cause}, for the {StopsMax}rd time since the last checkpoint, at different steps: the device computes wrong, use another one, or the recipe is about to blow up (schedule.rate is {Rate}){Batch(cause)}");
        return (this with { StoppedAt = StoppedAt.Add(Progress.Steps) }).Regroup($"{cause}", effects);
    }

    string Rate => FormattableString.Invariant($"{Progress.Schedule.Rate:G4}");

    static string Batch(NumbersWentWrong m) => m.Records.Length == 0 ? "" : $"; the records of its batch are in {m.FileName} of the run folder";

    (TrainingState, ImmutableList<Effect>) FailAfter(ImmutableList<Effect> effects, string reason)
    {
        var (state, more) = Fail(reason);
        return (state, effects.AddRange(more));
    }
}
