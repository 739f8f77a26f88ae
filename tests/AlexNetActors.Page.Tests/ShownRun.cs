using AlexNetActors.Actors;
using AlexNetActors.App;
using AlexNetActors.Data;
using AlexNetActors.Model;

namespace AlexNetActors.Page.Tests;

/// <summary>A run of two towers whose loss falls, as its journal would tell it to the dashboard.</summary>
sealed class ShownRun
{
    static readonly RunLimits Limits = new(Records: 1_281_167, Batch: 128, StepsMax: 900_000, CheckpointSteps: 1000, new LearningRateSchedule(0.01f, 10, 3, 1, 0));
    static readonly ExchangeTime[] Exchanges = [.. Enumerable.Range(0, 8).Select(n => new ExchangeTime((byte)(n / 4), (byte)(1 + n % 4), 50 * n + 20, 50 * n + 24, 50 * n + 21, 50 * n + 26))];

    readonly Board _board;
    readonly Random _noise = new(1);
    RunStatus _status = RunStatus.Start(Limits, new RunStart(RunProgress.Start(Limits), null, null));
    long _steps;

    /// <param name="board">Is told.</param>
    /// <param name="folder">The run's.</param>
    public ShownRun(Board board, string folder = "runs/shown")
    {
        _board = board;
        board.Begin(new RunFacts("paper", 62_378_344, 128, "packs", 1_281_167, 1000, folder, ["conv1", "conv3", "fc6", "fc7", "fc8", "loss"]), _status, new Curves());
        Hear(new NodeJoined("one:1", "cuda:0"));
        Hear(new NodeJoined("two:2", "cuda:0, a loader"));
        Hear(new GroupFormed(1, ["cuda:0", "cuda:0"], "cuda", ["tower A on cuda:0 of one:1", "tower B on cuda:0 of two:2", "batches from two:2"]));
        Hear(new RunStarted(0, 0, ["cuda:0", "cuda:0"], null, Ledger.Empty));
    }

    public void Step()
    {
        double loss = 0.5 + 6.4 * Math.Exp(-_steps / 4000.0) + 0.1 * _noise.NextDouble();
        var times = new[] { "A", "B" }.Select(t => new TowerTime(t, 380 + 5 * _noise.NextDouble(), 40, 10, 0, Exchanges));
        Hear(new StepCompleted(_steps, _steps < 6000 ? 0.01f : 0.001f, new Score(128, 128 * loss, (int)(18 * loss), (int)(10 * loss)), [.. times], new StepRecords(0, [])));
        _steps++;
        if (_steps % 500 == 0) Hear(new ValidationCompleted(_steps, _steps / 500, new Score(1000, 1000 * (loss + 0.1), (int)(140 * loss), (int)(80 * loss)), true, 0.01f));
    }

    public void Hear(IRunEvent e)
    {
        _status = _status.After(e, default, new ProcessMeter(0.43 + 0.02 * _noise.NextDouble(), 0));
        _board.Hear(e, _status);
    }
}
