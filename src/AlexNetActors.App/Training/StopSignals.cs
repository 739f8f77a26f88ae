using System.Diagnostics;
using System.Runtime.InteropServices;

namespace AlexNetActors.App;

/// <summary>
/// SIGINT, SIGTERM and SIGHUP, as long as this is not disposed: the first one asks for an end that loses nothing, the next one ends the process.
/// One that was ignored when the process started, as SIGHUP is under nohup, stays ignored: .NET hears none of those.
/// </summary>
sealed class StopSignals : IDisposable
{
    /// <summary>How long what was asked to stop may take for its step and a checkpoint.</summary>
    static readonly TimeSpan StopMax = TimeSpan.FromSeconds(60);

    /// <summary>
    /// What comes within it of the first is the same wish: `timeout` signals its command and then the whole group, of a terminal that closes the shell and the
    /// system tell of it.
    /// </summary>
    static readonly TimeSpan Moment = TimeSpan.FromSeconds(1);

    static StopSignals? _listening; // signals are the process's, and so is who hears them

    readonly PosixSignalRegistration[] _heard;
    readonly Action _stop;
    readonly Timer? _deadline;
    long _asked; // when, as Stopwatch counts; 0 while nobody has

    /// <param name="stop">Asks for the end.</param>
    public StopSignals(Action stop) : this(stop, deadline: null) { }

    /// <summary>Of a run.</summary>
    /// <param name="say">Tells the user what happens.</param>
    /// <param name="stop">Asks for the end.</param>
    /// <param name="late">It has not come in time; gets the reason.</param>
    public StopSignals(Action<string> say, Action stop, Action<string> late) : this(
        () =>
        {
            say($"stopping after this step, with a checkpoint, within {StopMax.TotalSeconds:0} s; the same again stops at once");
            stop();
        },
        new Timer(_ => late($"the step did not end within {StopMax.TotalSeconds:0} s of being asked to stop; go on from the last checkpoint")))
    { }

    StopSignals(Action stop, Timer? deadline)
    {
        (_stop, _deadline) = (stop, deadline);
        _heard = [.. new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP }.Select(s => PosixSignalRegistration.Create(s, OnSignal))];
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
    public bool Asked => Volatile.Read(ref _asked) != 0;

    void OnSignal(PosixSignalContext signal) => signal.Cancel = AskOnce() < Moment; // what is not cancelled ends the process

    /// <returns>How long ago it was asked first.</returns>
    TimeSpan AskOnce()
    {
        long now = Stopwatch.GetTimestamp(), first = Interlocked.CompareExchange(ref _asked, now, 0);
        if (first != 0) return Stopwatch.GetElapsedTime(first, now);
        _deadline?.Change(StopMax, Timeout.InfiniteTimeSpan);
        _stop();
        return TimeSpan.Zero;
    }

    public void Dispose()
    {
        Volatile.Write(ref _listening, null);
        foreach (var signal in _heard) signal.Dispose();
        _deadline?.Dispose();
    }
}
