using System.Globalization;
using System.Text;
using System.Text.Json;

namespace AlexNetActors.Benchmarks;

/// <summary>The losses of one epoch with direct and with fast convolution, laid over each other, and the validation error after it.</summary>
static class LossCurves
{
    static readonly string[] Devices = ["cpu-direct", "cpu"];

    /// <param name="Losses">Of every step.</param>
    /// <param name="Validation">Loss after the epoch.</param>
    /// <param name="Error">Top-1 error after the epoch.</param>
    sealed record Curve(double[] Losses, double Validation, double Error);

    /// <param name="args">A data set of 256-pixel records; a markdown file for the result.</param>
    public static int Run(string[] args)
    {
        if (args.Length != 2)
        {
            Console.Error.WriteLine("expected: loss-curves DATA OUT");
            return 2;
        }
        Curve[] curves = [.. Devices.Select(device => Train(args[0], device))];
        var (direct, fast) = (curves[0], curves[1]);
        string Text(double value) => value.ToString("F4", CultureInfo.InvariantCulture);
        string Line(Curve curve) => $"    line [{string.Join(", ", curve.Losses.Select(Text))}]";
        var report = new StringBuilder();
        report.AppendLine("# One epoch with direct and with fast convolution");
        report.AppendLine();
        report.AppendLine($"{Machine.Description}; `alexnet train --recipe robust --epochs 1`, {direct.Losses.Length} steps; the same batches, the same dropout.");
        report.AppendLine();
        report.AppendLine("```mermaid");
        report.AppendLine("xychart-beta");
        report.AppendLine("    title \"Training loss, direct and fast\"");
        report.AppendLine($"    x-axis \"step\" 1 --> {direct.Losses.Length}");
        report.AppendLine("    y-axis \"loss\"");
        report.AppendLine(Line(direct));
        report.AppendLine(Line(fast));
        report.AppendLine("```");
        report.AppendLine();
        report.AppendLine("| step | direct | fast | difference |");
        report.AppendLine("|---|---|---|---|");
        foreach (int step in Enumerable.Range(0, direct.Losses.Length).Where(s => s is 0 or 1 or 2 or 3 || s % 5 == 4))
            report.AppendLine(CultureInfo.InvariantCulture, $"| {step + 1} | {Text(direct.Losses[step])} | {Text(fast.Losses[step])} | {fast.Losses[step] - direct.Losses[step]:0.0e0} |");
        report.AppendLine(CultureInfo.InvariantCulture, $"| validation loss | {Text(direct.Validation)} | {Text(fast.Validation)} | {fast.Validation - direct.Validation:0.0e0} |");
        report.AppendLine(CultureInfo.InvariantCulture, $"| validation top-1 error, % | {100 * direct.Error:F1} | {100 * fast.Error:F1} | {100 * (fast.Error - direct.Error):F1} |");
        report.AppendLine();
        report.AppendLine("`dotnet run -c Release --project tests/AlexNetActors.Benchmarks -- loss-curves DATA OUT`");
        File.WriteAllText(args[1], report.ToString());
        Console.WriteLine(report);
        return 0;
    }

    static Curve Train(string data, string device)
    {
        string parent = Directory.CreateTempSubdirectory("alexnet-curves-").FullName, run = Path.Combine(parent, "run");
        try
        {
            Ours.Alexnet(["train", "--recipe", "robust", "--epochs", "1", "--data", data, "--run", run, "--device", $"{device},{device}", "--json"], Ours.AsBuilt);
            var lines = File.ReadLines(Path.Combine(run, "metrics.jsonl")).Select(line => JsonDocument.Parse(line).RootElement).ToList();
            IEnumerable<JsonElement> Of(string kind) => lines.Where(line => line.GetProperty("kind").GetString() == kind);
            var validation = Of("validation").Last();
            return new([.. Of("step").Select(step => step.GetProperty("loss").GetDouble())], validation.GetProperty("loss").GetDouble(), validation.GetProperty("top1").GetDouble());
        }
        finally
        {
            Directory.Delete(parent, recursive: true);
        }
    }
}
