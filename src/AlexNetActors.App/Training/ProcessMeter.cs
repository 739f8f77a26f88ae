using System.Diagnostics;

namespace AlexNetActors.App;

/// <summary>What this process has used so far, as the system and the runtime count it.</summary>
/// <param name="Seconds">Since the system started it; the system counts in hundredths.</param>
/// <param name="ManagedBytes">
/// Allocated on the managed heap by all threads. A thread takes memory in stretches of about 8 KiB and each counts when it is
/// taken: exact over many steps, in such units for one.
/// </param>
readonly record struct ProcessMeter(double Seconds, long ManagedBytes)
{
    // The wall clock is asked once, so that setting it does not show in the run's times.
    static readonly double FirstSeconds = (DateTime.Now - Process.GetCurrentProcess().StartTime).TotalSeconds;
    static readonly long First = Stopwatch.GetTimestamp();

    public static ProcessMeter Read() => new(FirstSeconds + Stopwatch.GetElapsedTime(First).TotalSeconds, GC.GetTotalAllocatedBytes(precise: false));

    /// <summary>The most memory the process has held, pages of mapped files included; 0 where the system does not say.</summary>
    public static long PeakResidentBytes => Process.GetCurrentProcess().PeakWorkingSet64;
}
