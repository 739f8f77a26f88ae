using System.Runtime.InteropServices;

namespace AlexNetActors.Actors;

/// <summary>Signals between processes, by their Linux numbers.</summary>
public static partial class Signals
{
    public const int Kill = 9, Terminate = 15, Continue = 18, Stop = 19;

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int SendTo(int process, int signal);

    /// <returns>False when there is no such process.</returns>
    public static bool Send(int signal, int process) => SendTo(process, signal) == 0;
}
