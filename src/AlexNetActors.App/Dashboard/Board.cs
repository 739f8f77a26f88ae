using Akka.Actor;
using AlexNetActors.Actors;

namespace AlexNetActors.App;

/// <summary>
/// What the dashboard's server reads while a run goes on. Hearing is one step of a pure state and one reference written, on the thread that also writes
/// the metrics; whoever reads takes the newest state and holds nobody up.
/// </summary>
sealed class Board
{
    volatile BoardState? _state;
    volatile IActorRef _node = ActorRefs.Nobody;

    /// <summary>The newest state; null until the coordinator of a run is in this process.</summary>
    public BoardState? State => _state;

    /// <summary>A run is opened here, which may go on with one of before.</summary>
    public void Begin(RunFacts run, RunStatus status, Curves history) => _state = new BoardState(run, status) { Curves = history };

    /// <summary>From the journal's thread.</summary>
    public void Hear(IRunEvent e, RunStatus status)
    {
        if (_state is { } state) _state = state.After(e, status, DateTimeOffset.UtcNow);
    }

    /// <summary>From the journal's thread.</summary>
    public void Say(string line)
    {
        if (_state is { } state) _state = state.Alert(line, DateTimeOffset.UtcNow);
    }

    /// <summary>The node that carries out what a person orders.</summary>
    public void Obey(IActorRef node) => _node = node;

    /// <returns>False where there is nobody to carry it out: no run goes on in this process.</returns>
    public bool Order(IRunOrder order)
    {
        if (_state is not { Ended: null }) return false;
        _node.Tell(order);
        return true;
    }

    /// <summary>The run goes on elsewhere, or is over.</summary>
    public void Close() => _state = _state?.Close();
}

/// <summary>A view of a run that the dashboard watches, too.</summary>
sealed class WatchedView(IRunView view, Board board) : IRunView
{
    public void Show(IRunEvent e, RunStatus status)
    {
        board.Hear(e, status);
        view.Show(e, status);
    }

    public void Say(string line)
    {
        board.Say(line);
        view.Say(line);
    }

    public void Follow(RunJournal journal, Task end) => view.Follow(journal, end);
}
