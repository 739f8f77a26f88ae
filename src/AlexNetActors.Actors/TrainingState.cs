using System.Collections.Immutable;
using Akka.Actor;
using AlexNetActors.Data;
using AlexNetActors.Model;

namespace AlexNetActors.Actors;

/// <summary>Where the group stands.</summary>
public enum Phase : byte { Assembling, Forming, Loading, Training, Validating, Saving, Paused, Finished, Failed }

/// <summary>
/// The whole of what the coordinator knows and decides, without Akka, clock or disk: <see cref="Apply"/> takes a message and
/// returns the next state and what is to be done. Messages of other generations, late or repeated ones change nothing.
/// </summary>
public sealed partial record TrainingState(Phase Phase, RunProgress Progress, RunLimits Limits, GroupShape Group, RunTerms Terms, string? Checkpoint)
{
    /// <param name="settings">What the run is.</param>
    public static TrainingState Start(RunSettings settings) =>
        new(Phase.Assembling, settings.Progress, settings.Limits, settings.Group, settings.Terms, settings.Resume) { Saved = settings.Progress };

    /// <summary>Incarnation of the group; what an older one sends is dropped.</summary>
    public int Generation { get; init; }

    /// <summary>The highest that a node has heard of: a new group's is above it, also after another coordinator.</summary>
    public int GenerationHeardOf { get; init; }

    /// <summary>Where the last checkpoint stands: what a group goes back to whose members hold nothing newer in memory.</summary>
    public RunProgress Saved { get; init; } = Progress;

    /// <summary>Counts how often the batches were shared out among the loaders.</summary>
    public int Round { get; init; }

    /// <summary>What the group that trains, or is about to, has its weights from.</summary>
    public RestorePoint? From { get; init; }

    /// <summary>Steps of the snapshot that this group was last asked for; -1 for none.</summary>
    public long SnapshotAsked { get; init; } = -1;

    /// <summary>The step at which something last went wrong that blames no node: the second time it is no accident.</summary>
    public long? WentWrongAt { get; init; }

    /// <summary>Devices that were in the way twice at one step: they get a tower only where no other can.</summary>
    public ImmutableHashSet<IActorRef> Distrusted { get; init; } = [];

    /// <summary>Nodes with devices that are in the cluster and may not have said yet what they hold.</summary>
    public ImmutableHashSet<string> GpuNodes { get; init; } = [];

    /// <summary>They have had the time to say it.</summary>
    public bool IsSettled { get; init; }

    /// <summary>Why most of the cluster's nodes may have another coordinator, so that this one commands nobody; null when they have not.</summary>
    public string? Alone { get; init; }

    /// <summary>What it has last said to wait for before a group can form.</summary>
    public string? WaitsFor { get; init; }
    public Roster Roster { get; init; } = Roster.Empty;
    public Seating? Seating { get; init; }

    /// <summary>Towers whose answer to the last command is in.</summary>
    public ImmutableHashSet<TowerId> Answered { get; init; } = [];

    /// <summary>The pass that runs, when training or validating.</summary>
    public PassId Pass { get; init; }
    public ImmutableList<PassDone> Done { get; init; } = [];
    public ImmutableList<TowerSaved> TowersSaved { get; init; } = [];
    public Score Validated { get; init; }

    /// <summary>The first batch of this kind of pass that the loaders that serve now are to prepare.</summary>
    public long CreditFrom { get; init; }

    /// <summary>Towers that have said that the batch of this pass does not come, since those who serve now are to bring it.</summary>
    public ImmutableHashSet<TowerId> Missing { get; init; } = [];

    /// <summary>Others than those who were asked first are to bring the batch of this pass.</summary>
    public bool BatchPassedOn { get; init; }

    /// <summary>The only loader there is has not brought the batch of this pass in time.</summary>
    public bool BatchLate { get; init; }

    /// <summary>Someone asked the run to end: the pass that runs is its last.</summary>
    public bool Stopping { get; init; }

    /// <summary>Another coordinator goes on where this one stops: its end is not the run's, and the nodes are told nothing.</summary>
    public bool HandsOver { get; init; }

    /// <summary>How the run ended, for those who come too late; null while it goes on.</summary>
    public RunOver? Ended { get; init; }

