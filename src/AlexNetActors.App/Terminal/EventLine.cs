using System.Text.Json.Nodes;
using AlexNetActors.Actors;

namespace AlexNetActors.App;

/// <summary>
/// What happens to a run as one JSON object a line: its kind as <c>event</c>, when as <c>time</c> (milliseconds since 1970, UTC), and what it is about.
/// Unlike metrics.jsonl, which is the run's final story, it also has what was done twice.
/// </summary>
static class EventLine
{
    /// <returns>Null for what is of no interest outside.</returns>
    public static JsonObject? Of(IRunEvent e) => e switch
    {
        GroupWaits m => Line("waits", ("for", m.For)),
        NodeJoined m => Line("joined", ("node", m.Node)),
        NodeGone m => Line("gone", ("node", m.Node), ("why", m.Reason)),
        GroupFormed m => Line("formed", ("generation", m.Generation), ("seats", new JsonArray([.. m.Seats.Select(s => (JsonNode)s)]))),
        GroupBroken m => Line("broken", ("generation", m.Generation), ("why", m.Why)),
        LoadersChanged m => Line("loaders", ("nodes", new JsonArray([.. m.Nodes.Select(n => (JsonNode)n)])), ("why", m.Why)),
        RunStarted m => Line("started", ("step", m.Steps), ("from", m.From)),
        StepCompleted m => Line("step", ("step", m.Step + 1)),
        ValidationCompleted m => Line("validation", ("step", m.Steps)),
        CheckpointWritten m => Line("checkpoint", ("step", m.Steps), ("weightsSha256", m.WeightsSha256)),
        RunPaused m => Line("paused", ("step", m.Steps)),
        RunContinued m => Line("continued", ("step", m.Steps)),
        NumbersWentWrong m => Line("wrong", ("what", $"{m}")),
        RunFinished m => Line("finished", ("step", m.Steps)),
        RunFailed m => Line("failed", ("why", m.Reason)),
        _ => null,
    };

    public static JsonObject Line(string kind, params ReadOnlySpan<(string Key, JsonNode? Value)> about)
    {
        var line = new JsonObject { ["event"] = kind, ["time"] = Now };
        foreach (var (key, value) in about) line[key] = value;
        return line;
    }

    /// <summary>Milliseconds since 1970, UTC, to the microsecond: for people and for processes of one machine to compare; nothing waits by it.</summary>
    public static double Now => Math.Round((DateTime.UtcNow - DateTime.UnixEpoch).TotalMilliseconds, 3);
}
