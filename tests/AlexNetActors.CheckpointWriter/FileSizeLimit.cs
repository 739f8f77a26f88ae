using System.Runtime.InteropServices;

namespace AlexNetActors.Tests.Writer;

/// <summary>
/// RLIMIT_FSIZE: the first byte that a process writes behind this place in a file is not written. The system kills the process then and there,
/// by SIGXFSZ, with no more ado than SIGKILL; or, where that is ignored, refuses the byte with an error, as a full disk does.
/// </summary>
static partial class FileSizeLimit
{
    const int Resource = 1, Signal = 25; // Linux

    [StructLayout(LayoutKind.Sequential)]
    struct Limits
    {
        public ulong Soft, Hard;
    }

    [LibraryImport("libc", EntryPoint = "setrlimit", SetLastError = true)]
    private static partial int SetLimit(int resource, in Limits limits);

    [LibraryImport("libc", EntryPoint = "signal")]
    private static partial nint OnSignal(int signal, nint handler);

    public static void Kills() => OnSignal(Signal, 0);

    public static void Refuses() => OnSignal(Signal, 1);

    public static void Set(long bytes)
    {
        if (SetLimit(Resource, new Limits { Soft = (ulong)bytes, Hard = ulong.MaxValue }) != 0) throw new InvalidOperationException(Marshal.GetLastPInvokeErrorMessage());
    }

    public static void Lift() => Set(-1);
}
