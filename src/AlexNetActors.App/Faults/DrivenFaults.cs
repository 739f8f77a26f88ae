using System.Collections.Concurrent;
using System.Globalization;
using AlexNetActors.Actors;
using AlexNetActors.Model;

namespace AlexNetActors.App;

/// <summary>
/// A node's end of the talk with `alexnet faults`. It hears, on standard input, "arm N FAULT", "disarm N", "strike N", "go N" and, once, "pace MS" and "start"; it
/// says, on standard output as an event, that a fault's moment has come, and keeps the moment until the answer: "strike N", do it yourself, or "go N".
/// The end of standard input is the end of the driver, and of this process.
/// </summary>
sealed class DrivenFaults : IFaultJudge
{
    /// <summary>How long a moment is kept for an answer.</summary>
    static readonly TimeSpan AnswerMax = TimeSpan.FromSeconds(5);

    readonly TextReader _input;
    readonly Output _output;
    readonly ConcurrentDictionary<int, Fault> _known = [];
    readonly ConcurrentDictionary<int, BlockingCollection<bool>> _answers = [];
    readonly ManualResetEventSlim _started = new();

    public DrivenFaults(TextReader input, Output output)
    {
        (_input, _output) = (input, output);
        Points = new FaultPoints(this);
        new Thread(Listen) { Name = "faults", IsBackground = true }.Start();
    }

    public FaultPoints Points { get; }

    /// <summary>Until every fault of the plan is known: none may come too late.</summary>
    /// <exception cref="UsageException">The driver has not said so in time.</exception>
    public void WaitForStart()
    {
        if (!_started.Wait(AnswerMax)) throw new UsageException("--driven is for `alexnet faults`, which has not said 'start' on standard input: leave it out");
    }

    public bool Strikes(int number, Moment moment)
    {
        var answers = _answers[number] = [];
        _output.Event(EventLine.Line("due", ("fault", number), ("step", moment.Step), ("phase", moment.Place.ToString())));
        return answers.TryTake(out bool strikes, AnswerMax) && strikes;
    }

    void Listen()
    {
        while (_input.ReadLine() is { } line) Hear(line.Split(' ', 3));
        Signals.Send(Signals.Kill, Environment.ProcessId);
    }

    void Hear(string[] words)
    {
        int number = words.Length > 1 ? int.Parse(words[1], CultureInfo.InvariantCulture) : 0;
        switch (words[0])
        {
            case "arm":
                _known[number] = FaultLanguage.Parse(words[2]);
                Points.Arm(number, _known[number]);
                break;
            case "disarm": Points.Disarm(number); break;
            case "pace": Points.StepTime = TimeSpan.FromMilliseconds(number); break;
            case "start": _started.Set(); break;
            case "go": Answer(number, strikes: false); break;
            case "strike":
                if (Answer(number, strikes: true)) break;
                Points.Disarm(number);
                if (_known[number].OnTheSpot) _output.Event(EventLine.Line("missed", ("fault", number))); // the answer came too late
                else Points.Act(_known[number]);
                break;
        }
    }

    /// <returns>Whether a moment waits for it.</returns>
    bool Answer(int number, bool strikes)
    {
        if (!_answers.TryRemove(number, out var answers)) return false;
        answers.Add(strikes);
        return true;
    }
}
