using AlexNetActors.Actors;

namespace AlexNetActors.App;

/// <summary>What a dashboard's buttons do.</summary>
static class RunControl
{
    static int _asked;

    /// <summary>Exactly what SIGTERM does, by SIGTERM; once, since a second signal ends the process where it stands.</summary>
    /// <returns>What happens, in words.</returns>
    public static string Stop()
    {
        if (Interlocked.Exchange(ref _asked, 1) == 0) Signals.Send(Signals.Terminate, Environment.ProcessId);
        return "stopping after this step, with a checkpoint";
    }
}