    /// <summary>Nodes that were asked to stop and still hold a tower.</summary>
    public ImmutableHashSet<string> Leaving { get; init; } = [];

    /// <summary>Takes a message; returns the next state and what to do.</summary>
    public (TrainingState State, ImmutableList<Effect> Effects) Apply(object message) => (Phase, message) switch
    {
        (Phase.Finished or Phase.Failed, NodeOffer m) when !HandsOver => (this, [new Effect.Answer(m, Ended!)]),
        (Phase.Finished or Phase.Failed, _) => (this, []),
        (_, NodeOffer m) => Admit(m),
        (_, Company m) => Hear(m),
        (_, Settled) => (this with { IsSettled = true }).FormIfAssembling([]),
        (_, Nudged) => AskAgain(),
        (_, NodeLost m) => Lose(m.Node, m.Reason, hears: false),
        (_, NodeBroken m) => Lose(m.Node, m.Reason, hears: false),
        (_, NodeLeaves m) => Leave(m.Node),
        (_, LinkLost m) when IsOurs(m.Generation) => m.Purpose == LinkPurpose.Batches ? LoseLoaders(m.Node, m.Reason) : Lose(m.Node, m.Reason, hears: true),
        (_, LoaderFailed m) when IsOurs(m.Generation) => Roster.Serving.Any(l => l.Node != m.Node) ? LoseLoaders(m.Node, m.Reason, again: false) : Fail($"{m.Node}, {m.Reason}"),
        (Phase.Loading, CheckpointDamaged m) when IsOurs(m.Generation) => FallBack(m),
        (Phase.Training or Phase.Validating, BatchMissing m) when m.Pass == Pass => MissBatch(m),
        (_, MemberFailed m) when m.Generation == 0 => Fail($"{m.Member}, {m.Reason}"),
        (Phase.Saving, CheckpointFailed m) when IsOurs(m.Generation) => Fail(m.Reason),
        (_, MemberFailed m) when IsOurs(m.Generation) => GoWrong($"{m.Member}, {m.Reason}", m.Suspects),
        (_, StopRun m) => (this with { Stopping = true, HandsOver = m.HandsOver }).EndIfNothingRuns([]),
        (_, PauseRun) => (this with { PauseAsked = true }, []),
        (_, ContinueRun) => GoOn(),
        (_, SaveRun) => Save(),
        (_, DeadlinePassed m) when Seating is not null => GoWrong($"waited {m.Seconds:0.#} s for {Awaited()}", Late),
        (Phase.Forming, GpuReady m) when IsOurs(m.Generation) => (this with { Answered = Answered.Union(m.Towers) }).LoadWhenReady(),
        (Phase.Loading, TowersLoaded m) when IsOurs(m.Generation) => (this with { Answered = Answered.Union(m.Towers) }).StartWhenLoaded(),
        (Phase.Training, PassDone m) when IsNew(m) => Take(m).StepWhenDone(),
        (Phase.Validating, PassDone m) when IsNew(m) => Take(m).ValidateWhenDone(),
        (Phase.Training, NumbersWentWrong m) when m.Pass == Pass && !Answered.Overlaps(m.Towers) => Take(m).StepWhenDone(),
        (Phase.Validating, NumbersWentWrong m) when m.Pass == Pass && !Answered.Overlaps(m.Towers) => Take(m).ValidateWhenDone(),
        (Phase.Training or Phase.Validating, NumbersWentWrong m) when Wrong.Any(w => w.Pass == m.Pass && w.Towers.SequenceEqual(m.Towers)) => (this, []), // said again, for the other tower is still asked
        (_, NumbersWentWrong m) when IsOurs(m.Pass.Generation) => GoBack([m]),
        (Phase.Saving, TowerSaved m) when IsOurs(m.Generation) && m.Steps == Progress.Steps && !Answered.Contains(m.Tower) =>
            (this with { Answered = Answered.Add(m.Tower), TowersSaved = TowersSaved.Add(m) }).CommitWhenSaved(),
        (Phase.Saving, CheckpointCommitted m) when m.Progress.Steps == Progress.Steps => AfterCheckpoint(m),
        (_, CheckpointCommitted m) when m.Progress.Steps > Saved.Steps => AfterLateCheckpoint(m),
        _ => (this, []),
    };

