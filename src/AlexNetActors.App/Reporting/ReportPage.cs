using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using AlexNetActors.Actors;
using AlexNetActors.Model;

namespace AlexNetActors.App;

/// <summary>A run as one HTML file that needs nothing else: what it came to, its curves, conv1's kernels, what it survived, what it was made from. What is not known is not there.</summary>
static class ReportPage
{
    const int RowsMax = 200; // of what happened; the first ones and the last ones

    /// <summary>At the end of a run, however it ended: no reason for it to fail.</summary>
    public static void WriteAtEnd(RunFolder folder, Action<string> report)
    {
        try
        {
            if (folder.HoldsRun) Write(folder);
        }
        catch (Exception e) // whatever it is: the run has come to its end, and this is only about it
        {
            report($"no report of the run: {Hocon.OneLine(e.Message)}");
        }
    }

    /// <exception cref="RunException">A file of the run is damaged, or the report cannot be written.</exception>
    public static void Write(RunFolder folder) => folder.WriteReport(Html(RunStory.Read(folder)));

    static string Html(RunStory run)
    {
        string title = $"{run.Manifest.Recipe}: {Path.GetFileName(Path.GetFullPath(run.Folder))}";
        return $"""
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8"/>
            <meta name="viewport" content="width=device-width, initial-scale=1"/>
            <title>{Text(title)}</title>
            <style>{Style}</style>
            </head>
            <body>
            <h1>{Text(title)}</h1>
            <dl class="figures">{Figures(run)}</dl>
            <main>
            {Charts(run)}{Kernels(run)}{Recoveries(run)}{Validations(run)}{Happened(run)}{Openings(run)}{Digests(run)}
            <section class="card wide"><h2>Recipe</h2><pre>{Text(run.Recipe)}</pre></section>
            </main>
            </body>
            </html>

            """;
    }

    static string Figures(RunStory run)
    {
        var page = new StringBuilder();
        void Figure(string name, string? value, string more = "")
        {
            if (value is not null) page.Append($"<div><dt>{name}</dt><dd>{Text(value)}</dd><small>{Text(more)}</small></div>");
        }
        Figure("steps", run.Steps > 0 ? Words.Count(run.Steps) : null, $"of {Words.Count(run.Manifest.StepsMax)}{(run.Summary is null ? ", not at its end" : "")}");
        if (run.Curves.Validations is [.., var last])
        {
            Figure("validation loss", Words.Loss(last.Score.Loss), $"after step {Words.Count(last.Steps)}");
            Figure("top-1 error", Words.Percent(last.Score.Top1Error), run.Best is { } best ? $"best {Words.Percent(best.Score.Top1Error)} after step {Words.Count(best.Steps)}" : "");
            Figure("top-5 error", Words.Percent(last.Score.Top5Error));
        }
        Figure("speed", Number(run.Summary, "imagesPerSecond") is { } speed ? Words.Speed(speed) : null, "while training, of the last process");
        Figure("memory", Number(run.Summary, "peakResidentBytes") is { } bytes and > 0 ? Words.Bytes(bytes) : null, "resident at most");
        if (run.Events.Count > 0) Figure("recoveries", $"{run.Recoveries.Count()}", $"{run.Openings.Count()} process{(run.Openings.Count() == 1 ? "" : "es")} trained");
        return page.ToString();
    }

    static double? Number(JsonObject? summary, string key) => summary?[key] is JsonValue value && value.TryGetValue(out double number) ? number : null;

