using System.Globalization;
using System.Text;

namespace AlexNetActors.App;

/// <summary>
/// The run's numbers in Prometheus' text format 0.0.4. Written by hand: it is a dozen numbers that lie in one state, and the exporter for them is a
/// beta with four packages behind it. What is not known yet has no line.
/// </summary>
static class PrometheusText
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    public static string Of(BoardState? state)
    {
        var text = new StringBuilder();
        if (state is null) return "";
        foreach (var metric in RunMetric.All)
        {
            RunMetric.Value[] values = [.. metric.Read(state)];
            if (values.Length == 0) continue;
            text.Append(CultureInfo.InvariantCulture, $"# HELP {metric.Name} {metric.Help}\n# TYPE {metric.Name} {(metric.Counter ? "counter" : "gauge")}\n");
            foreach (var (number, of) in values)
                text.Append(CultureInfo.InvariantCulture, $"{metric.Name}{(of is { } o ? $"{{{o.Kind}=\"{o.Which}\"}}" : "")} {number:R}\n");
        }
        return text.ToString();
    }
}
