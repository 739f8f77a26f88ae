using System.Globalization;
using System.IO.Hashing;
using System.Text;

namespace AlexNetActors.Data;

/// <summary>What became of one source file: the checksum of its record, or the reason why there is none.</summary>
internal readonly record struct Outcome(ulong Checksum, string? Reason);

/// <summary>
/// Remembers, one line a source file, what an unfinished preparation has safely on disk. A line is written only after the records it speaks of
/// are flushed; each ends in its own checksum, so that a torn last line is recognised and what it spoke of is simply done again.
/// </summary>
internal sealed class PrepareJournal : IDisposable
{
    internal const string FileName = "prepare.journal";

    readonly FileStream file;
    readonly StringBuilder pending = new();
    int count;

    /// <summary>Begins a journal anew with what is kept of an older one.</summary>
    internal PrepareJournal(string folder, string fingerprint, IEnumerable<Outcome> kept)
    {
        string path = Path.Combine(folder, FileName);
        file = new FileStream(WholeFile.PartialOf(path), FileMode.Create, FileAccess.Write, FileShare.Read | FileShare.Delete, bufferSize: 0); // it gets its name while it is open
        pending.Append(Start(fingerprint)).Append('\n');
        foreach (var outcome in kept) Add(outcome);
        Sync();
        WholeFile.Name(path);
    }

    /// <summary>Outcomes of the source files from the first on, as far as an older journal for the same work is whole; null if there is none.</summary>
    internal static List<Outcome>? Load(string folder, string fingerprint)
    {
        string path = Path.Combine(folder, FileName);
        if (!File.Exists(path)) return null;
        using var lines = File.ReadLines(path).GetEnumerator();
        if (!lines.MoveNext() || lines.Current != Start(fingerprint)) return null;
        var outcomes = new List<Outcome>();
        while (lines.MoveNext() && Parse(lines.Current, outcomes.Count) is { } outcome) outcomes.Add(outcome);
        return outcomes;
    }

    internal void Add(Outcome outcome)
    {
        string body = Body(count++, outcome);
        pending.Append(body).Append('\t').Append(CheckOf(body)).Append('\n');
    }

    /// <summary>Forces the lines added so far onto the disk.</summary>
    internal void Sync()
    {
        file.Write(Encoding.UTF8.GetBytes(pending.ToString()));
        file.Flush(flushToDisk: true);
        pending.Clear();
    }

    public void Dispose() => file.Dispose();

    static string Start(string fingerprint) => $"prepare 1 {fingerprint}";

    static string Body(int index, Outcome outcome) => outcome.Reason is null ? $"{index}\tkept\t{outcome.Checksum:x16}" : $"{index}\tskipped\t{outcome.Reason}";

    static string CheckOf(string body) => XxHash32.HashToUInt32(Encoding.UTF8.GetBytes(body)).ToString("x8");

    static Outcome? Parse(string line, int index)
    {
        string[] parts = line.Split('\t');
        if (parts.Length != 4 || parts[3] != CheckOf(string.Join('\t', parts[..3])) || parts[0] != index.ToString(CultureInfo.InvariantCulture)) return null;
        return parts[1] == "kept" ? new Outcome(ulong.Parse(parts[2], NumberStyles.HexNumber, CultureInfo.InvariantCulture), null) : new Outcome(0, parts[2]);
    }
}
