using System.Collections.Immutable;
using AlexNetActors.Actors;

namespace AlexNetActors.App;

/// <summary>
/// All that the dashboard shows of a run, bounded in memory: the status, who takes part, what happened, the curves and the last steps' lanes.
/// Pure: each event makes the next state.
/// </summary>
/// <param name="Run">What does not change.</param>
/// <param name="Status">Where the run is.</param>
sealed record BoardState(RunFacts Run, RunStatus Status)
{
    public const int MembersMax = 64, HappeningsMax = 200, AlertsMax = 50, RecoveriesMax = 100, LanesMax = 3;

    public Curves Curves { get; init; } = new();

    /// <summary>By when they were heard of; also those that are gone, until they are too many.</summary>
    public ImmutableList<Participant> Members { get; private init; } = [];
    public ImmutableList<Happening> Happenings { get; private init; } = [];
    public ImmutableList<Happening> Alerts { get; private init; } = [];

    /// <summary>Groups that ended, newest last, and what it took to go on.</summary>
    public ImmutableList<Recovery> Recoveries { get; private init; } = [];
    public long RecoveriesEver { get; private init; }
    public int Generation { get; private init; }

    /// <summary>The last steps, newest last.</summary>
    public ImmutableList<StepLanes> Lanes { get; private init; } = [];

    /// <summary>How it ended, in words; null while it goes on.</summary>
    public string? Ended { get; private init; }

    /// <summary>It ended otherwise than planned.</summary>
    public bool Failed { get; private init; }

    public bool Trains => Ended is null && Status.Doing == "training";

    /// <summary>It waits for somebody to press the button again.</summary>
    public bool Paused => Ended is null && Status.Doing == "paused";

    ImmutableList<string> Seats { get; init; } = [];

    /// <summary>What a member does: "tower A on cpu", "batches", "stands by".</summary>
    public IEnumerable<string> RolesOf(Participant member) => member.Gone is not null ? [] : Seats.Select(Placed).Where(p => p.Nodes.Contains(member.Node)).Select(p => p.Role).Distinct();

    /// <summary>Whether the group that is formed needs it.</summary>
    public bool IsOfGroup(Participant member) => RolesOf(member).Any(r => r != StandsBy);

    const string StandsBy = "stands by";

    /// <param name="e">What happened.</param>
    /// <param name="status">The run's status after it.</param>
    /// <param name="now">When.</param>
    public BoardState After(IRunEvent e, RunStatus status, DateTimeOffset now)
    {
        var next = this with { Status = status };
        foreach (string line in Words.OfGroup(e)) next = next.Happen(e.GetType().Name, line, now);
        return e switch
        {
            NodeJoined m => next.With(new Participant(m.Node, m.Offers, now, null)),
            NodeGone m => next.Lose(m, now),
            NodeMemory m => next with { Members = [.. Members.Select(k => k.Node == m.Node && k.Gone is null ? k with { ResidentBytes = m.ResidentBytes } : k)] },
            GroupFormed m => next with { Generation = m.Generation, Seats = [.. m.Seats] },
            LoadersChanged m => next with { Seats = Seats.RemoveAll(s => s.StartsWith("batches", StringComparison.Ordinal)).Add($"batches from {string.Join(", ", m.Nodes)}") },
            GroupBroken m => next with { Recoveries = Bounded(Recoveries.Add(new Recovery(now, m.Generation, m.Why, Status.Steps, null, null)), RecoveriesMax), RecoveriesEver = RecoveriesEver + 1, Seats = [] },
            RunStarted m => next with { Curves = Curves.BackTo(m), Recoveries = Open(r => r with { BackTo = m.Steps }) },
            StepCompleted m => next.AfterStep(m, now),
            ValidationCompleted m => next with { Curves = Curves.After(m) },
            CheckpointWritten m => next.Happen(nameof(CheckpointWritten), Words.Of(m), now),
            RunPaused m => next.Happen(nameof(RunPaused), Words.Of(m), now),
            RunContinued m => next.Happen(nameof(RunContinued), Words.Of(m), now),
            NumbersWentWrong m => next.Happen(nameof(NumbersWentWrong), $"{m}", now),
            RunFinished m => next with { Ended = m.Why },
            RunFailed m => next with { Ended = m.Reason, Failed = true },
            _ => next,
        };
    }

    /// <summary>A detector, or whoever watches the numbers, has said something that ought to be seen.</summary>
    public BoardState Alert(string line, DateTimeOffset now) => this with { Alerts = Bounded(Alerts.Add(new Happening(now, Status.Steps, "alert", line)), AlertsMax) };

    /// <summary>The coordinator has left this process.</summary>
    public BoardState Close() => Ended is null ? this with { Ended = "the coordinator has left this node" } : this;

