using System.Runtime.InteropServices;
using System.Text;
using AlexNetActors.Data;

namespace AlexNetActors.App;

/// <summary>
/// Standard output and standard error may be closed, lie on a full disk or belong to a terminal that is gone. Whatever writes to them goes on all the same: no
/// run is lost because nobody can read of it. Of results that were lost the command says so at its end.
/// </summary>
static partial class StandardStreams
{
    const int OutputDescriptor = 1, ErrorDescriptor = 2;
    const int GetDescriptorFlags = 1, ClosedOnExec = 1; // F_GETFD and FD_CLOEXEC, on Linux and macOS

    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int Fcntl(int descriptor, int command);

    static LastingWriter? s_output;

    /// <summary>Why a part of standard output could not be written; null when all was.</summary>
    public static string? Lost => s_output?.Lost;

    /// <summary>From here on neither throws.</summary>
    public static void Keep()
    {
        Console.SetOut(s_output = Lasting(OutputDescriptor, Console.Out));
        Console.SetError(Lasting(ErrorDescriptor, Console.Error));
    }

    static LastingWriter Lasting(int descriptor, TextWriter writer) => IsOpen(descriptor) ? new LastingWriter(writer) : new LastingWriter(TextWriter.Null) { Lost = "it is closed" };

    /// <summary>
    /// Where the process that started this one has closed a descriptor, the runtime gets its number for a file of its own: such files, unlike those that are
    /// handed down, are closed on exec.
    /// </summary>
    static bool IsOpen(int descriptor) => OperatingSystem.IsWindows() || Fcntl(descriptor, GetDescriptorFlags) is var flags and >= 0 && (flags & ClosedOnExec) == 0;

    /// <summary>Leaves out what cannot be written.</summary>
    sealed class LastingWriter(TextWriter writer) : TextWriter
    {
        public override Encoding Encoding => writer.Encoding;

        /// <summary>Why the first that was left out was; null when nothing was.</summary>
        public string? Lost { get; set; }

        public override void Write(char value) => Try(() => writer.Write(value));
        public override void Write(char[] buffer, int index, int count) => Try(() => writer.Write(buffer, index, count));
        public override void Write(string? value) => Try(() => writer.Write(value));
        public override void WriteLine(string? value) => Try(() => writer.WriteLine(value));
        public override void Flush() => Try(writer.Flush);

        void Try(Action write)
        {
            try
            {
                write();
            }
            catch (Exception e) when (Disk.Refusal(e) is not null)
            {
                Lost ??= Disk.Refusal(e);
            }
        }
    }
}
