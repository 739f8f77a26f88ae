using System.Globalization;
using System.Text;
using System.Text.Json;
using AlexNetActors.App;

namespace AlexNetActors.Benchmarks;

/// <summary>The exchanges of a step, of medians over its steps: what each cost, and what of it was hidden behind computing.</summary>
static class StepTimeLine
{
    static readonly string[] Moments = ["given", "arrived", "asked", "got"];

    /// <param name="steps">Lines of metrics.jsonl.</param>
    /// <param name="segments">Names of the network's segments.</param>
    /// <param name="batch">Images in a step.</param>
    /// <param name="floats">Floats of one image that a tower gives before a segment.</param>
    public static string Table(IReadOnlyList<JsonElement> steps, IReadOnlyList<string> segments, int batch, Func<int, int> floats)
    {
        var table = new StringBuilder();
        table.AppendLine("| exchange | MB each way | tower A: given, asked, arrived, had at ms | waited | tower B: given, asked, arrived, had at ms | waited |");
        table.AppendLine("|---|---|---|---|---|---|");
        var (a, b) = (Of(steps, 0), Of(steps, 1));
        foreach (string exchange in a.Keys)
        {
            string[] words = exchange.Split(' ');
            int segment = int.Parse(words[1], CultureInfo.InvariantCulture);
            string name = $"{(words[0] == "gather" ? "gather" : "gradient sum")} before {(segment < segments.Count ? segments[segment] : "the loss")}";
            table.AppendLine(string.Create(CultureInfo.InvariantCulture, $"| {name} | {4e-6 * batch * floats(segment):F2} | {Words(a[exchange])} | {Words(b[exchange])} |"));
        }
        return table.ToString();
    }

    /// <summary>Milliseconds that a tower waited in a step, by exchange; medians.</summary>
    public static double Waited(IReadOnlyList<JsonElement> steps, int tower) => Of(steps, tower).Values.Sum(m => m[3] - m[2]);

    static string Words(double[] m) => string.Create(CultureInfo.InvariantCulture, $"{m[0]:F1}, {m[2]:F1}, {m[1]:F1}, {m[3]:F1} | {m[3] - m[2]:F1}");

    /// <summary>By exchange, in the order of the pass: medians of given, arrived, asked, got.</summary>
    static Dictionary<string, double[]> Of(IReadOnlyList<JsonElement> steps, int tower)
    {
        var found = new Dictionary<string, List<double>[]>();
        foreach (var step in steps)
            foreach (var e in step.GetProperty("towers")[tower].GetProperty("exchanges").EnumerateArray())
            {
                string name = e.GetProperty("exchange").GetString()!;
                if (!found.TryGetValue(name, out var lists)) found[name] = lists = [[], [], [], []];
                for (int i = 0; i < 4; i++) lists[i].Add(e.GetProperty(Moments[i]).GetDouble());
            }
        return found.ToDictionary(f => f.Key, f => f.Value.Select(v => Median.Of(v)).ToArray());
    }
}
