using System.Runtime.InteropServices;

namespace AlexNetActors.App;

/// <summary>The priority of what may wait for ever. Linux has one for each thread, which .NET does not set.</summary>
static partial class IdlePriority
{
    const int OfProcess = 0, Self = 0, Lowest = 19;

    [LibraryImport("libc", EntryPoint = "setpriority")]
    private static partial int SetPriority(int which, int who, int nice);

    /// <summary>For the thread that calls.</summary>
    public static void Take()
    {
        if (OperatingSystem.IsLinux()) SetPriority(OfProcess, Self, Lowest); // there "self" is the thread
        else Thread.CurrentThread.Priority = ThreadPriority.Lowest;
    }
}
