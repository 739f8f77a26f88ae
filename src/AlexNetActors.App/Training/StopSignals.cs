using System.Runtime.InteropServices;

namespace AlexNetActors.App;

/// <summary>
/// SIGINT and SIGTERM, as long as this is not disposed: the first one asks for an end that loses nothing, the second ends the process.
/// </summary>
sealed class StopSignals : IDisposable
{
    /// <summary>How long what was asked to stop may take for its step and a checkpoint.</summary>
    static readonly TimeSpan StopMax = TimeSpan.FromSeconds(60);

    static StopSignals? _listening; // signals are the process's, and so is who hears them

    readonly PosixSignalRegistration _interrupt, _terminate;
    readonly Action<string> _say, _late;
    readonly Action _stop;
    readonly Timer _deadline;
    int _asked;

    /// <param name="say">Tells the user what happens.</param>
    /// <param name="stop">Asks for the end.</param>
    /// <param name="late">It has not come in time; gets the reason.</param>
    public StopSignals(Action<string> say, Action stop, Action<string> late)
    {
        (_say, _stop, _late) = (say, stop, late);
        _deadline = new Timer(_ => _late($"the step did not end within {StopMax.TotalSeconds:0} s of being asked to stop; go on from the last checkpoint"));
        _interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal);
        _terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal);
        Volatile.Write(ref _listening, this);
    }

    /// <summary>Asks as the first signal does; nothing more where it has come already.</summary>
    /// <returns>Whether there is anything that can be asked.</returns>
    public static bool Ask()
    {
        if (Volatile.Read(ref _listening) is not { } signals) return false;
        signals.AskOnce();
        return true;
    }

    /// <summary>Whether a signal came.</summary>
    public bool Asked => Volatile.Read(ref _asked) > 0;

    void OnSignal(PosixSignalContext signal) => signal.Cancel = AskOnce(); // the second signal ends the process

    bool AskOnce()
    {
        if (Interlocked.Increment(ref _asked) > 1) return false;
        _say($"stopping after this step, with a checkpoint, within {StopMax.TotalSeconds:0} s; the same again stops at once");
        _deadline.Change(StopMax, Timeout.InfiniteTimeSpan);
        _stop();
        return true;
    }

    public void Dispose()
    {
        Volatile.Write(ref _listening, null);
        _interrupt.Dispose();
        _terminate.Dispose();
        _deadline.Dispose();
    }
}
