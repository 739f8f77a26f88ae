using System.Collections.Immutable;
using AlexNetActors.Actors;
using AlexNetActors.Model;

namespace AlexNetActors.App;

/// <summary>What is known of a run at this moment; what is not known yet is null. Each event makes the next one.</summary>
/// <param name="Limits">When it ends.</param>
/// <param name="FirstStep">Steps done when this process took it up.</param>
sealed record RunStatus(RunLimits Limits, long FirstStep)
{
    const int RecentMax = 20; // steps that the shown loss, errors and speed are taken over

    public static RunStatus Start(RunLimits limits, RunProgress progress) =>
        new(limits, progress.Steps) { Best = progress.BestSteps > 0 ? (progress.BestError, progress.BestSteps) : null };

    public long Steps { get; init; } = FirstStep;
    public long Epochs => Limits.EpochsAfter(Steps);
    public float? Rate { get; init; }
    public string Doing { get; init; } = "starting";

    /// <summary>The last steps, with the seconds each took.</summary>
    public ImmutableQueue<(Score Score, double Seconds)> Recent { get; init; } = [];
    public Score RecentScore => Recent.Aggregate(new Score(), (sum, r) => sum + r.Score);
    public double? RecentImagesPerSecond => Recent.IsEmpty ? null : RecentScore.Images / Recent.Sum(r => r.Seconds);

    /// <summary>Training images of this process and the seconds of their steps, validation and checkpoints aside.</summary>
    public (long Images, double Seconds) Trained { get; init; }
    public double? ImagesPerSecond => Trained.Images == 0 ? null : Trained.Images / Trained.Seconds;

    /// <summary>Seconds since the first step began.</summary>
    public double Elapsed { get; init; }
    public TimeSpan? Remaining => Steps == FirstStep ? null : TimeSpan.FromSeconds(Elapsed / (Steps - FirstStep) * (Limits.StepsMax - Steps));

    public ValidationCompleted? Validation { get; init; }

    /// <summary>Lowest validation top-1 error of the whole run, and the steps done then.</summary>
    public (double Error, long Steps)? Best { get; init; }
    public CheckpointWritten? Checkpoint { get; init; }
    public double? LastLoss { get; init; }

    /// <summary>By towers: what they do, and where their time went so far.</summary>
    public ImmutableSortedDictionary<string, string> Activities { get; init; } = ImmutableSortedDictionary<string, string>.Empty;
    public ImmutableSortedDictionary<string, TowerTime> Times { get; init; } = ImmutableSortedDictionary<string, TowerTime>.Empty;

    /// <summary>Share of the towers' time in steps that they waited for data.</summary>
    public double? DataWaitShare => Times.IsEmpty ? null : Times.Values.Sum(t => t.DataMs) / Times.Values.Sum(t => t.ComputeMs + t.ExchangeMs + t.DataMs);

    /// <param name="e">What happened.</param>
    /// <param name="seconds">Since the event before it.</param>
    public RunStatus After(IRunEvent e, double seconds) => e switch
    {
        TowerActivity a => this with { Activities = Activities.SetItem(string.Join('+', a.Towers), a.Activity) },
        GroupWaits w => this with { Doing = $"waiting for {w.For}" },
        RunStarted => this with { Doing = "training" },
        StepCompleted s => AfterStep(s, seconds) with { Elapsed = Elapsed + seconds },
        ValidationCompleted v => this with { Validation = v, Best = v.Best ? (v.Score.Top1Error, v.Steps) : Best, Rate = v.Rate, Doing = "training", Elapsed = Elapsed + seconds },
        CheckpointWritten c => this with { Checkpoint = c, Elapsed = Elapsed + seconds },
        RunFinished or RunFailed => this with { Doing = "done" },
        _ => this,
    };

    RunStatus AfterStep(StepCompleted s, double seconds)
    {
        var recent = Recent.Enqueue((s.Score, seconds));
        if (recent.Count() > RecentMax) recent = recent.Dequeue();
        return this with
        {
            Steps = s.Step + 1,
            Rate = s.Rate,
            LastLoss = s.Score.Loss,
            Recent = recent,
            Trained = (Trained.Images + s.Score.Images, Trained.Seconds + seconds),
            Times = s.Towers.Aggregate(Times, (times, t) => times.SetItem(t.Towers, Add(times.GetValueOrDefault(t.Towers, new TowerTime(t.Towers, 0, 0, 0)), t))),
        };
    }

    static TowerTime Add(TowerTime a, TowerTime b) => new(a.Towers, a.ComputeMs + b.ComputeMs, a.ExchangeMs + b.ExchangeMs, a.DataMs + b.DataMs);
}