    BoardState Happen(string kind, string line, DateTimeOffset now) => this with { Happenings = Bounded(Happenings.Add(new Happening(now, Status.Steps, kind, line)), HappeningsMax) };

    BoardState With(Participant member)
    {
        var members = Members.RemoveAll(m => m.Node == member.Node).Add(member);
        return this with { Members = members.Count <= MembersMax ? members : members.Remove(members.FirstOrDefault(m => m.Gone is not null, members[0])) };
    }

    BoardState Lose(NodeGone m, DateTimeOffset now) => this with { Members = [.. Members.Select(k => k.Node == m.Node ? k with { Gone = m.Reason, Since = now, ResidentBytes = null } : k)] };

    BoardState AfterStep(StepCompleted step, DateTimeOffset now)
    {
        double seconds = Status.LastStep.Seconds;
        return this with
        {
            Curves = Curves.After(step.Step + 1, step.Rate, step.Score, seconds),
            Lanes = Bounded(Lanes.Add(StepLanes.Of(step, 1000 * seconds, Run.PlaceOf)), LanesMax),
            Recoveries = Open(r => r with { Seconds = (now - r.At).TotalSeconds }),
        };
    }

    /// <summary>Changes the last recovery, if it is still under way.</summary>
    ImmutableList<Recovery> Open(Func<Recovery, Recovery> change) => Recoveries is [.., { Seconds: null } last] ? Recoveries.SetItem(Recoveries.Count - 1, change(last)) : Recoveries;

    /// <summary>A seat's line taken apart: "tower A on cpu of NODE", "batches from NODE, NODE", "standing by: cpu of NODE, cpu of NODE".</summary>
    static (string Role, string[] Nodes) Placed(string seat)
    {
        const string batches = "batches from ", spare = "standing by: ", of = " of ";
        if (seat.StartsWith(batches, StringComparison.Ordinal)) return ("batches", seat[batches.Length..].Split(", "));
        if (seat.StartsWith(spare, StringComparison.Ordinal)) return (StandsBy, [.. seat[spare.Length..].Split(", ").Select(s => s[(s.LastIndexOf(of, StringComparison.Ordinal) + of.Length)..])]);
        int at = seat.LastIndexOf(of, StringComparison.Ordinal);
        return at < 0 ? (seat, []) : (seat[..at], [seat[(at + of.Length)..]]);
    }

    static ImmutableList<T> Bounded<T>(ImmutableList<T> list, int most) => list.Count <= most ? list : list.RemoveAt(0);
}

/// <summary>What does not change of a run.</summary>
/// <param name="Recipe">Its name.</param>
/// <param name="Parameters">Of the network.</param>
/// <param name="Batch">Images of a step.</param>
/// <param name="Data">The data set's folder.</param>
/// <param name="Records">Its training records.</param>
/// <param name="Classes">Its classes.</param>
/// <param name="Folder">Of the run.</param>
/// <param name="Places">First layer of each segment, and the loss.</param>
sealed record RunFacts(string Recipe, long Parameters, int Batch, string Data, int Records, int Classes, string Folder, IReadOnlyList<string> Places)
{
    public static RunFacts Of(RunPlan plan, string folder) => new(plan.Recipe.Name, plan.Recipe.Network.Parameters, plan.Recipe.Batch, plan.Data.Path, plan.Data.Train.Count, plan.Data.Classes.Count, folder,
        PlacesOf(plan.Recipe.Network));

    public static IReadOnlyList<string> PlacesOf(Model.Network network) => [.. network.Segments.Select(s => s.Layers[0].Name), "loss"];

    public string PlaceOf(int segment) => Places[segment];
}

/// <summary>A node that takes part, or did.</summary>
/// <param name="Node">Its name.</param>
/// <param name="Offers">What it brings, in words.</param>
/// <param name="Since">When it came, or went.</param>
/// <param name="Gone">Why it is gone; null while it is here.</param>
/// <param name="ResidentBytes">Memory that its process holds; null as long as it has not said.</param>
sealed record Participant(string Node, string Offers, DateTimeOffset Since, string? Gone, long? ResidentBytes = null);

/// <summary>A line worth keeping.</summary>
sealed record Happening(DateTimeOffset At, long Step, string Kind, string Line);

/// <summary>A group that ended.</summary>
/// <param name="At">When.</param>
/// <param name="Generation">Its number.</param>
/// <param name="Why">In words.</param>
/// <param name="Steps">Steps done then.</param>
/// <param name="BackTo">Steps that the next group went on from; null until it does.</param>
/// <param name="Seconds">Until the first new step was done; null until then.</param>
sealed record Recovery(DateTimeOffset At, int Generation, string Why, long Steps, long? BackTo, double? Seconds);
