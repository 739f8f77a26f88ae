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
    static readonly TimeSpan RemainingMax = TimeSpan.FromDays(100_000);

    /// <param name="limits">When it ends.</param>
    /// <param name="start">Where it starts or goes on.</param>
    /// <param name="validation">The last one before that; null for none.</param>
    public static RunStatus Start(RunLimits limits, RunStart start, ValidationCompleted? validation = null) => new(limits, start.Progress.Steps)
    {
        Validation = validation,
        Best = start.Progress.BestSteps > 0 ? (start.Progress.BestError, start.Progress.BestSteps) : null,
        Checkpoint = start.Checkpoint is { } folder ? new CheckpointWritten(start.Progress.Steps, folder, start.WeightsSha256!) : null,
    };

    public long Steps { get; init; } = FirstStep;
    public long Epochs => Limits.EpochsAfter(Steps);
    public float? Rate { get; init; }
    public string Doing { get; init; } = "starting";

    /// <summary>Seconds from the start of the process to where its first step began, the batch at hand, and to its end.</summary>
    public (double Begun, double Done)? StartUp { get; init; }

    /// <summary>The last steps.</summary>
    public ImmutableQueue<StepCost> Recent { get; init; } = [];
    public StepCost LastStep { get; init; }
    public Score RecentScore => Recent.Aggregate(new Score(), (sum, r) => sum + r.Score);
    public double? RecentImagesPerSecond => Recent.IsEmpty ? null : RecentScore.Images / Recent.Sum(r => r.Seconds);

    /// <summary>Bytes that the whole process allocates on the managed heap in a step: the median of the last steps.</summary>
    public long? ManagedBytesPerStep => Recent.IsEmpty ? null : (long)Median.Of(Recent.Select(r => (double)r.ManagedBytes));

    /// <summary>Buffers that the last steps allocated on the devices.</summary>
    public int? RecentDeviceBuffers => Recent.IsEmpty ? null : Recent.Sum(r => r.DeviceBuffers);

    /// <summary>Training images of this process and the seconds of their steps, validation and checkpoints aside.</summary>
    public (long Images, double Seconds) Trained { get; init; }
    public double? ImagesPerSecond => Trained.Images == 0 ? null : Trained.Images / Trained.Seconds;

    /// <summary>Seconds since the first step began.</summary>
    public double Elapsed { get; init; }
    public TimeSpan? Remaining => Steps == FirstStep ? null : TimeSpan.FromSeconds(Math.Min(Elapsed / (Steps - FirstStep) * (Limits.StepsMax - Steps), RemainingMax.TotalSeconds));

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

    /// <summary>Whether training ends a stretch of its time here, or begins one: what it costs is told from mark to mark, whoever joins or leaves meanwhile.</summary>
    public static bool IsMark(IRunEvent e) => e is RunStarted or RunContinued or StepCompleted or ValidationCompleted or CheckpointWritten;

    /// <param name="e">What happened.</param>
    /// <param name="before">The process at the mark before it.</param>
    /// <param name="now">The process now.</param>
    public RunStatus After(IRunEvent e, ProcessMeter before, ProcessMeter now)
    {
        double elapsed = Elapsed + now.Seconds - before.Seconds;
        return e switch
        {
            TowerActivity a => this with { Activities = Activities.SetItem(string.Join('+', a.Towers), a.Activity) },
            GroupWaits w => this with { Doing = $"waiting for {w.For}" },
            RunStarted r => this with { Doing = "training", Steps = r.Steps, FirstStep = StartUp is null ? r.Steps : FirstStep },
            RunPaused => this with { Doing = "paused" },
            RunContinued => this with { Doing = "training" },
            GroupBroken g => this with { Doing = $"forming again: {g.Why}" },
            StepCompleted s => AfterStep(s, before, now) with { Elapsed = elapsed },
            ValidationCompleted v => this with { Validation = v, Best = v.Best ? (v.Score.Top1Error, v.Steps) : Best, Rate = v.Rate, Doing = "training", Elapsed = elapsed },
            CheckpointWritten c => this with { Checkpoint = c, Elapsed = elapsed },
            RunFinished or RunFailed => this with { Doing = "done" },
            _ => this,
        };
    }

    RunStatus AfterStep(StepCompleted s, ProcessMeter before, ProcessMeter now)
    {
        double seconds = now.Seconds - before.Seconds;
        var cost = new StepCost(s.Score, seconds, now.ManagedBytes - before.ManagedBytes, s.Towers.Sum(t => t.DeviceBuffers));
        var recent = Recent.Enqueue(cost);
        if (recent.Count() > RecentMax) recent = recent.Dequeue();
        return this with
        {
            Steps = s.Step + 1,
            Doing = "training", // whatever was waited for has come
            Rate = s.Rate,
            LastLoss = s.Score.Loss,
            StartUp = StartUp ?? (now.Seconds - s.Towers.Max(t => t.ComputeMs + t.ExchangeMs) / 1000, now.Seconds),
            Recent = recent,
            LastStep = cost,
            Trained = (Trained.Images + s.Score.Images, Trained.Seconds + seconds),
            Times = s.Towers.Aggregate(Times, (times, t) => times.SetItem(t.Towers, Add(times.GetValueOrDefault(t.Towers, new TowerTime(t.Towers, 0, 0, 0, 0, [])), t))),
        };
    }

    static TowerTime Add(TowerTime a, TowerTime b) => new(a.Towers, a.ComputeMs + b.ComputeMs, a.ExchangeMs + b.ExchangeMs, a.DataMs + b.DataMs, a.DeviceBuffers + b.DeviceBuffers, []);
}

/// <summary>A step's score and what it cost.</summary>
/// <param name="Score">Of its batch.</param>
/// <param name="Seconds">Since the step, validation or checkpoint before it.</param>
/// <param name="ManagedBytes">That the whole process allocated on the managed heap meanwhile.</param>
/// <param name="DeviceBuffers">That were allocated on the devices.</param>
readonly record struct StepCost(Score Score, double Seconds, long ManagedBytes, int DeviceBuffers);
