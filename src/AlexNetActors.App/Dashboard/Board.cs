using Akka.Actor;
using AlexNetActors.Actors;

namespace AlexNetActors.App;

/// <summary>
/// What the dashboard's server reads while a run goes on. Hearing is one step of a pure state and one reference written, mostly on the thread that also writes
/// the metrics; whoever reads takes the newest state and holds nobody up.
/// </summary>
sealed class Board
{
    readonly Lock _change = new(); // a sink or a signal may have something to say meanwhile
    volatile BoardState? _state;
    IActorRef _node = ActorRefs.Nobody;
    string _name = "";

    /// <summary>The newest state; null until the coordinator of a run is in this process.</summary>
    public BoardState? State => _state;

    /// <summary>A run is opened here, which may go on with one of before.</summary>
    public void Begin(RunFacts run, RunStatus status, Curves history)
    {
        lock (_change) _state = new BoardState(run, status) { Curves = history };
    }

    public void Hear(IRunEvent e, RunStatus status) => Change(s => s.After(e, status, DateTimeOffset.UtcNow));

    /// <summary>From any thread.</summary>
    public void Say(string line) => Change(s => s.Alert(line, DateTimeOffset.UtcNow));

    /// <summary>The run goes on elsewhere, or is over.</summary>
    public void Close() => Change(s => s.Close());

    void Change(Func<BoardState, BoardState> next)
    {
        lock (_change) _state = _state is { } state ? next(state) : null;
    }

    /// <param name="node">Carries out what a person orders.</param>
    /// <param name="name">What the coordinator calls it.</param>
    public void Obey(IActorRef node, string name)
    {
        lock (_change) (_node, _name) = (node, name);
    }

    /// <returns>False where there is nobody to carry it out: no run goes on in this process, or its node and coordinator do not know each other yet.</returns>
    public bool Order(IRunOrder order)
    {
        lock (_change)
        {
            if (_state is not { Ended: null } state || !state.Members.Any(m => m.Node == _name && m.Gone is null)) return false;
            _node.Tell(order);
            return true;
        }
    }
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
