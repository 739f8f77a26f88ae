using System.Runtime.InteropServices;

namespace AlexNetActors.Data;

/// <summary>What .NET has no call for: a rename lasts only when its directory is flushed too; and what it says of a file that may not grow.</summary>
public static partial class Disk
{
    const int InvalidArgument = 22; // EINVAL, on Linux and macOS

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Fsync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);

    /// <summary>Flushes a directory's entries to the disk; on Windows the file system does so by itself, and some network file systems only by themselves.</summary>
    /// <exception cref="IOException">It cannot be opened or flushed.</exception>
    public static void FlushDirectory(string path)
    {
        if (OperatingSystem.IsWindows()) return;
        int descriptor = Open(path, 0);
        if (descriptor < 0) throw new IOException($"cannot open {path}: {Marshal.GetLastPInvokeErrorMessage()}");
        try
        {
            if (Fsync(descriptor) != 0 && Marshal.GetLastPInvokeError() != InvalidArgument) throw new IOException($"cannot flush {path}: {Marshal.GetLastPInvokeErrorMessage()}");
        }
        finally
        {
            _ = Close(descriptor);
        }
    }

    /// <summary>Why the system would not have a file written; null when the exception is about something else.</summary>
    public static string? Refusal(Exception e) => e switch
    {
        IOException or UnauthorizedAccessException => OneLine.Of(e),
        ArgumentOutOfRangeException { ParamName: "value" } => "the file would be larger than the file system or `ulimit -f` allows", // what .NET makes of EFBIG
        _ => null,
    };
}