    bool AllAnswered => Answered.Count == TowerIds.Both.Count;

    bool IsOurs(int generation) => Seating is not null && generation == Generation;

    bool IsNew(PassDone m) => m.Pass == Pass && !Answered.Overlaps(m.Towers);

    TrainingState Take(PassDone m) => this with { Answered = Answered.Union(m.Towers), Done = Done.Add(m) };

    (TrainingState, ImmutableList<Effect>) FormWhenComplete(ImmutableList<Effect> effects) =>
        (Roster.Serving.Count < Group.Loaders ? this with { Roster = Roster.WithAllLoaders() } : this).FormIfComplete(effects);

    (TrainingState, ImmutableList<Effect>) FormIfAssembling(ImmutableList<Effect> effects) => Phase == Phase.Assembling ? FormWhenComplete(effects) : (this, effects);

    (TrainingState, ImmutableList<Effect>) FormIfComplete(ImmutableList<Effect> effects)
    {
        if (Saved.Next(Limits) == RunStage.Finish) return Finish(effects, WhyOver); // nobody is needed any more: it ended before, perhaps under another coordinator, or with a checkpoint whose group is gone
        var seating = Alone is not null || !Silent.IsEmpty ? null : Seats();
        if (seating is null || Roster.Serving.Count < Group.Loaders)
            return Awaited() is var awaited && awaited == WaitsFor ? (this, effects) : (this with { WaitsFor = awaited }, effects.Add(new Effect.Publish(new GroupWaits(awaited))));
        var identity = Terms.Identity with { DeviceKind = Terms.Identity.DeviceKind ?? seating.Kind };
        var from = RestorePoint.InMemory(seating, Roster, identity.Text, Limits.StepsMax) is { } memory && memory.Progress.Steps >= Saved.Steps ? memory : RestorePoint.OnDisk(Saved, Checkpoint);
        var state = this with
        {
            Phase = Phase.Forming,
            Generation = NextGeneration,
            Seating = seating,
            Answered = [],
            Terms = Terms with { Identity = identity },
            From = from,
            Progress = from.Progress,
            SnapshotAsked = -1,
            WaitsFor = null,
            Round = Round + 1,
        };
        string[] lines = [.. seating.Seats.Select(s => $"tower {string.Join(" and ", s.Towers)} on {s.Device} of {s.Node}"), $"batches from {string.Join(", ", Roster.Serving.Select(l => l.Node).Distinct())}", .. state.Spares()];
        return (state, effects.AddRange([
            new Effect.Publish(new GroupFormed(state.Generation, seating.Devices, seating.Kind, lines)), new Effect.Form(), new Effect.AssignLoaders(), new Effect.Expect()]));
    }

    /// <summary>
    /// Above every one that a node has heard of. A coordinator that takes over begins a new hundred: the one before it, should it still move,
    /// counts on in its own, and the two never call different groups by one number.
    /// </summary>
    int NextGeneration => Generation == 0 && GenerationHeardOf > 0 ? (GenerationHeardOf / GenerationsPerOffice + 1) * GenerationsPerOffice + 1 : Math.Max(Generation, GenerationHeardOf) + 1;

    const int GenerationsPerOffice = 100;

    IEnumerable<string> Spares()
    {
        string[] spare = [.. Roster.Nodes.SelectMany(n => n.Gpus.Where(g => Seating!.Seats.All(s => !s.Actor.Equals(g.Actor))).Select(g => $"{g.Device} of {n.Node}{(Distrusted.Contains(g.Actor) ? ", which failed" : "")}"))];
        return spare.Length == 0 ? [] : [$"standing by: {string.Join(", ", spare)}"];
    }

    (TrainingState, ImmutableList<Effect>) LoadWhenReady() => AllAnswered
        ? (this with { Phase = Phase.Loading, Answered = [] }, From!.Checkpoint is { } folder ? [Load, new Effect.SendCheckpoint(folder), new Effect.Expect()] : [Load, new Effect.Expect()])
        : (this, []);

    Effect Load => new Effect.ToGpus(new LoadTowers(Generation, From!.From, From.Progress, From.Givers));

