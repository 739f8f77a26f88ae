using System.Diagnostics;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using AlexNetActors.Actors;

namespace AlexNetActors.App;

/// <summary>One node of a fault run: a real process, started again when it dies. Its standard error goes to a file; its events go to the run.</summary>
sealed class FaultedNode : IDisposable
{
    static readonly TimeSpan EndMax = TimeSpan.FromSeconds(5);

    readonly Action<FaultedNode, JsonObject?> _hear;
    readonly string[] _command;
    readonly string _log;
    Process? _process;
    Thread? _reader;
    volatile bool _went;

    /// <param name="plan">What it is.</param>
    /// <param name="address">host:port.</param>
    /// <param name="command">The program and its arguments.</param>
    /// <param name="log">Where its standard error goes.</param>
    /// <param name="hear">Told each of its events, and null when the process has ended; on any thread.</param>
    public FaultedNode(PlannedNode plan, string address, string[] command, string log, Action<FaultedNode, JsonObject?> hear) => (Plan, Address, _command, _log, _hear) = (plan, address, command, log, hear);

    public PlannedNode Plan { get; }
    public string Address { get; }
    public int Starts { get; private set; }
    public string LastLine { get; private set; } = "nothing";

    /// <summary>Whether it was started again, or went to another cluster: it may come too late to hear that the run is over.</summary>
    public bool MayComeLate => Starts > 1 || _went;
    public bool Runs => _process is { HasExited: false };
    public int Id => _process!.Id;

    /// <summary>Memory that it holds now; 0 when it does not run.</summary>
    public long ResidentBytes
    {
        get
        {
            try
            {
                if (!Runs) return 0;
                _process!.Refresh();
                return _process.WorkingSet64;
            }
            catch (InvalidOperationException) // it has ended since
            {
                return 0;
            }
        }
    }

    public int? ExitCode => _process is { HasExited: true } p ? p.ExitCode : null;

    /// <summary>Starts it, or starts it again; it goes on when it is told the faults and "start".</summary>
    public void Start()
    {
        _process?.Dispose();
        Starts++;
        var start = new ProcessStartInfo(_command[0], _command[1..]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, StandardOutputEncoding = Encoding.UTF8, StandardErrorEncoding = Encoding.UTF8 };
        var process = _process = Process.Start(start) ?? throw new RunException($"cannot start {_command[0]}");
        process.StandardInput.AutoFlush = true;
        var errors = new Thread(() => ReadErrors(process)) { Name = $"errors of {Plan.Name}", IsBackground = true };
        errors.Start();
        _reader = new Thread(() => ReadEvents(process, errors)) { Name = $"events of {Plan.Name}", IsBackground = true };
        _reader.Start();
    }

    void ReadErrors(Process process)
    {
        using var log = new StreamWriter(_log, append: true) { AutoFlush = true };
        log.WriteLine($"# started as process {process.Id}");
        while (process.StandardError.ReadLine() is { } line)
        {
            LastLine = line;
            if (line.EndsWith(ClusterNode.GoesThere, StringComparison.Ordinal)) _went = true;
            log.WriteLine($"{DateTime.UtcNow:HH:mm:ss.fff} {line}");
        }
    }

    void ReadEvents(Process process, Thread errors)
    {
        while (process.StandardOutput.ReadLine() is { } line)
            if (Parse(line) is { } e) _hear(this, e);
        errors.Join(TimeSpan.FromSeconds(1));
        process.WaitForExit();
        _hear(this, null);
    }

    static JsonObject? Parse(string line)
    {
        try
        {
            return JsonNode.Parse(line) as JsonObject is { } e && e.ContainsKey("event") ? e : null;
        }
        catch (JsonException)
        {
            return null; // cut off by a kill, or no event
        }
    }

    public void Say(string line)
    {
        try
        {
            _process!.StandardInput.WriteLine(line);
        }
        catch (Exception e) when (e is IOException or InvalidOperationException) { } // it has just ended
    }

    public bool Signal(int signal) => Runs && Signals.Send(signal, Id);

    public void Dispose()
    {
        if (_process is null) return;
        Signal(Signals.Kill);
        if (_reader!.Join(EndMax)) _process.Dispose(); // else its pipes are held by somebody else: the reader keeps it
    }
}
