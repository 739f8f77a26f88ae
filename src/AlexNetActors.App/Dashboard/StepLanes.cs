using System.Collections.Immutable;
using AlexNetActors.Actors;

namespace AlexNetActors.App;

/// <summary>What a tower's device does for a while: waits for a command, waits for its batch, computes, waits for the other tower.</summary>
enum SpanKind : byte { Command, Data, Compute, Exchange }

/// <summary>A stretch of a step, milliseconds from the step's beginning.</summary>
/// <param name="Kind">What is done.</param>
/// <param name="What">The exchange that is waited for; else empty.</param>
/// <param name="From">Where it begins.</param>
/// <param name="To">Where it ends, and the next begins.</param>
readonly record struct LaneSpan(SpanKind Kind, string What, double From, double To);

/// <summary>A device's time in a step, without gaps and without overlaps.</summary>
sealed record Lane(string Towers, ImmutableArray<LaneSpan> Spans);

/// <summary>A portion on its way from one tower to the other.</summary>
/// <param name="What">"conv3 forward".</param>
/// <param name="From">The tower that gave it.</param>
/// <param name="Given">When, milliseconds from the step's beginning.</param>
/// <param name="Arrived">When the other had it.</param>
readonly record struct Crossing(string What, string From, double Given, double Arrived);

/// <summary>
/// Where the time of one step went. Each tower reads its own clock: what is measured is how long it waited for its batch, how long its pass took, and when
/// its exchanges happened since the pass began. Two clocks are laid side by side by the exchanges themselves, as if the fastest portion took as long one
/// way as the other. What is left of the step, from the end of the one before it to its own, is the time between the last answer and the next command.
/// A step whose predecessor was heard of late seems shorter than its passes: it is as long as they are, and no lane reaches into the next step.
/// </summary>
/// <param name="Step">Steps done after it.</param>
/// <param name="Ms">From the end of the step before it, as the coordinator's process hears it, or from the beginning of its first pass.</param>
/// <param name="Lanes">By tower.</param>
/// <param name="Crossings">By when they were given.</param>
sealed record StepLanes(long Step, double Ms, ImmutableArray<Lane> Lanes, ImmutableArray<Crossing> Crossings)
{
    /// <param name="step">What the towers said.</param>
    /// <param name="ms">How long it took.</param>
    /// <param name="place">Name of the segment, or the loss, before which an exchange happens.</param>
    public static StepLanes Of(StepCompleted step, double ms, Func<int, string> place) => Of(step.Step + 1, step.Towers, ms, place);

    /// <param name="steps">Steps done after it.</param>
    /// <param name="towers">What it took of them.</param>
    /// <param name="ms">How long it took.</param>
    /// <param name="place">Name of the segment, or the loss, before which an exchange happens.</param>
    public static StepLanes Of(long steps, TowerTime[] towers, double ms, Func<int, string> place)
    {
        (ms, double[] begun) = Beginnings(towers, ms);
        return new StepLanes(steps, ms,
            [.. towers.Select((t, i) => new Lane(t.Towers, Spans(t, begun[i], ms, place)))],
            [.. towers.SelectMany((t, i) => Given(towers, begun, i, place)).OrderBy(c => c.Given)]);
    }

    static double PassMs(TowerTime t) => t.ComputeMs + t.ExchangeMs;

    /// <summary>How long the step took, and when each pass began: the one that ended last ended the step.</summary>
    static (double Ms, double[] Begun) Beginnings(TowerTime[] towers, double ms)
    {
        double[] begun = [.. towers.Select(_ => 0.0)];
        if (towers is [var a, var b]) begun[1] = Later(a, b);
        double end = towers.Select((t, i) => begun[i] + PassMs(t)).Max();
        ms = Math.Max(ms, end - begun.Min());
        return (ms, [.. towers.Select((t, i) => Math.Max(Math.Min(t.DataMs, ms - PassMs(t)), begun[i] + ms - end))]);
    }

    /// <summary>By how much the second one's pass began after the first one's.</summary>
    static double Later(TowerTime first, TowerTime second)
    {
        var pairs = first.Exchanges.Join(second.Exchanges, e => (e.Kind, e.Segment), e => (e.Kind, e.Segment), (a, b) => (There: b.ArrivedMs - a.GivenMs, Back: a.ArrivedMs - b.GivenMs)).ToArray();
        return pairs.Length == 0 ? PassMs(first) - PassMs(second) : (pairs.Min(p => p.Back) - pairs.Min(p => p.There)) / 2;
    }

    static ImmutableArray<LaneSpan> Spans(TowerTime t, double begun, double ms, Func<int, string> place)
    {
        var spans = ImmutableArray.CreateBuilder<LaneSpan>();
        double at = 0;
        void Until(double to, SpanKind kind, string what = "")
        {
            if (to <= at) return;
            spans.Add(new LaneSpan(kind, what, at, to));
            at = to;
        }
        Until(begun - t.DataMs, SpanKind.Command);
        Until(begun, SpanKind.Data);
        foreach (var e in t.Exchanges)
        {
            Until(begun + e.AskedMs, SpanKind.Compute);
            Until(begun + e.GotMs, SpanKind.Exchange, Name(e, place));
        }
        Until(begun + PassMs(t), SpanKind.Compute);
        Until(ms, SpanKind.Command);
        return spans.ToImmutable();
    }

    static IEnumerable<Crossing> Given(TowerTime[] towers, double[] begun, int from, Func<int, string> place)
    {
        if (towers.Length != 2) return [];
        int to = 1 - from;
        return towers[from].Exchanges.Join(towers[to].Exchanges, e => (e.Kind, e.Segment), e => (e.Kind, e.Segment),
            (gave, had) => new Crossing(Name(gave, place), towers[from].Towers, begun[from] + gave.GivenMs, begun[to] + had.ArrivedMs));
    }

    static string Name(ExchangeTime e, Func<int, string> place) => $"{place(e.Segment)} {(e.Kind == 0 ? "forward" : "backward")}";
}
