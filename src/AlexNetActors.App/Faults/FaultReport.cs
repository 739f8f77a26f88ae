using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using AlexNetActors.Actors;
using Spectre.Console;

namespace AlexNetActors.App;

/// <summary>What `alexnet faults` found: as a table, as JSON and as one HTML file that needs nothing else.</summary>
sealed record FaultReport(FaultPlan Plan, IReadOnlyList<FaultRunResult> Runs, string Device, double Seconds)
{
    static readonly string[] Columns = ["run", "fault", "struck", "detected", "trains again", "first new step", "redone", "lost", "repeated", "same bits", "held"];

    public int Held => Runs.Count(r => r.Held);

    IEnumerable<(FaultRunResult Run, FaultOutcome? Fault)> Lines => Runs.SelectMany(r => r.Faults.Select(f => (r, (FaultOutcome?)f)).DefaultIfEmpty((r, null)));

    static string[] Cells(FaultRunResult r, FaultOutcome? f) =>
    [
        r.Name,
        f?.Fault.ToString() ?? "none",
        f is null ? "" : f.Struck is null ? "never" : $"{f.Victims} at step {f.Step}, group {f.Generation}",
        Ms(f?.DetectionMs), Ms(f?.TrainsMs), Ms(f?.RecoveryMs), $"{r.StepsRedone}", $"{r.Lost}", $"{r.Repeated}", r.Digest is null ? "no end" : r.Digest == r.CleanDigest ? "yes" : "NO", r.Held ? "yes" : "NO",
    ];

    FaultGrid? Grid => FaultGrid.Of(Runs.SelectMany(r => r.Faults));

    static string Ms(double? ms) => ms is { } n ? n.ToString("0 ms", CultureInfo.InvariantCulture) : "-";

    /// <summary>Every fault; then, where there are several to compare, the grid of them.</summary>
    public IEnumerable<Table> Tables()
    {
        yield return Table(Columns, Lines.Select(l => Cells(l.Run, l.Fault)));
        if (Grid is { } grid) yield return Table(grid.Columns, grid.Rows).Title(FaultGrid.Title);
    }

    static Table Table(IEnumerable<string> columns, IEnumerable<IEnumerable<string>> rows)
    {
        var table = new Table().Border(TableBorder.Simple);
        foreach (string column in columns) table.AddColumn(new TableColumn(column).NoWrap());
        foreach (var row in rows) table.AddRow([.. row.Select(Markup.Escape)]);
        return table;
    }

    /// <summary>What did not hold, a line each; then the sum.</summary>
    public IEnumerable<string> Words() => Runs.Where(r => !r.Held).Select(r => $"{r.Name}: {r.Complaint}").Concat(Runs.Select(Memory).OfType<string>()).Append(Sum);

    static string? Memory(FaultRunResult r) => r.Memory.Minutes is not { } minutes ? null : string.Create(CultureInfo.InvariantCulture,
        $"{r.Name}: {r.Seconds / 60:0} min, {r.Restarts} processes started again, {r.Coordinators} coordinators; all processes held {minutes.Early / 1e6:0} MB in the second minute, {minutes.Late / 1e6:0} MB in the last, the largest {r.Memory.Largest / 1e6:0} MB");

    string Sum
    {
        get
        {
            double[] Times(Func<FaultOutcome, double?> of) => [.. Runs.SelectMany(r => r.Faults).Select(of).OfType<double>().Order()];
            string Of(double[] times) => times.Length == 0 ? "nothing to measure" : string.Create(CultureInfo.InvariantCulture, $"median {Median.Of(times):0} ms, worst {times[^1]:0} ms");
            return string.Create(CultureInfo.InvariantCulture,
                $"{Held} of {Runs.Count} runs held, in {Seconds:0} s; detected: {Of(Times(f => f.DetectionMs))}; first new step: {Of(Times(f => f.RecoveryMs))}; samples lost {Runs.Sum(r => r.Lost)}, repeated {Runs.Sum(r => r.Repeated)}");
        }
    }

