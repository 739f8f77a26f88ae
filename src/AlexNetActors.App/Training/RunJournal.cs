using Akka.Actor;
using AlexNetActors.Actors;
using AlexNetActors.Model;

namespace AlexNetActors.App;

/// <summary>How a run ended.</summary>
/// <param name="Failure">One line; null when it ended as planned or was stopped.</param>
/// <param name="Why">In words, when it did not fail.</param>
sealed record RunEnd(string? Failure, string Why);

/// <summary>Hears a run: keeps its status, writes its metrics and tells the view. Fed by one actor.</summary>
sealed class RunJournal(RunStatus start, MetricsLog metrics, StallDetector stall, IRunView view)
{
    readonly TaskCompletionSource<RunEnd> _end = new(TaskCreationOptions.RunContinuationsAsynchronously);
    volatile RunStatus _status = start;
    StallDetector _stall = stall;
    ProcessMeter _last = ProcessMeter.Read();

    public RunStatus Status => _status;
    public Task<RunEnd> End => _end.Task;

    public void Hear(IRunEvent e)
    {
        var (before, now) = (_last, ProcessMeter.Read());
        if (e is not TowerActivity) _last = now;
        _status = _status.After(e, before, now);
        try
        {
            Write(e);
        }
        catch (RunException x)
        {
            _end.TrySetResult(new RunEnd(x.Message, ""));
        }
        view.Show(e, _status);
        if (e is StepCompleted step) Watch(step.Score.Loss);
        if (e is RunFinished finished) _end.TrySetResult(new RunEnd(null, finished.Why));
        if (e is RunFailed failed) _end.TrySetResult(new RunEnd(failed.Reason, ""));
    }

    void Write(IRunEvent e)
    {
        if (e is RunStarted r) metrics.GoOn(r.Steps, r.ValidatedSteps, r.Ledger);
        else if (e is StepCompleted s) metrics.Step(s, _status.Epochs, _status.LastStep);
        else if (e is ValidationCompleted v) metrics.Validation(v);
        else if (e is CheckpointWritten c) metrics.Checkpoint(c);
    }

    void Watch(double loss)
    {
        _stall = _stall.Observe(loss);
        if (_stall.JustStalled) view.Say(_stall.Advice);
    }
}

/// <summary>The journal's ear in the actor system.</summary>
sealed class RunObserverActor : ReceiveActor
{
    public RunObserverActor(RunJournal journal)
    {
        Receive<IRunEvent>(journal.Hear);
        Receive<NodeAdmitted>(_ => { });
    }
}
