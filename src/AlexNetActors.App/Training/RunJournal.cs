using Akka.Actor;
using AlexNetActors.Actors;
using AlexNetActors.Model;

namespace AlexNetActors.App;

/// <summary>How a run ended.</summary>
/// <param name="Failure">One line; null when it ended as planned or was stopped.</param>
/// <param name="Why">In words, when it did not fail.</param>
sealed record RunEnd(string? Failure, string Why);

/// <summary>Hears a run: keeps its status, writes its metrics and what happens, and tells the view. Fed by one actor.</summary>
sealed class RunJournal(RunStatus start, RunFolder folder, MetricsLog metrics, EventLog events, StallDetector stall, IRunView view)
{
    readonly TaskCompletionSource<RunEnd> _end = new(TaskCreationOptions.RunContinuationsAsynchronously);
    volatile RunStatus _status = start;
    StallDetector _stall = stall;
    StragglerDetector _straggler = new();
    SpeedDetector _speed = new();
    string[] _seats = []; // "tower A on cpu of 127.0.0.1:7101", ..., "batches from ..."
    (NumbersWentWrong What, long Steps)? _wrong; // and steps done then
    ProcessMeter _last = ProcessMeter.Read();

    public RunStatus Status => _status;
    public Task<RunEnd> End => _end.Task;

    public void Hear(IRunEvent e)
    {
        var (before, now) = (_last, ProcessMeter.Read());
        if (RunStatus.IsMark(e)) _last = now;
        _status = _status.After(e, before, now);
        string? failure = (e as RunFailed)?.Reason;
        try
        {
            Write(e);
        }
        catch (RunException x)
        {
            failure ??= x.Message; // a full disk that takes no line any more is not to hide what it has broken
        }
        view.Show(e, _status);
        if (e is StepCompleted step) Watch(step);
        if (e is GroupFormed g) (_seats, _straggler, _speed) = (g.Seats, new StragglerDetector(), new SpeedDetector()); // what was seen of others does not count
        if (e is LoadersChanged l) (_seats, _straggler) = ([.. _seats.Where(s => !s.StartsWith("batches", StringComparison.Ordinal)), $"batches from {string.Join(", ", l.Nodes)}"], new StragglerDetector());
        if (failure is not null) _end.TrySetResult(new RunEnd(failure, ""));
        if (e is RunFinished finished) _end.TrySetResult(new RunEnd(null, finished.Why));
    }

    void Write(IRunEvent e)
    {
        events.Hear(e);
        if (e is RunStarted r) metrics.GoOn(r.Steps, r.ValidatedSteps, r.Ledger);
        else if (e is StepCompleted s) metrics.Step(s, _status.Epochs, _status.LastStep);
        else if (e is ValidationCompleted v) metrics.Validation(v);
        else if (e is CheckpointWritten c) metrics.Checkpoint(c);
        else if (e is NumbersWentWrong w) WriteDown(w);
    }

    string Seat(string start) => _seats.FirstOrDefault(s => s.StartsWith(start, StringComparison.Ordinal), start);

    void WriteDown(NumbersWentWrong w)
    {
        _wrong = (w, _status.Steps);
        if (w.Records.Length > 0) folder.Write(w);
        view.Say($"{w}{(w.Records.Length > 0 ? $"; the records of its batch are in {folder.PathOf(w)}" : "")}");
    }

    void Watch(StepCompleted step)
    {
        _stall = _stall.Observe(step.Score.Loss);
        if (_stall.JustStalled) view.Say(_stall.Advice);
        _straggler = _straggler.Observe([.. step.Towers.Select(t => new StragglerDetector.Time(Seat($"tower {t.Towers} on"), t.ComputeMs, t.ExchangeMs, t.DataMs))]);
        if (_straggler.JustSlow is { } slow) view.Say(StragglerDetector.Advice(slow));
        if (_straggler.JustWaited is { } share) view.Say(StragglerDetector.Advice(share, Seat("batches")));
        _speed = _speed.Observe(step.Score.Images / _status.LastStep.Seconds);
        if (_speed.JustSlower is { } slower) view.Say(SpeedDetector.Advice(slower));
        if (_wrong is not { } wrong || step.Step < wrong.Steps) return;
        _wrong = null;
        view.Say($"step {step.Step} has gone right: what went wrong ({wrong.What.Found}) was the doing of {wrong.What.Device}, not of the recipe; training goes on");
    }
}

/// <summary>The journal's ear in the actor system.</summary>
sealed class RunObserverActor : ReceiveActor
{
    public RunObserverActor(RunJournal journal)
    {
        Receive<IRunEvent>(journal.Hear);
        Receive<NodeAdmitted>(_ => { });
        Receive<NodeActor.Remark>(_ => { }); // of one process: the coordinator says it
    }
}
