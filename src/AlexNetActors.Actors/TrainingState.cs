using System.Collections.Immutable;
using AlexNetActors.Model;

namespace AlexNetActors.Actors;

/// <summary>Where the group stands.</summary>
public enum Phase : byte { Assembling, Loading, Training, Validating, Saving, Finished, Failed }

/// <summary>What the coordinator's shell carries out; the state itself touches nothing.</summary>
public abstract record Effect
{
    /// <summary>Tell all GPU actors.</summary>
    public sealed record ToGpus(IProtocolMessage Message) : Effect;

    /// <summary>Tell all loaders.</summary>
    public sealed record ToLoaders(IProtocolMessage Message) : Effect;

    /// <summary>Tell everyone who the group is.</summary>
    public sealed record Form(int Generation) : Effect;

    /// <summary>Make the folder of a checkpoint and have the towers write into it.</summary>
    public sealed record BeginCheckpoint(long Steps) : Effect;

    /// <summary>Write the manifest and give the checkpoint its name; answered by <see cref="CheckpointWritten"/>.</summary>
    public sealed record CommitCheckpoint(RunProgress Progress, IReadOnlyList<TowerSaved> Towers) : Effect;

    /// <summary>Tell whoever watches the run.</summary>
    public sealed record Publish(IRunEvent Event) : Effect;

    /// <summary>Start the deadline anew; when it passes, <see cref="DeadlinePassed"/> comes.</summary>
    public sealed record Expect : Effect;

    /// <summary>Nothing is awaited any more.</summary>
    public sealed record ExpectNothing : Effect;
}

/// <summary>From the shell: what was awaited did not come in time.</summary>
/// <param name="Seconds">How long it was awaited.</param>
public sealed record DeadlinePassed(double Seconds);

/// <summary>
/// The whole of what the coordinator knows and decides, without Akka, clock or disk: <see cref="Apply"/> takes a message and
/// returns the next state and what is to be done. Messages of other generations, late or repeated ones change nothing.
/// </summary>
public sealed record TrainingState(Phase Phase, int Generation, RunProgress Progress, RunLimits Limits, GroupShape Group, string? Checkpoint)
{
    public static TrainingState Start(RunProgress progress, RunLimits limits, GroupShape group, string? checkpoint) =>
        new(Phase.Assembling, 1, progress, limits, group, checkpoint);

    /// <summary>Devices by tower, of the GPU actors that are ready.</summary>
    public ImmutableSortedDictionary<TowerId, string> Gpus { get; init; } = ImmutableSortedDictionary<TowerId, string>.Empty;
    public ImmutableHashSet<int> Loaders { get; init; } = [];

    /// <summary>Towers whose answer to the last command is in.</summary>
    public ImmutableHashSet<TowerId> Answered { get; init; } = [];

    /// <summary>The pass that runs, when training or validating.</summary>
    public PassId Pass { get; init; }
    public ImmutableList<PassDone> Done { get; init; } = [];
    public ImmutableList<TowerSaved> Saved { get; init; } = [];
    public Score Validated { get; init; }

    /// <summary>Someone asked the run to end: the pass that runs is its last.</summary>
    public bool Stopping { get; init; }