    public JsonObject Json => new()
    {
        ["plan"] = Plan.Name,
        ["held"] = Held == Runs.Count,
        ["seconds"] = Math.Round(Seconds, 1),
        ["runs"] = new JsonArray([.. Runs.Select(r => new JsonObject
        {
            ["name"] = r.Name,
            ["held"] = r.Held,
            ["complaint"] = r.Complaint,
            ["seconds"] = Math.Round(r.Seconds, 1),
            ["weightsSha256"] = r.Digest,
            ["cleanWeightsSha256"] = r.CleanDigest,
            ["samplesLost"] = r.Lost,
            ["samplesRepeated"] = r.Repeated,
            ["stepsRedone"] = r.StepsRedone,
            ["groups"] = r.Generations,
            ["restarts"] = r.Restarts,
            ["coordinators"] = r.Coordinators,
            ["largestProcessBytes"] = r.Memory.Largest,
            ["bytesInSecondMinute"] = r.Memory.Minutes?.Early,
            ["bytesInLastMinute"] = r.Memory.Minutes?.Late,
            ["faults"] = new JsonArray([.. r.Faults.Select(f => new JsonObject
            {
                ["fault"] = f.Fault.ToString(),
                ["struck"] = f.Struck,
                ["step"] = f.Struck is null ? null : f.Step,
                ["generation"] = f.Struck is null ? null : f.Generation,
                ["victims"] = f.Victims,
                ["detectionMs"] = f.DetectionMs,
                ["sign"] = f.Sign,
                ["trainsMs"] = f.TrainsMs,
                ["recoveryMs"] = f.RecoveryMs,
            })]),
        })]),
    };

    public string Html()
    {
        static string E(string text) => WebUtility.HtmlEncode(text);
        static string Row(string cell, IEnumerable<string> cells) => $"<tr>{string.Concat(cells.Select(c => $"<{cell}>{E(c)}</{cell}>"))}</tr>";
        static string HtmlTable(IEnumerable<string> columns, IEnumerable<IEnumerable<string>> rows) => $"<table>{Row("th", columns)}{string.Concat(rows.Select(r => Row("td", r)))}</table>";
        var page = new StringBuilder();
        page.AppendLine($"""
            <!doctype html><html lang="en"><meta charset="utf-8"><title>alexnet faults: {E(Plan.Name)}</title>
            <style>
            body {"{"} font: 14px/1.4 system-ui, sans-serif; margin: 2em; color: #222 {"}"}
            table {"{"} border-collapse: collapse {"}"} td, th {"{"} padding: .2em .7em; border-bottom: 1px solid #ddd; text-align: left; vertical-align: top {"}"}
            .no {"{"} background: #fdd {"}"} code {"{"} font-size: 13px {"}"}
            </style>
            <h1>Faults: {E(Plan.Name)}</h1>
            {string.Concat(Words().Select(w => $"<p>{E(w)}</p>"))}
            <p>Recipe {E(Path.GetFileNameWithoutExtension(Plan.Recipe))}, {Plan.Steps} steps, towers on {E(Device)}; {Plan.Nodes.Count} processes: {E(string.Join("; ", Plan.Nodes.Select(n => $"{n.Name} ({n.Roles}{(n.Towers is { } t ? $", tower {t}" : "")})")))}. A dead process is started again after {E(FaultLanguage.Text(Plan.RestartAfter))}.</p>
            {(Grid is { } grid ? $"<h2>{E(FaultGrid.Title)}</h2>{HtmlTable(grid.Columns, grid.Rows)}<h2>Each fault</h2>" : "")}
            <table><tr>{string.Concat(Columns.Append("sign").Select(c => $"<th>{c}</th>"))}</tr>
            """);
        foreach (var (run, fault) in Lines)
            page.AppendLine($"<tr{(run.Held ? "" : " class=\"no\"")}>{string.Concat(Cells(run, fault).Append(run.Complaint ?? fault?.Sign ?? "").Select(c => $"<td>{E(c)}</td>"))}</tr>");
        page.AppendLine("""
            </table>
            <p>Detected: from the fault to the coordinator's first word that something is wrong, or the first word of the one that takes over. Trains again: to the
            first step done after that. First new step: to the first step that had not been done before. Redone: steps done again after going back. Same bits: the
            SHA-256 of the weights is that of the run without faults, trained by one thread in one process.</p></html>
            """);
        return page.ToString();
    }
}
