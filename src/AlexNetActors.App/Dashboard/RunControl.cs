using AlexNetActors.Actors;

namespace AlexNetActors.App;

/// <summary>What a dashboard's buttons do. Each says in words what happens; null where no run goes on in this process.</summary>
sealed class RunControl(Board board)
{
    static int _asked;

    /// <summary>Exactly what SIGTERM does, by SIGTERM; once, since a second signal ends the process where it stands.</summary>
    public static string? Stop()
    {
        if (Interlocked.Exchange(ref _asked, 1) == 0) Signals.Send(Signals.Terminate, Environment.ProcessId);
        return "stopping after this step, with a checkpoint";
    }

    public string? Pause() => Order(new PauseRun(), "pausing after this step");

    public string? Continue() => Order(new ContinueRun(), "going on");

    public string? Save() => Order(new SaveRun(), "writing a checkpoint after this step");

    string? Order(IRunOrder order, string said) => board.Order(order) ? said : null;
}
