using System.Text.Json;

namespace AlexNetActors.App;

/// <summary>
/// Steps in Chrome's trace format, for Perfetto and chrome://tracing: a process for each seat with the lane of its tower, arrows for the exchanges, and the steps
/// above them. They lie end to end: what passed between two of them, a validation or a checkpoint, is a mark without a length.
/// </summary>
sealed class StepTrace : IDisposable
{
    const int Steps = 1, Lane = 1; // process, and thread of each process

    readonly Utf8JsonWriter _json;
    readonly Dictionary<string, int> _processes = [];
    long _now, _flows; // nanoseconds: as whole numbers they add up

    public StepTrace(Stream file)
    {
        _json = new Utf8JsonWriter(file);
        _json.WriteStartObject();
        _json.WriteString("displayTimeUnit", "ms");
        _json.WriteStartArray("traceEvents");
        Name(Steps, "steps", "steps");
    }

    /// <param name="step">Its lanes.</param>
    /// <param name="loss">Of its batch.</param>
    /// <param name="seat">Where a tower is: "tower A on cpu of node-1:2012".</param>
    public void Add(StepLanes step, double loss, Func<string, string> seat)
    {
        long length = Nanoseconds(step.Ms);
        Slice(Steps, $"step {step.Step}", "step", 0, length, ("step", step.Step), ("loss", loss));
        foreach (var lane in step.Lanes)
            foreach (var span in lane.Spans)
                Slice(ProcessOf(lane.Towers, seat), Words.Of(span), $"{span.Kind}".ToLowerInvariant(), Nanoseconds(span.From), Nanoseconds(span.To), ("step", step.Step));
        foreach (var c in step.Crossings)
        {
            string to = step.Lanes.First(l => l.Towers != c.From).Towers;
            _flows++;
            Flow("s", ProcessOf(c.From, seat), c.What, Math.Clamp(Nanoseconds(c.Given), 0, length));
            Flow("f", ProcessOf(to, seat), c.What, Math.Clamp(Nanoseconds(c.Arrived), 0, length));
        }
        _now += length;
    }

    /// <summary>Something that happened between the steps.</summary>
    public void Mark(string what)
    {
        Begin("i", Steps, what, "run", 0);
        _json.WriteString("s", "g");
        _json.WriteEndObject();
    }

    int ProcessOf(string towers, Func<string, string> seat)
    {
        string name = seat(towers);
        if (_processes.TryGetValue(name, out int process)) return process;
        process = _processes[name] = Steps + 1 + _processes.Count;
        Name(process, name, $"tower {towers}");
        return process;
    }

    void Name(int process, string name, string lane)
    {
        foreach (var (kind, text) in new[] { ("process_name", name), ("thread_name", lane) })
        {
            _json.WriteStartObject();
            _json.WriteString("ph", "M");
            _json.WriteNumber("pid", process);
            _json.WriteNumber("tid", Lane);
            _json.WriteString("name", kind);
            _json.WriteStartObject("args");
            _json.WriteString("name", text);
            _json.WriteEndObject();
            _json.WriteEndObject();
        }
    }

    void Slice(int process, string name, string category, long from, long to, params ReadOnlySpan<(string Key, double Value)> about)
    {
        Begin("X", process, name, category, from);
        _json.WriteNumber("dur", Microseconds(to - from));
        _json.WriteStartObject("args");
        foreach (var (key, value) in about) _json.WriteNumber(key, value);
        _json.WriteEndObject();
        _json.WriteEndObject();
    }

    void Flow(string phase, int process, string name, long at)
    {
        Begin(phase, process, name, "exchange", at);
        _json.WriteNumber("id", _flows);
        if (phase == "f") _json.WriteString("bp", "e"); // it ends in the slice that is open then
        _json.WriteEndObject();
    }

    void Begin(string phase, int process, string name, string category, long at)
    {
        _json.WriteStartObject();
        _json.WriteString("ph", phase);
        _json.WriteNumber("pid", process);
        _json.WriteNumber("tid", Lane);
        _json.WriteString("name", name);
        _json.WriteString("cat", category);
        _json.WriteNumber("ts", Microseconds(_now + at));
    }

    static long Nanoseconds(double ms) => (long)Math.Round(1e6 * ms);

    static decimal Microseconds(long nanoseconds) => nanoseconds / 1000m;

    public void Dispose()
    {
        _json.WriteEndArray();
        _json.WriteEndObject();
        _json.Dispose();
    }
}