    /// <summary>Takes a message; returns the next state and what to do.</summary>
    public (TrainingState State, ImmutableList<Effect> Effects) Apply(object message) => (Phase, message) switch
    {
        (Phase.Finished or Phase.Failed, _) => (this, []),
        (_, MemberFailed m) => Fail($"{m.Member}, {m.Reason}"),
        (Phase.Assembling or Phase.Loading, StopRun) => (this with { Stopping = true }).Continue([]),
        (_, StopRun) => (this with { Stopping = true }, []),
        (_, DeadlinePassed m) => Fail($"waited {m.Seconds:0.#} s for {Awaited()}"),
        (Phase.Assembling, GpuReady m) => (this with { Gpus = Gpus.SetItems(m.Towers.Select(t => KeyValuePair.Create(t, m.Device))) }).FormWhenComplete(),
        (Phase.Assembling, LoaderReady m) => (this with { Loaders = Loaders.Add(m.Index) }).FormWhenComplete(),
        (Phase.Loading, TowersLoaded m) when m.Generation == Generation => (this with { Answered = Answered.Union(m.Towers) }).StartWhenLoaded(),
        (Phase.Training, PassDone m) when IsNew(m) => Take(m).StepWhenDone(),
        (Phase.Validating, PassDone m) when IsNew(m) => Take(m).ValidateWhenDone(),
        (Phase.Saving, TowerSaved m) when m.Generation == Generation && m.Steps == Progress.Steps && !Answered.Contains(m.Tower) =>
            (this with { Answered = Answered.Add(m.Tower), Saved = Saved.Add(m) }).CommitWhenSaved(),
        (Phase.Saving, CheckpointWritten m) when m.Steps == Progress.Steps => (this with { Progress = Progress.AfterCheckpoint() }).Continue([new Effect.Publish(m)]),
        _ => (this, []),
    };

    bool AllAnswered => Answered.Count == TowerIds.Both.Count;

    bool IsNew(PassDone m) => m.Pass == Pass && !Answered.Overlaps(m.Towers);

    TrainingState Take(PassDone m) => this with { Answered = Answered.Union(m.Towers), Done = Done.Add(m) };

    (TrainingState, ImmutableList<Effect>) FormWhenComplete()
    {
        if (Gpus.Count < TowerIds.Both.Count || Loaders.Count < Group.Loaders) return (this, [new Effect.Publish(new GroupWaits(Awaited()))]);
        return (this with { Phase = Phase.Loading, Answered = [] },
            [new Effect.Form(Generation), new Effect.ToGpus(new LoadTowers(Generation, Checkpoint)), new Effect.Expect()]);
    }

    (TrainingState, ImmutableList<Effect>) StartWhenLoaded() =>
        AllAnswered ? Continue([new Effect.Publish(new RunStarted(Progress.Steps, [.. Gpus.Values], Checkpoint))]) : (this, []);

    (TrainingState, ImmutableList<Effect>) StepWhenDone()
    {
        if (!AllAnswered) return (this, []);
        var score = Done[0].Score;
        if (!double.IsFinite(score.LossSum))
            return Fail($"the loss of step {Progress.Steps} is {score.Loss}: the weights have blown up; lower schedule.rate or use another recipe, and go on from a checkpoint with --resume");
        var times = Done.Select(d => new TowerTime(string.Join('+', d.Towers), d.ComputeMs, d.ExchangeMs, d.DataMs, d.DeviceBuffers)).OrderBy(t => t.Towers, StringComparer.Ordinal);
        var completed = new StepCompleted(Progress.Steps, Progress.Schedule.Rate, score, [.. times]);
        return (this with { Progress = Progress.AfterStep() }).Continue([new Effect.Publish(completed)]);
    }

    (TrainingState, ImmutableList<Effect>) ValidateWhenDone()
    {
        if (!AllAnswered) return (this, []);
        var state = this with { Validated = Validated + Done[0].Score };
        long next = Pass.Number + 1;
        if (Stopping) return Continue([]); // validated again by whoever goes on
        if (next < FirstValidationPass + Group.ValidationBatches) return state.RunPass(PassKind.Evaluate, next, []);
        var progress = Progress.AfterValidation(Limits, state.Validated.Top1Error);
        var completed = new ValidationCompleted(Progress.Steps, progress.EpochsValidated, state.Validated, progress.BestSteps == Progress.Steps, progress.Schedule.Rate);
        return (state with { Progress = progress }).Continue([new Effect.Publish(completed)]);
    }

    (TrainingState, ImmutableList<Effect>) CommitWhenSaved() =>
        AllAnswered ? (this, [new Effect.CommitCheckpoint(Progress.AfterCheckpoint(), [.. Saved.OrderBy(s => s.Tower)])]) : (this, []);

