using System.Collections.Immutable;

namespace AlexNetActors.Model;

/// <summary>
/// Notices a run that has become markedly slower than it was: the median speed of a stretch of steps against the median of the stretches before it,
/// so that neither a pause nor a slow start counts. Pure: each step makes the next state.
/// </summary>
public sealed record SpeedDetector
{
    const int StretchSteps = 50, StretchesMin = 3, StretchesMax = 200;
    const double SlowerBy = 1.5;

    ImmutableList<double> Stretch { get; init; } = [];
    ImmutableList<double> Medians { get; init; } = []; // of the stretches before
    bool Said { get; init; }

    /// <summary>The stretch that ended with the last step was slow: worth saying, once.</summary>
    public Slower? JustSlower { get; private init; }

    /// <summary>How fast it is, and how fast it was.</summary>
    public sealed record Slower(double Now, double Before);

    public SpeedDetector Observe(double imagesPerSecond)
    {
        var next = this with { Stretch = Stretch.Add(imagesPerSecond), JustSlower = null };
        if (next.Stretch.Count < StretchSteps) return next;
        double now = Median(next.Stretch);
        var slower = Medians.Count >= StretchesMin && Median(Medians) >= SlowerBy * now ? new Slower(now, Median(Medians)) : null;
        var medians = Medians.Add(now);
        return next with
        {
            Stretch = [],
            Medians = medians.Count > StretchesMax ? medians.RemoveAt(0) : medians,
            Said = slower is not null,
            JustSlower = Said ? null : slower,
        };
    }

    /// <summary>What to tell the user.</summary>
    public static string Advice(Slower s) => FormattableString.Invariant(
        $"the run does {s.Now:0.#} images/s over its last {StretchSteps} steps, where it used to do {s.Before:0.#}: see what else runs on its machines and how warm they are");

    static double Median(ImmutableList<double> values) => values.Order().ElementAt(values.Count / 2);
}
