using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using AlexNetActors.Actors;
using AlexNetActors.Data;
using AlexNetActors.Model;

namespace AlexNetActors.App;

/// <summary>
/// events.jsonl: what happened to the run and when (<see cref="EventLine"/>), a line each, only ever appended to; also what metrics.jsonl forgets, as it was done
/// again. Of steps only the first after training has started or gone on.
/// </summary>
sealed class EventLog : IDisposable
{
    static readonly double TimeMax = (DateTime.MaxValue - DateTime.UnixEpoch).TotalMilliseconds;
    static readonly JsonSerializerOptions Json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    readonly FileStream _file;
    bool _goesOn; // until its first step is done

    EventLog(FileStream file) => _file = file;

    /// <summary>Appends who writes: the command, the version and the machine. A line that a killed process left half written stays one line.</summary>
    /// <exception cref="RunException">It cannot be written.</exception>
    public static EventLog Open(string path) => Writing.Guard(path, () =>
    {
        var log = new EventLog(Writing.Open(path, FileShare.ReadWrite));
        log._file.Position = Math.Max(0, log._file.Length - 1);
        if (log._file.Length > 0 && log._file.ReadByte() != '\n') log._file.WriteByte((byte)'\n');
        log.Put(EventLine.Line("opened", ("command", CommandText.Of(Environment.GetCommandLineArgs().Skip(1).Prepend("alexnet"))), ("version", ProgramVersion.Text), ("machine", Machine.Description)));
        return log;
    });

    public void Hear(IRunEvent e)
    {
        if (e is RunStarted) _goesOn = true;
        if (e is StepCompleted && !_goesOn) return;
        if (e is StepCompleted) _goesOn = false;
        if (EventLine.Of(e) is { } line) Writing.Guard(_file.Name, () => Put(line));
    }

    long Put(JsonObject line)
    {
        _file.Write([.. JsonSerializer.SerializeToUtf8Bytes(line, Json), (byte)'\n']);
        return _file.Length;
    }

    /// <summary>All whole lines; those that a killed process left half written are passed over.</summary>
    public static IReadOnlyList<JsonObject> Read(string path)
    {
        if (!OrdinaryFile.HasBytes(path)) return [];
        using var reader = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        var lines = new List<JsonObject>();
        while (reader.ReadLine() is { } line)
            if (Parse(line) is { } e) lines.Add(e);
        return lines;
    }

    static JsonObject? Parse(string line) => JsonFields.Parse(Encoding.UTF8.GetBytes(line)) is { } e && IsWhole(e) ? e : null;

    static bool IsWhole(JsonObject e) => e.Is("event", out string? _) && e.Is("time", out double time) && time >= 0 && time < TimeMax && (e["step"] is null || e.Is("step", out long _)) && (e["why"] is null || e.Is("why", out string? _));

    public void Dispose() => _file.Dispose();
}
