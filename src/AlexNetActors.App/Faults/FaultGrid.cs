using System.Globalization;

namespace AlexNetActors.App;

/// <summary>
/// Seconds from the blow to the first new step, whom it hit from left to right; from top to bottom what it was, or if it was always the same, in which phase.
/// </summary>
/// <param name="Columns">Name of the rows, then the victims.</param>
/// <param name="Rows">Name of a row, then the median for each victim, and the worst in brackets where there are several.</param>
sealed record FaultGrid(IReadOnlyList<string> Columns, IReadOnlyList<IReadOnlyList<string>> Rows)
{
    public const string Title = "seconds to the first new step, median (worst)";

    /// <returns>Null where there is nothing to compare.</returns>
    public static FaultGrid? Of(IEnumerable<FaultOutcome> outcomes)
    {
        var of = outcomes.Where(o => o.Fault.Whom.Names != "").ToList();
        string[] victims = [.. of.Select(o => o.Fault.Whom.Names).Distinct()];
        bool byKind = of.Select(Kind).Distinct().Skip(1).Any();
        Func<FaultOutcome, string> row = byKind ? Kind : o => $"{o.Fault.When.Place}";
        var rows = of.GroupBy(row).Select(r => (string[])[r.Key, .. victims.Select(v => Cell([.. r.Where(o => o.Fault.Whom.Names == v).Select(o => o.RecoveryMs).OfType<double>()]))]).ToList();
        return victims.Length < 2 || rows.Count < 2 ? null : new FaultGrid([byKind ? "fault" : $"{of.Select(Kind).First()} in", .. victims], rows);
    }

    /// <summary>The fault's line without whom and when: "stop for 3s".</summary>
    static string Kind(FaultOutcome o) => $"{o.Fault}".Replace($" {o.Fault.Whom}", "").Replace($" {o.Fault.When}", "");

    static string Cell(double[] ms) => ms.Length switch
    {
        0 => "-",
        1 => Seconds(ms[0]),
        _ => $"{Seconds(Median.Of(ms))} ({Seconds(ms.Max())})",
    };

    static string Seconds(double ms) => (ms / 1000).ToString("0.0", CultureInfo.InvariantCulture);
}
