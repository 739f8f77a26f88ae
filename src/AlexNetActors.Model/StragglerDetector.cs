using System.Collections.Immutable;

namespace AlexNetActors.Model;

/// <summary>
/// Notices a tower that computes markedly longer than the other on a device of the same kind, and towers that wait for their batches: the
/// others wait for whoever is slow. By medians over a stretch of steps, so that a pause of one does not count. Pure: each step makes the next state.
/// </summary>
public sealed record StragglerDetector
{
    const int StretchSteps = 50;
    const double SlowerBy = 1.5;       // times the other tower's median
    const double DataShareMax = 0.25;  // of a step, by the median

    ImmutableList<ImmutableArray<Time>> Stretch { get; init; } = [];
    bool SaidSlow { get; init; }
    bool SaidData { get; init; }

    /// <summary>What a step took of one tower's device, milliseconds.</summary>
    /// <param name="Name">Whose: "tower B".</param>
    /// <param name="Compute">Computing.</param>
    /// <param name="Exchange">Waiting for the other tower.</param>
    /// <param name="Data">Waiting for the batch.</param>
    public readonly record struct Time(string Name, double Compute, double Exchange, double Data);

    /// <summary>The stretch that ended with the last step has shown a slow tower: worth saying, once.</summary>
    public Slow? JustSlow { get; private init; }

    /// <summary>It has shown that towers wait for their batches: worth saying, once. The share of a step that they wait.</summary>
    public double? JustWaited { get; private init; }

    /// <summary>A tower and how much longer it computes than the other.</summary>
    /// <param name="Name">As it was given.</param>
    /// <param name="Factor">Median over median.</param>
    public sealed record Slow(string Name, double Factor);

    /// <param name="towers">Of one step, one for each device.</param>
    public StragglerDetector Observe(params ReadOnlySpan<Time> towers)
    {
        var next = this with { Stretch = Stretch.Add([.. towers]), JustSlow = null, JustWaited = null };
        if (next.Stretch.Count < StretchSteps) return next;
        var (slow, waited) = (next.SlowTower(), next.DataShare());
        return next with
        {
            Stretch = [],
            SaidSlow = slow is not null,
            SaidData = waited is not null,
            JustSlow = SaidSlow ? null : slow,
            JustWaited = SaidData ? null : waited,
        };
    }

    /// <summary>What to tell the user.</summary>
    /// <param name="slow">What was seen.</param>
    public static string Advice(Slow slow) => FormattableString.Invariant(
        $"{slow.Name} has computed {slow.Factor:0.0} times as long as the other tower for {StretchSteps} steps, on a device of the same kind: both go at its speed; see what else runs there and how warm it is, or give the tower to another node");

    /// <inheritdoc cref="Advice(Slow)"/>
    /// <param name="dataShare">What was seen.</param>
    /// <param name="loaders">Who brings the batches.</param>
    public static string Advice(double dataShare, string loaders) => FormattableString.Invariant(
        $"the towers have waited for their batches {100 * dataShare:0} % of the time for {StretchSteps} steps ({loaders}): start another node with the role loader, or more loaders a node (--set alexnet.loaders=N)");

    Slow? SlowTower()
    {
        if (Stretch.Any(s => s.Length != 2)) return null; // one device holds both
        double[] medians = [Median(s => s[0].Compute), Median(s => s[1].Compute)];
        int slow = medians[0] > medians[1] ? 0 : 1;
        double factor = medians[slow] / medians[1 - slow];
        return factor >= SlowerBy ? new Slow(Stretch[^1][slow].Name, factor) : null;
    }

    double? DataShare()
    {
        double share = Median(s => s.Max(t => t.Data / Math.Max(double.Epsilon, t.Compute + t.Exchange + t.Data)));
        return share >= DataShareMax ? share : null;
    }

    double Median(Func<ImmutableArray<Time>, double> of) => Stretch.Select(of).Order().ElementAt(StretchSteps / 2);
}
