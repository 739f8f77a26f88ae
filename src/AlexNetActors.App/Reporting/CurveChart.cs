using System.Globalization;
using System.Net;
using System.Text;

namespace AlexNetActors.App;

/// <summary>Curves over the steps of a run as an SVG picture: no script, so that it prints and opens anywhere.</summary>
static class CurveChart
{
    const int Width = 620, Height = 250, Left = 56, Right = 12, Top = 10, Bottom = 28, Ticks = 5; // pixels, where nothing scales it

    /// <param name="Name">What it is.</param>
    /// <param name="Class">Of the style sheet: its colour.</param>
    /// <param name="Points">Step and value; those that are not finite are left out.</param>
    /// <param name="Stairs">A value holds until the next.</param>
    public sealed record Curve(string Name, string Class, IReadOnlyList<(long Step, double Value)> Points, bool Stairs = false);

    /// <returns>A figure; empty where no curve has two points.</returns>
    public static string Draw(string title, string unit, params IEnumerable<Curve> curves)
    {
        Curve[] drawn = [.. curves.Select(c => c with { Points = [.. c.Points.Where(p => double.IsFinite(p.Value))] }).Where(c => c.Points.Count > 1)];
        if (drawn.Length == 0) return "";
        double from = drawn.Min(c => c.Points[0].Step), to = drawn.Max(c => c.Points[^1].Step), most = drawn.Max(c => c.Points.Max(p => p.Value)), tick = Nice(most / Ticks), top = Math.Max(tick, Math.Ceiling(most / tick) * tick);
        double X(double step) => Left + (Width - Left - Right) * (step - from) / Math.Max(1, to - from);
        double Y(double value) => Height - Bottom - (Height - Top - Bottom) * value / top;
        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture, $"<figure class=\"card\"><h2>{Text(title)}</h2><svg viewBox=\"0 0 {Width} {Height}\" role=\"img\" aria-label=\"{Text(title)} over the steps\">\n");
        for (double v = 0; v <= top * 1.0001; v += tick)
            svg.Append(CultureInfo.InvariantCulture, $"<line class=\"grid\" x1=\"{Left}\" x2=\"{Width - Right}\" y1=\"{Y(v):0.#}\" y2=\"{Y(v):0.#}\"/><text x=\"{Left - 6}\" y=\"{Y(v) + 4:0.#}\" text-anchor=\"end\">{v:0.######}</text>\n");
        double stride = Math.Max(1, Nice((to - from) / Ticks));
        for (double s = Math.Ceiling(from / stride) * stride; s <= to; s += stride)
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{X(s):0.#}\" y=\"{Height - 8}\" text-anchor=\"middle\">{s:N0}</text>\n");
        foreach (var c in drawn)
            svg.Append(CultureInfo.InvariantCulture, $"<path class=\"{c.Class}\" d=\"M{string.Join('L', Corners(c).Select(p => string.Create(CultureInfo.InvariantCulture, $"{X(p.Step):0.#} {Y(p.Value):0.#}")))}\"/>\n");
        svg.Append("</svg><figcaption>");
        foreach (var c in drawn) svg.Append($"<span class=\"{c.Class}\">{Text(c.Name)}</span> ");
        return svg.Append(CultureInfo.InvariantCulture, $"{Text(unit)}</figcaption></figure>\n").ToString();
    }

    static IEnumerable<(long Step, double Value)> Corners(Curve c) => !c.Stairs ? c.Points : c.Points.Take(1).Concat(c.Points.Zip(c.Points.Skip(1)).SelectMany(p => new[] { (p.Second.Step, p.First.Value), p.Second }));

    /// <summary>1, 2 or 5 times a power of ten, at least so large.</summary>
    static double Nice(double least)
    {
        if (!(least > 0)) return 1;
        double power = Math.Pow(10, Math.Floor(Math.Log10(least)));
        return power * new[] { 1, 2, 5, 10 }.First(n => n * power >= least * 0.9999);
    }

    static string Text(string text) => WebUtility.HtmlEncode(text);
}