    /// <summary>Numbers of evaluation passes never repeat within a run: each validation starts at steps * batches.</summary>
    long FirstValidationPass => Progress.Steps * Group.ValidationBatches;

    RunStage Next => !Stopping ? Progress.Next(Limits) : Progress.StepsSaved < Progress.Steps ? RunStage.Checkpoint : RunStage.Finish;

    bool Over => Progress.Schedule.Finished || Progress.Steps >= Limits.StepsMax;

    /// <summary>Does what comes next.</summary>
    (TrainingState, ImmutableList<Effect>) Continue(ImmutableList<Effect> effects) => Next switch
    {
        RunStage.Train => (this with { Phase = Phase.Training }).RunPass(PassKind.Train, Progress.Steps, effects),
        RunStage.Validate => (this with { Phase = Phase.Validating, Validated = default }).RunPass(PassKind.Evaluate, FirstValidationPass, effects),
        RunStage.Checkpoint => (this with { Phase = Phase.Saving, Answered = [], Saved = [] }, effects.AddRange([new Effect.BeginCheckpoint(Progress.Steps), new Effect.Expect()])),
        _ => (this with { Phase = Phase.Finished }, effects.AddRange([
            new Effect.Publish(new RunFinished(Progress.Steps, Over ? Progress.Schedule.Finished ? "validation stopped improving" : "all steps are done" : "stopped as asked")),
            new Effect.ExpectNothing()])),
    };

    (TrainingState, ImmutableList<Effect>) RunPass(PassKind kind, long number, ImmutableList<Effect> effects)
    {
        var pass = new PassId(Generation, kind, number);
        bool training = kind == PassKind.Train;
        long from = training ? FirstTrainingPass : FirstValidationPass;
        long end = training ? Limits.StepsMax : from + Group.ValidationBatches;
        var credit = new GrantCredit(Generation, kind, from, Math.Min(end, number + Group.ReadAhead));
        return (this with { Pass = pass, Answered = [], Done = [] }, effects.AddRange([
            new Effect.ToLoaders(credit),
            new Effect.ToGpus(training ? new RunStep(pass, Progress.Schedule.Rate) : new EvaluateBatch(pass)),
            new Effect.Expect()]));
    }

    /// <summary>The step at which this group began to train.</summary>
    public long FirstTrainingPass { get; init; } = Progress.Steps;

    (TrainingState, ImmutableList<Effect>) Fail(string reason) =>
        (this with { Phase = Phase.Failed }, [new Effect.Publish(new RunFailed(reason)), new Effect.ExpectNothing()]);

    /// <summary>In words, whom the group waits for and to do what.</summary>
    string Awaited()
    {
        string Towers(IEnumerable<TowerId> present) => string.Join(" and ", TowerIds.Both.Except(present).Select(t => $"tower {t}"));
        return Phase switch
        {
            Phase.Assembling => string.Join(", ", new[] { Towers(Gpus.Keys), Loaders.Count < Group.Loaders ? $"{Group.Loaders - Loaders.Count} of {Group.Loaders} loaders" : "" }.Where(w => w != "")),
            Phase.Loading => $"{Towers(Answered)} to load its weights",
            Phase.Saving when AllAnswered => $"the checkpoint after step {Progress.Steps} to get its name",
            Phase.Saving => $"{Towers(Answered)} to write the checkpoint after step {Progress.Steps}",
            _ => $"{Towers(Answered)} to finish {Pass}",
        };
    }
}

/// <summary>What the group is made of.</summary>
/// <param name="Loaders">Loaders that must be there.</param>
/// <param name="ReadAhead">Batches that may be prepared ahead.</param>
/// <param name="ValidationBatches">Batches of the validation set.</param>
public sealed record GroupShape(int Loaders, int ReadAhead, int ValidationBatches);
