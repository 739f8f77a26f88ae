using System.Diagnostics;
using AlexNetActors.Actors;

namespace AlexNetActors.App;

/// <summary>What happened, as spans that begin and end when it did. A step is a trace: its towers, what each did one after the other, and the exchanges.</summary>
static class StepSpans
{
    /// <param name="source">Where they go.</param>
    /// <param name="lanes">The step's.</param>
    /// <param name="step">What the towers said.</param>
    /// <param name="end">When it was done.</param>
    public static void Record(ActivitySource source, StepLanes lanes, StepCompleted step, DateTimeOffset end)
    {
        var begun = end.AddMilliseconds(-lanes.Ms);
        using var whole = Start(source, "step", default, begun, end, ("alexnet.step", lanes.Step), ("alexnet.loss", step.Score.Loss), ("alexnet.learning_rate", (double)step.Rate));
        foreach (var lane in lanes.Lanes)
        {
            using var tower = Start(source, $"tower {lane.Towers}", whole, begun, end);
            foreach (var s in lane.Spans)
            {
                var (from, to) = (begun.AddMilliseconds(s.From), begun.AddMilliseconds(s.To));
                if (to > from) Start(source, Words.Of(s), tower, from, to)?.Dispose(); // an activity of no length counts as one tick, into the next
            }
        }
        foreach (var c in lanes.Crossings)
            Start(source, $"exchange {c.What}", whole, begun.AddMilliseconds(c.Given), begun.AddMilliseconds(c.Arrived), ("alexnet.from", $"tower {c.From}"))?.Dispose();
    }

    public static void Record(ActivitySource source, string name, DateTimeOffset begun, DateTimeOffset end, params ReadOnlySpan<(string Key, object? Value)> tags) =>
        Start(source, name, null, begun, end, tags)?.Dispose();

    /// <summary>Its end is set with its beginning: disposing it only hands it over.</summary>
    static Activity? Start(ActivitySource source, string name, Activity? parent, DateTimeOffset begun, DateTimeOffset end, params ReadOnlySpan<(string Key, object? Value)> tags)
    {
        var activity = source.StartActivity(name, ActivityKind.Internal, parent?.Context ?? default, startTime: begun);
        foreach (var (key, value) in tags) activity?.SetTag(key, value);
        return activity?.SetEndTime(end.UtcDateTime);
    }
}