    static string Charts(RunStory run)
    {
        var (points, validations) = (run.Curves.Points, run.Curves.Validations);
        CurveChart.Curve Training(string name, Func<CurvePoint, double> of, string style = "training") => new(name, style, [.. points.Select(p => (p.Step, of(p)))]);
        CurveChart.Curve Validation(string name, Func<Score, double> of, string style = "validation") => new(name, style, [.. validations.Select(v => (v.Steps, of(v.Score)))]);
        long end = points.IsEmpty ? 0 : points[^1].Step;
        var rates = run.Curves.Rates.Select(r => (r.Steps, (double)r.Rate));
        return CurveChart.Draw("Loss", "in nats; of training smoothed over about 20 steps", Training("training", p => p.Loss), Validation("validation", s => s.Loss))
            + CurveChart.Draw("Error", "in %, top 1; dashed top 5", Training("training", p => 100 * p.Top1), Validation("validation", s => 100 * s.Top1Error), Training("training, top 5", p => 100 * p.Top5, "training five"), Validation("validation, top 5", s => 100 * s.Top5Error, "validation five"))
            + CurveChart.Draw("Speed", "images/s", Training("training", p => p.Seconds > 0 ? p.Score.Images / p.Seconds : double.NaN))
            + CurveChart.Draw("Learning rate", "", new CurveChart.Curve("learning rate", "rate", [.. rates, .. rates.TakeLast(1).Select(r => (end, r.Item2))], Stairs: true));
    }

    static string Kernels(RunStory run) => run.Kernels is not { } kernels ? "" :
        $"<section class=\"card wide\"><h2>{Text(run.Network.Layers[0].Name)}'s kernels after step {Words.Count(kernels.Step)}</h2><div class=\"kernels\">"
        + string.Concat(kernels.Towers.Select(t =>
        {
            var sheet = KernelSheet.Of(t, kernels.Size);
            return $"<figure><img alt=\"{t.Count} kernels of tower {t.Tower}\" width=\"{sheet.Width}\" height=\"{sheet.Height}\" src=\"data:image/png;base64,{Convert.ToBase64String(sheet.Png)}\"/><figcaption>tower {t.Tower}: {t.Count} of {kernels.Size} x {kernels.Size}</figcaption></figure>";
        })) + "</div></section>\n";

    static string Recoveries(RunStory run) => Table("Recoveries", ["when", "why", "went back to step", "first new step after"],
        run.Recoveries.Select(r => new[] { Time(r.At), r.Why, r.BackTo is { } step ? Words.Count(step) : "", r.Seconds is { } seconds ? Words.Seconds(seconds) : "" }));

    static string Validations(RunStory run)
    {
        ValidationCompleted[] shown = [.. run.Curves.Validations.Append(run.Best).OfType<ValidationCompleted>().DistinctBy(v => v.Steps).OrderBy(v => v.Steps)];
        string title = shown.Length == run.Validations ? "Validations" : $"Validations: {Words.Count(shown.Length)} of {Words.Count(run.Validations)}, all are in metrics.jsonl";
        return Table(title, ["step", "epoch", "loss", "top-1 error", "top-5 error", ""],
            shown.Select(v => new[] { Words.Count(v.Steps), Words.Count(v.Epochs), Words.Loss(v.Score.Loss), Words.Percent(v.Score.Top1Error), Words.Percent(v.Score.Top5Error), v.Best ? "the best so far" : "" }));
    }

    static string Happened(RunStory run)
    {
        string[][] rows = [.. run.Events.Where(e => (string?)e["event"] is not ("step" or "validation" or "opened")).Select(e => new[] { Time(RunStory.TimeOf(e)), (string)e["event"]!, About(e) })];
        return Table("What happened", ["when", "what", ""], rows.Length <= RowsMax ? rows : [.. rows.Take(RowsMax / 2), ["", "", $"{rows.Length - RowsMax} more, in events.jsonl"], .. rows.TakeLast(RowsMax / 2)]);
    }

    static string About(JsonObject e) => string.Join("; ", e.Where(p => p.Key is not ("event" or "time") && p.Value is not null)
        .Select(p => $"{p.Key} {(p.Value is JsonArray list ? string.Join(", ", list.Select(v => $"{v}")) : $"{p.Value}")}"));

    static string Openings(RunStory run) => Table("Trained by", ["since", "command", "version", "machine"],
        run.Openings.Select(e => new[] { Time(RunStory.TimeOf(e)), $"{e["command"]}", $"{e["version"]}", $"{e["machine"]}" }));

