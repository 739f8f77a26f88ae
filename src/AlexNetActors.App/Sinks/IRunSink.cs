using AlexNetActors.Actors;

namespace AlexNetActors.App;

/// <summary>Where a run's numbers go beside its own folder. It may fail: then it says so, once, and no run waits for it or ends by it.</summary>
interface IRunSink : IDisposable
{
    /// <summary>Something happened; called by one thread, which is not to be held up.</summary>
    void Hear(IRunEvent e, RunStatus status);
}

/// <summary>A view of a run that sinks hear, too.</summary>
sealed class SunkView(IRunView view, IReadOnlyList<IRunSink> sinks) : IRunView
{
    public void Show(IRunEvent e, RunStatus status)
    {
        foreach (var sink in sinks) sink.Hear(e, status);
        view.Show(e, status);
    }

    public void Say(string line) => view.Say(line);

    public void Follow(RunJournal journal, Task end) => view.Follow(journal, end);
}