    (TrainingState, ImmutableList<Effect>) StartWhenLoaded() => AllAnswered
        ? (this with { CreditFrom = Progress.Steps }).Continue([new Effect.Publish(new RunStarted(Progress.Steps, Progress.ValidatedSteps, Seating!.Devices, From!.Text, Progress.Ledger))])
        : (this, []);

    (TrainingState, ImmutableList<Effect>) StepWhenDone()
    {
        if (!AllAnswered) return (this, []);
        if (!Wrong.IsEmpty) return GoBack(Wrong);
        var (ledger, fault) = Account();
        if (fault is not null) return GoWrong(fault, []);
        var times = Done.Select(d => new TowerTime(string.Join('+', d.Towers), d.ComputeMs, d.ExchangeMs, d.DataMs, d.DeviceBuffers, d.Exchanges)).OrderBy(t => t.Towers, StringComparer.Ordinal);
        var completed = new StepCompleted(Progress.Steps, Progress.Schedule.Rate, Done[0].Score, [.. times], Done[0].Records!);
        return (this with { Progress = Progress.AfterStep() with { Ledger = ledger } }).Continue([new Effect.Publish(completed)]);
    }

    /// <summary>The ledger with the records that the towers say they have just trained on, or what is wrong with them.</summary>
    (Ledger, string? Fault) Account()
    {
        if (Done.Any(d => d.Records is null || !d.Records.Equals(Done[0].Records)))
            return (Progress.Ledger, $"the towers were trained on different batches at step {Progress.Steps}: {string.Join(", ", Done.Select(d => $"tower {string.Join('+', d.Towers)} on {d.Records?.Order.ToString("x16") ?? "it does not say what"}"))}");
        var (after, fault) = Progress.Ledger.Add(Done[0].Records!, Limits.Records);
        return (after, fault is null ? null : $"step {Progress.Steps} was trained on other samples than those that come next: {fault}");
    }

    (TrainingState, ImmutableList<Effect>) ValidateWhenDone()
    {
        if (!AllAnswered) return (this, []);
        if (!Wrong.IsEmpty) return GoBack(Wrong);
        var state = this with { Validated = Validated + Done[0].Score };
        long next = Pass.Number + 1;
        if (Ending) return Continue([]); // validated again by whoever goes on
        if (next < FirstValidationPass + Group.ValidationBatches) return state.RunPass(PassKind.Evaluate, next, []);
        var progress = Progress.AfterValidation(Limits, state.Validated.Top1Error);
        var completed = new ValidationCompleted(Progress.Steps, progress.EpochsValidated, state.Validated, progress.BestSteps == Progress.Steps, progress.Schedule.Rate);
        return (state with { Progress = progress, CreditFrom = progress.Steps }).Continue([new Effect.Publish(completed)]);
    }

    (TrainingState, ImmutableList<Effect>) CommitWhenSaved() =>
        AllAnswered ? (this, [new Effect.CommitCheckpoint(Progress.AfterCheckpoint(), [.. TowersSaved.OrderBy(s => s.Tower)])]) : (this, []);

    (TrainingState, ImmutableList<Effect>) AfterCheckpoint(CheckpointCommitted m) =>
        (this with { Progress = m.Progress, Saved = m.Progress, Checkpoint = m.Folder, StoppedAt = [], SaveAsked = false }).Continue([Written(m)]);

    /// <summary>The group that made it is no more: it counts all the same.</summary>
    (TrainingState, ImmutableList<Effect>) AfterLateCheckpoint(CheckpointCommitted m) =>
        (this with { Progress = Phase == Phase.Assembling ? m.Progress : Progress, Saved = m.Progress, Checkpoint = m.Folder }).FormIfAssembling([Written(m)]);

    static Effect Written(CheckpointCommitted m) => new Effect.Publish(new CheckpointWritten(m.Progress.Steps, m.Folder, m.WeightsSha256));

    /// <summary>Numbers of evaluation passes never repeat within a run: each validation starts at steps * batches.</summary>
    long FirstValidationPass => Progress.Steps * Group.ValidationBatches;

    bool Ending => Stopping || !Leaving.IsEmpty;