    static string Digests(RunStory run)
    {
        var rows = new List<string[]>();
        if (run.Checkpoint is { } c) rows.Add([$"weights after step {Words.Count(c.Steps)}", c.WeightsSha256]);
        rows.Add(["recipe", run.Manifest.RecipeDigest]);
        rows.Add([$"data set {run.Manifest.Data}, {Words.Count(run.Manifest.Records)} training records, {Words.Count(run.Manifest.Classes.Length)} classes", run.Manifest.DataDigest]);
        rows.Add(["mean image", run.Manifest.MeanSha256]);
        rows.Add(["kind of device: its bits", run.Manifest.DeviceKind]);
        return Table("Digests", ["of", "SHA-256"], rows);
    }

    /// <returns>Nothing where there are no rows.</returns>
    static string Table(string title, string[] columns, IEnumerable<string[]> rows)
    {
        string body = string.Concat(rows.Select(r => $"<tr>{string.Concat(r.Select(c => $"<td>{Text(c)}</td>"))}</tr>\n"));
        return body == "" ? "" : $"<section class=\"card wide\"><h2>{Text(title)}</h2><div class=\"scroll\"><table><thead><tr>{string.Concat(columns.Select(c => $"<th>{Text(c)}</th>"))}</tr></thead><tbody>\n{body}</tbody></table></div></section>\n";
    }

    static string Time(DateTime at) => at.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    static string Text(string text) => WebUtility.HtmlEncode(text);

    const string Style = """
        :root { color-scheme: light dark; --ground: #f4f4f1; --card: #fff; --ink: #1d2126; --muted: #5c656f; --line: #dcdcd6; --grid: #e9e9e4; --training: #2b6cb0; --validation: #c05621; --rate: #8a6d1a }
        @media (prefers-color-scheme: dark) { :root { --ground: #14171a; --card: #1d2125; --ink: #e6e8ea; --muted: #9aa4ae; --line: #343a40; --grid: #2a2f34; --training: #63a4e8; --validation: #f0955a; --rate: #d9b64a } }
        * { box-sizing: border-box }
        body { margin: 0 auto; max-width: 1280px; padding: 16px; background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, sans-serif }
        h1 { margin: 0 0 12px; font-size: 20px; overflow-wrap: anywhere }
        h2 { margin: 0 0 8px; font-size: 15px }
        main { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); gap: 12px }
        .card { margin: 0; padding: 12px 16px; background: var(--card); border: 1px solid var(--line); border-radius: 8px; min-width: 0; break-inside: avoid }
        .wide { grid-column: 1 / -1 }
        .figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(132px, 1fr)); gap: 8px; margin: 0 0 12px }
        .figures div { padding: 8px 12px; background: var(--card); border: 1px solid var(--line); border-radius: 8px }
        dt, small, figcaption { color: var(--muted); font-size: 12px }
        dd { margin: 0; font-size: 19px; font-variant-numeric: tabular-nums }
        svg { display: block; width: 100%; height: auto }
        svg text { fill: var(--muted); font-size: 11px }
        svg path { fill: none; stroke: currentColor; stroke-width: 1.5 }
        .grid { stroke: var(--grid) }
        .training { color: var(--training) } .validation { color: var(--validation) } .rate { color: var(--rate) }
        .five { stroke-dasharray: 4 3 }
        figcaption span { margin-right: 8px; font-weight: bold }
        .kernels { display: flex; flex-wrap: wrap; gap: 16px }
        .kernels figure { margin: 0; min-width: 0 }
        .kernels img { max-width: 100%; height: auto; image-rendering: pixelated }
        .scroll { max-height: 420px; overflow: auto }
        table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums }
        th, td { padding: 2px 12px 2px 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; overflow-wrap: break-word }
        td:first-child { white-space: nowrap }
        pre { margin: 0; overflow-x: auto; font-size: 12px }
        @media print { .scroll { max-height: none } }
        """;
}
