using System.Collections.Immutable;
using AlexNetActors.Actors;
using AlexNetActors.Model;

namespace AlexNetActors.App;

/// <summary>
/// The curves of a run, bounded in memory: when there are as many points as there may be, each two neighbours become one, and from then on a
/// point covers twice as many steps. Pure: each event makes the next state.
/// </summary>
sealed record Curves
{
    public const int PointsMax = 1024, ValidationsMax = 512, RatesMax = 64;
    const double Newest = 0.05; // weight of a step in the smoothed training curves: a mean over about 20 steps

    public ImmutableList<CurvePoint> Points { get; private init; } = [];
    public ImmutableList<ValidationCompleted> Validations { get; private init; } = [];

    /// <summary>Where the learning rate changed: steps done before it, and the rate from there on.</summary>
    public ImmutableList<(long Steps, float Rate)> Rates { get; private init; } = [];

    /// <summary>Steps that a point covers.</summary>
    public int Stride { get; private init; } = 1;

    /// <summary>Changes when points that somebody has seen are not there any more.</summary>
    public int Version { get; private init; }

    CurvePoint? Open { get; init; } // the last steps, until they are a point
    int OpenSteps { get; init; }

    /// <param name="steps">Steps done after this one.</param>
    /// <param name="rate">Its learning rate.</param>
    /// <param name="score">Of its batch.</param>
    /// <param name="seconds">What it took.</param>
    public Curves After(long steps, float rate, Score score, double seconds)
    {
        var last = Open ?? (Points.IsEmpty ? null : Points[^1]);
        var point = new CurvePoint(steps, (Open?.Score ?? default) + score, (Open?.Seconds ?? 0) + seconds,
            Smooth(last?.Loss, score.Loss), Smooth(last?.Top1, score.Top1Error), Smooth(last?.Top5, score.Top5Error));
        var next = WithRate(steps - 1, rate);
        if (OpenSteps + 1 < Stride) return next with { Open = point, OpenSteps = OpenSteps + 1 };
        next = next with { Points = Points.Add(point), Open = null, OpenSteps = 0 };
        return next.Points.Count < PointsMax ? next : next.Halved();
    }

    public Curves After(ValidationCompleted validation)
    {
        var next = this with { Validations = Validations.Add(validation) };
        return next.Validations.Count < ValidationsMax ? next : next with { Validations = [.. next.Validations.Where((_, i) => i % 2 == 1)] };
    }

    /// <summary>The run goes on from here: what was measured behind it is done again.</summary>
    public Curves BackTo(RunStarted start) => this with
    {
        Points = Points.RemoveAll(p => p.Step > start.Steps),
        Validations = Validations.RemoveAll(v => v.Steps > start.ValidatedSteps),
        Rates = Rates.RemoveAll(r => r.Steps > start.Steps),
        Open = null,
        OpenSteps = 0,
        Version = Version + 1,
    };

    Curves WithRate(long steps, float rate)
    {
        if (!Rates.IsEmpty && Rates[^1].Rate == rate) return this;
        var rates = Rates.Add((steps, rate));
        return this with { Rates = rates.Count > RatesMax ? rates.RemoveAt(0) : rates };
    }

    Curves Halved() => this with
    {
        Points = [.. Points.Chunk(2).Select(pair => pair[^1] with { Score = pair[0].Score + pair[^1].Score, Seconds = pair[0].Seconds + pair[^1].Seconds })],
        Stride = 2 * Stride,
        Version = Version + 1,
    };

    static double Smooth(double? before, double now) => before is { } b ? b + Newest * (now - b) : now;
}

/// <summary>A stretch of steps.</summary>
/// <param name="Step">Steps done at its end.</param>
/// <param name="Score">Of its batches.</param>
/// <param name="Seconds">What it took.</param>
/// <param name="Loss">Smoothed training loss at its end.</param>
/// <param name="Top1">Smoothed training error.</param>
/// <param name="Top5">Smoothed training error among five guesses.</param>
sealed record CurvePoint(long Step, Score Score, double Seconds, double Loss, double Top1, double Top5);