    RunStage Next => Ending
        ? Progress.StepsSaved < Progress.Steps && Seating is not null ? RunStage.Checkpoint : RunStage.Finish
        : Progress.Next(Limits) is RunStage.Train && SaveIsDue ? RunStage.Checkpoint : Progress.Next(Limits);

    bool Over => Progress.Schedule.Finished || Progress.Steps >= Limits.StepsMax;

    /// <summary>Does what comes next.</summary>
    (TrainingState, ImmutableList<Effect>) Continue(ImmutableList<Effect> effects) => Next switch
    {
        RunStage.Train when SnapshotIsDue => (this with { SnapshotAsked = Progress.Steps }).Continue(effects.Add(new Effect.ToGpus(new TakeSnapshot(Generation, Progress, SnapshotKept)))),
        RunStage.Train when PauseAsked => Pause(effects),
        RunStage.Train => (this with { Phase = Phase.Training }).RunPass(PassKind.Train, Progress.Steps, effects),
        RunStage.Validate => (this with { Phase = Phase.Validating, Validated = default, CreditFrom = FirstValidationPass }).RunPass(PassKind.Evaluate, FirstValidationPass, effects),
        RunStage.Checkpoint => (this with { Phase = Phase.Saving, Answered = [], TowersSaved = [] }, effects.AddRange([new Effect.BeginCheckpoint(Progress.Steps), new Effect.Expect()])),
        _ when !Stopping && !Leaving.IsEmpty => Regroup($"{string.Join(", ", Leaving)}: {AskedToStop}", effects), // nothing of theirs is lost any more
        _ => Finish(effects, Over ? WhyOver : "stopped as asked"),
    };

    /// <summary>Whoever is asked to end does so at the end of the pass, or once the weights are loaded that are to be saved. Where neither comes: now.</summary>
    (TrainingState, ImmutableList<Effect>) EndIfNothingRuns(ImmutableList<Effect> effects) => Phase switch
    {
        _ when !Ending => (this, effects),
        Phase.Assembling or Phase.Paused => Continue(effects),
        Phase.Forming or Phase.Loading when Next == RunStage.Finish => Continue(effects),
        Phase.Forming when Roster.Serving.IsEmpty => Regroup("stopped as asked while no loader served", effects),
        Phase.Training or Phase.Validating when Roster.Serving.IsEmpty && Missing.Count == TowerIds.Both.Count => Continue(effects), // both stand where the pass before has left them
        _ => (this, effects),
    };

    string WhyOver => Progress.Schedule.Finished ? "validation stopped improving" : "all steps are done";

    (TrainingState, ImmutableList<Effect>) Finish(ImmutableList<Effect> effects, string why) =>
        (this with { Phase = Phase.Finished, Ended = new RunOver(Failed: false, why) }, effects.AddRange([new Effect.Publish(new RunFinished(Progress.Steps, why)), new Effect.ExpectNothing()]));

    (TrainingState, ImmutableList<Effect>) RunPass(PassKind kind, long number, ImmutableList<Effect> effects)
    {
        var pass = new PassId(Generation, kind, number);
        return (this with { Pass = pass, Answered = [], Done = [], Wrong = [], Missing = [], BatchPassedOn = false, BatchLate = false }, effects.AddRange([new Effect.ToLoaders(Credit(pass)), Command(pass), Await]));
    }

    /// <summary>Without a loader there is nothing to prepare a pass, or a tower, with: then it takes as long as it takes until one comes.</summary>
    Effect Await => Roster.Serving.IsEmpty && Phase is Phase.Forming or Phase.Training or Phase.Validating ? new Effect.ExpectNothing() : new Effect.Expect();

    Effect Command(PassId pass) => new Effect.ToGpus(pass.Kind == PassKind.Train ? new RunStep(pass, Progress.Schedule.Rate) : new EvaluateBatch(pass));

    /// <summary>Nothing has come for a while. Whoever did what is asked here answers again, and does not do it again.</summary>
    (TrainingState, ImmutableList<Effect>) AskAgain() => Phase switch
    {
        Phase.Forming => (this, [new Effect.Form(), new Effect.AssignLoaders()]),
        Phase.Loading => (this, [Load]),
        Phase.Training or Phase.Validating when !Roster.Serving.IsEmpty => (this, [new Effect.AssignLoaders(), new Effect.ToLoaders(Credit(Pass)), Command(Pass)]),
        Phase.Saving when !AllAnswered => (this, [new Effect.ToGpus(new SaveTowers(Generation, Progress.Steps))]),
        _ => (this, []),
    };

