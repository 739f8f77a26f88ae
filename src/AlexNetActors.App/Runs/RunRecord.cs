using AlexNetActors.Model;

namespace AlexNetActors.App;

/// <summary>Everything that is kept and shown of a run while it goes on, and what is said at its end.</summary>
sealed class RunRecord : IDisposable
{
    readonly RunFolder _folder;
    readonly Output _output;
    readonly MetricsLog _metrics;
    readonly EventLog _events;
    readonly Board? _board;
    readonly IReadOnlyList<IRunSink> _sinks;

    RunRecord(RunFolder folder, RunPlan plan, RunStart start, Output output, Board? board, SinkOptions sinks, bool group, bool takenOver)
    {
        (_folder, _output) = (folder, output);
        _metrics = MetricsLog.Open(folder.Metrics, takenOver);
        _events = EventLog.Open(folder.Events);
        if (_metrics.LastStep < start.Progress.Steps) output.Log.WriteLine($"{folder.Metrics} ends at step {_metrics.LastStep}: the metrics up to step {start.Progress.Steps} died with the process that was killed");
        View = Output.Terminal is { } terminal ? new LiveView(terminal, group) : new PlainView(output.Log, group);
        var status = RunStatus.Start(plan.Limits, start, _metrics.LastValidation is { } v && v.Step <= start.Progress.ValidatedSteps ? v.Told : null); // a later one is done again
        if (board is not null)
        {
            board.Begin(RunFacts.Of(plan, folder.Path), status, RunHistory.Read(folder.Metrics, plan.Recipe.Batch));
            View = new WatchedView(View, board);
        }
        _board = board;
        _sinks = sinks.Open(folder, plan, status, View.Say);
        if (_sinks.Count > 0) View = new SunkView(View, _sinks);
        Journal = new RunJournal(status, folder, _metrics, _events, new StallDetector(plan.Data.Classes.Count), View);
    }

    /// <param name="folder">Where it is kept.</param>
    /// <param name="plan">What it is made from.</param>
    /// <param name="start">Where it starts or goes on.</param>
    /// <param name="output">Where it is shown.</param>
    /// <param name="board">The dashboard's; null for none.</param>
    /// <param name="sinks">Where else its numbers go.</param>
    /// <param name="group">Whether to show what happens to the group: in one process nothing does.</param>
    /// <param name="takenOver">Whether another process may still write into it.</param>
    public static RunRecord Open(RunFolder folder, RunPlan plan, RunStart start, Output output, Board? board, SinkOptions sinks, bool group, bool takenOver = false) => new(folder, plan, start, output, board, sinks, group, takenOver);

    public IRunView View { get; }
    public RunJournal Journal { get; }

    /// <returns>The exit code of a run that did not fail.</returns>
    /// <exception cref="RunException">It failed.</exception>
    public int Report(RunEnd end)
    {
        var status = Journal.Status;
        (long, string)? saved = status.Checkpoint is { } c ? (c.Steps, c.WeightsSha256) : null;
        var report = new RunReport(status, _metrics.LastValidation, saved, _folder.Path);
        if (end.Failure is null)
        {
            _metrics.Summary(report.Json);
            _output.Result.WriteLine($"done after step {status.Steps} (epoch {status.Epochs}): {end.Why}");
        }
        report.Write(_output.Result);
        ReportPage.WriteAtEnd(_folder, _output.Log.WriteLine);
        _output.Json(report.Json);
        return end.Failure is null ? 0 : throw new RunException(end.Failure);
    }

    public void Dispose()
    {
        _board?.Close();
        foreach (var sink in _sinks) sink.Dispose();
        _metrics.Dispose();
        _events.Dispose();
    }
}
