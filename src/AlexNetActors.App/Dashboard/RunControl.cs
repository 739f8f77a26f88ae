using AlexNetActors.Actors;

namespace AlexNetActors.App;

/// <summary>What a dashboard's buttons do. Each says in words what happens; null where no run goes on in this process.</summary>
sealed class RunControl(Board board)
{
    /// <summary>What a first SIGTERM does, and never what a second one does.</summary>
    public string? Stop() => board.State is { Ended: null } && StopSignals.Ask() ? "stopping after this step, with a checkpoint" : null;

    public string? Pause() => Order(new PauseRun(), "pausing after this step");

    public string? Continue() => Order(new ContinueRun(), "going on");

    public string? Save() => Order(new SaveRun(), "writing a checkpoint after this step");

    string? Order(IRunOrder order, string said) => board.Order(order) ? said : null;
}