    /// <summary>What may be prepared while this pass runs.</summary>
    GrantCredit Credit(PassId pass)
    {
        long end = pass.Kind == PassKind.Train ? Limits.StepsMax : FirstValidationPass + Group.ValidationBatches;
        return new GrantCredit(Generation, pass.Kind, CreditFrom, Math.Min(end, pass.Number + Group.ReadAhead));
    }

    (TrainingState, ImmutableList<Effect>) Fail(string reason) =>
        (this with { Phase = Phase.Failed, Ended = new RunOver(Failed: true, reason) }, [new Effect.Publish(new RunFailed(reason)), new Effect.ExpectNothing()]);

    /// <summary>
    /// What blames no node: the group forms again and does the same once more. If it then goes wrong at the same step again, it would for ever:
    /// a device that stands by takes the place of the one that is suspected. Where there is none, the run ends with the reason.
    /// </summary>
    (TrainingState, ImmutableList<Effect>) GoWrong(string reason, IEnumerable<TowerId> suspects)
    {
        if (WentWrongAt != Progress.Steps) return (this with { WentWrongAt = Progress.Steps }).Regroup(reason, []);
        var state = this with { Distrusted = Distrusted.Union(Seating!.Seats.Where(s => s.Towers.Intersect(suspects).Any()).Select(s => s.Actor)) };
        return state.Distrusted.Count > Distrusted.Count && state.Seats(trustedOnly: true) is not null ? state.Regroup($"{reason}; as before, so a device that stood by takes its place", []) : Fail(reason);
    }

    /// <summary>Who would hold the towers now; null when it takes more devices.</summary>
    Seating? Seats(bool trustedOnly = false) =>
        Seating.Of(Roster.Nodes.Select(n => n with { Gpus = [.. n.Gpus.Where(g => !Distrusted.Contains(g.Actor))] }), Terms.Identity.DeviceKind)
        ?? (trustedOnly ? null : Seating.Of(Roster.Nodes, Terms.Identity.DeviceKind));

    /// <summary>The towers that alone keep the group waiting, if it is for their devices.</summary>
    IEnumerable<TowerId> Late => Phase is not Phase.Saving && !BatchLate && Seating?.Seats.Where(s => !s.Towers.All(Answered.Contains)).ToArray() is [var one] ? one.Towers : [];

    /// <summary>In words, whom the group waits for and to do what.</summary>
    string Awaited()
    {
        if (Phase == Phase.Assembling && Alone is not null) return $"the majority of the nodes: {Alone}";
        string towers = string.Join(" and ", TowerIds.Both.Except(Answered).Select(t => $"tower {t}"));
        return Phase switch
        {
            Phase.Assembling => string.Join(", ", new[] { MissingTowers(), MissingLoaders() }.Where(w => w != "").DefaultIfEmpty($"what {string.Join(", ", Silent.Order(StringComparer.Ordinal))} has to offer")),
            Phase.Forming => $"{towers} to open its device and its connections",
            Phase.Loading => $"{towers} to load its weights",
            Phase.Saving when AllAnswered => $"the checkpoint after step {Progress.Steps} to get its name",
            Phase.Saving => $"{towers} to write the checkpoint after step {Progress.Steps}",
            _ when BatchLate && !Roster.Serving.IsEmpty => $"{ServerOf(Pass)} to bring the batch of {Pass}",
            _ => $"{towers} to finish {Pass}",
        };
    }

    string MissingTowers()
    {
        if (Seats() is not null) return "";
        string[] offered = [.. Roster.Nodes.SelectMany(n => n.Gpus.Select(g => $"{g.Device} of {n.Node}"))];
        return offered.Length == 0 ? "a device for tower A and one for tower B" : $"a device beside {string.Join(", ", offered)} (one for each tower, of one kind)";
    }

    string MissingLoaders() => Roster.Serving.Count >= Group.Loaders ? "" : Group.Loaders == 1 ? "a loader" : $"{Group.Loaders - Roster.Serving.Count} of {Group.Loaders} loaders";
}
