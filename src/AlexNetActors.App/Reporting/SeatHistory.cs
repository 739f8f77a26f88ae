using System.Text.Json.Nodes;

namespace AlexNetActors.App;

/// <summary>Who held which tower at which step, as events.jsonl has it.</summary>
sealed class SeatHistory
{
    readonly List<(long From, string[] Seats)> _groups = []; // steps done when the group began to train

    public SeatHistory(IEnumerable<JsonObject> events)
    {
        string[] seats = [];
        foreach (var e in events)
            if ((string?)e["event"] == "formed" && e["seats"] is JsonArray formed) seats = [.. formed.Select(s => $"{s}")];
            else if ((string?)e["event"] == "started" && (long?)e["step"] is { } from) _groups.Add((from, seats));
    }

    /// <summary>"tower A on cpu of node-1:2012", or "tower A" where nobody has written it down.</summary>
    /// <param name="step">Steps done after it; the last group that did it counts.</param>
    /// <param name="towers">"A", "B", or "A+B" of a device that holds both.</param>
    public string Of(long step, string towers)
    {
        string name = $"tower {towers.Replace("+", " and ")}";
        return _groups.LastOrDefault(g => g.From < step).Seats?.FirstOrDefault(s => s.StartsWith($"{name} on ", StringComparison.Ordinal)) ?? name;
    }
}
