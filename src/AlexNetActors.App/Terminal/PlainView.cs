using AlexNetActors.Actors;

namespace AlexNetActors.App;

/// <summary>Lines for a log: one every few seconds, one a validation, one a checkpoint; in a cluster, what happens to the group.</summary>
sealed class PlainView(TextWriter output, bool group) : IRunView
{
    readonly ProgressLines _steps = new(output);

    public void Show(IRunEvent e, RunStatus status)
    {
        if (group)
            foreach (string line in Words.OfGroup(e)) Say(line);
        switch (e)
        {
            case StepCompleted: _steps.Tell(() => Words.Steps(status)); break;
            case ValidationCompleted v: Say(Words.Of(v)); break;
            case CheckpointWritten c: Say(Words.Of(c)); break;
            case RunPaused p: Say(Words.Of(p)); break;
            case RunContinued c: Say(Words.Of(c)); break;
        }
    }

    public void Say(string line) => output.WriteLine(line);

    public void Follow(RunJournal journal, Task end) => end.Wait();
}
