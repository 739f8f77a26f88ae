using System.Diagnostics;
using System.Globalization;
using System.Text;
using AlexNetActors.App;

namespace AlexNetActors.Benchmarks;

/// <summary>
/// How soon the full network trains: seconds from the start of the process, as seen from outside, to the first step begun (both towers
/// have their weights and the batch) and done, and how the first steps compare with the steady ones.
/// </summary>
static class StartUp
{
    const int Steps = 10, FirstSteps = 3; // shown one by one; those after them are the steady ones

    /// <param name="Begun">Seconds to the first step's begin.</param>
    /// <param name="Done">Seconds to its end.</param>
    /// <param name="First">Seconds of each of the first steps.</param>
    /// <param name="Steady">Median of the others.</param>
    sealed record Start(double Begun, double Done, double[] First, double Steady);

    /// <param name="args">A data set of 256-pixel records; how often to start; a markdown file for the result.</param>
    public static int Run(string[] args)
    {
        if (args.Length != 3 || !int.TryParse(args[1], out int rounds) || rounds < 1)
        {
            Console.Error.WriteLine("expected: startup DATA ROUNDS OUT");
            return 2;
        }
        var starts = new List<Start>();
        for (int round = 1; round <= rounds; round++)
        {
            starts.Add(Measure(args[0]));
            Console.WriteLine($"round {round}: {Row(starts[^1])}");
        }
        var report = new StringBuilder();
        report.AppendLine("# From the start of the process to training, full network, batch 128");
        report.AppendLine();
        report.AppendLine($"{Machine.Description}; `alexnet train --recipe paper --set network.classes=1000` on real pictures from packs, two GPU actors; seconds.");
        report.AppendLine($"Steady is the median of steps {FirstSteps + 1} to {Steps}; a step counts from where the towers have its batch.");
        report.AppendLine();
        report.AppendLine($"| round | first step begun | done | {string.Join(" | ", Enumerable.Range(1, FirstSteps).Select(n => $"step {n}"))} | steady | first / steady |");
        report.AppendLine($"|---|---|---|{string.Concat(Enumerable.Repeat("---|", FirstSteps))}---|---|");
        foreach (var (index, start) in starts.Index()) report.AppendLine($"| {index + 1} | {Row(start)} |");
        report.AppendLine($"| median | {Row(Middle(starts))} |");
        report.AppendLine();
        report.AppendLine($"`dotnet run -c Release --project tests/AlexNetActors.Benchmarks -- startup DATA {rounds} OUT`");
        File.WriteAllText(args[2], report.ToString());
        Console.WriteLine(report);
        return 0;
    }

    static Start Measure(string data)
    {
        using var run = new TrainRun(data);
        long begin = Stopwatch.GetTimestamp();
        double? done = null;
        run.Train(Steps, Ours.AsBuilt, sample: _ => done ??= run.Steps().Count == 0 ? null : Stopwatch.GetElapsedTime(begin).TotalSeconds);
        double[] seconds = [.. run.Steps().Select(s => s.Seconds)];
        return new Start(done!.Value - seconds[0], done.Value, seconds[..FirstSteps], Median.Of(seconds[FirstSteps..]));
    }

    static Start Middle(IReadOnlyList<Start> starts)
    {
        double Of(Func<Start, double> value) => Median.Of(starts.Select(value));
        return new Start(Of(s => s.Begun), Of(s => s.Done), [.. Enumerable.Range(0, FirstSteps).Select(n => Of(s => s.First[n]))], Of(s => s.Steady));
    }

    static string Row(Start s) =>
        string.Create(CultureInfo.InvariantCulture, $"{s.Begun:F2} | {s.Done:F2} | {string.Join(" | ", s.First.Select(f => f.ToString("F2", CultureInfo.InvariantCulture)))} | {s.Steady:F2} | {s.First[0] / s.Steady:F2}");
}
