using System.Collections.Immutable;

namespace AlexNetActors.Actors;

/// <summary>
/// What a person asks of a run: to wait, to go on, to save now. It is done where the next step would begin, so no number depends on it.
/// </summary>
public sealed partial record TrainingState
{
    /// <summary>Someone asked the run to wait. It outlives a group, not its coordinator: whoever takes over trains on.</summary>
    public bool PauseAsked { get; init; }

    /// <summary>Someone asked for a checkpoint that is not written yet.</summary>
    public bool SaveAsked { get; init; }

    bool SaveIsDue => SaveAsked && Progress.StepsSaved < Progress.Steps;

    (TrainingState, ImmutableList<Effect>) GoOn()
    {
        var state = this with { PauseAsked = false };
        return Phase == Phase.Paused ? state.Continue([new Effect.Publish(new RunContinued(Progress.Steps))]) : (state, []);
    }

    /// <summary>In a pause at once; nothing is written twice there.</summary>
    (TrainingState, ImmutableList<Effect>) Save()
    {
        var state = this with { SaveAsked = true };
        if (Phase != Phase.Paused) return (state, []);
        return state.SaveIsDue ? state.Continue([]) : (this, []);
    }

    /// <summary>The members stay as they are, their connections stand, and nothing is awaited of them.</summary>
    (TrainingState, ImmutableList<Effect>) Pause(ImmutableList<Effect> effects) =>
        (this with { Phase = Phase.Paused }, effects.AddRange([new Effect.Publish(new RunPaused(Progress.Steps)), new Effect.ExpectNothing()]));
}
