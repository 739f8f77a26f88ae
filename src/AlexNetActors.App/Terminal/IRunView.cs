using AlexNetActors.Actors;

namespace AlexNetActors.App;

/// <summary>What a person sees of a run.</summary>
interface IRunView
{
    /// <summary>Something happened; called by one thread.</summary>
    void Show(IRunEvent e, RunStatus status);

    /// <summary>A line that stays; called by any thread.</summary>
    void Say(string line);

    /// <summary>Keeps the view fresh on the calling thread until the end.</summary>
    void Follow(RunJournal journal, Task end);
}
