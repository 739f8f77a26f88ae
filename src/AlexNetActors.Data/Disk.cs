using System.Diagnostics;
using System.Runtime.InteropServices;

namespace AlexNetActors.Data;

/// <summary>What .NET has no call for: a rename lasts only when its directory is flushed too; and what it says of a file that may not grow.</summary>
public static partial class Disk
{
    const int InvalidArgument = 22; // EINVAL, on Linux and macOS

    /// <summary>How long a file may be held that is to be renamed or removed.</summary>
    static readonly TimeSpan HeldMax = TimeSpan.FromSeconds(10);

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

    /// <summary>Renames a folder.</summary>
    public static void Move(string folder, string to) => WhenNobodyHoldsIt(() => Directory.Move(folder, to));

    /// <summary>Removes a folder with all that is in it.</summary>
    public static void Delete(string folder) => WhenNobodyHoldsIt(() => Directory.Delete(folder, recursive: true));

    /// <summary>
    /// Windows neither renames nor removes what somebody has open, and virus scanners and indexers open what has just been written: there it is
    /// tried until they are done.
    /// </summary>
    internal static void WhenNobodyHoldsIt(Action change)
    {
        long began = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                change();
                return;
            }
            catch (Exception e) when (OperatingSystem.IsWindows() && e is IOException or UnauthorizedAccessException && Stopwatch.GetElapsedTime(began) < HeldMax)
            {
                Thread.Sleep(20);
            }
        }
    }

    /// <summary>Bytes that may still be written where a folder is; null where the system does not say, as of a share of another Windows machine.</summary>
    public static long? Free(string folder)
    {
        try
        {
            return new DriveInfo(Path.GetFullPath(folder)).AvailableFreeSpace;
        }
        catch (ArgumentException)
        {
            return null;
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
