using System.Globalization;
using System.Text;
using System.Text.Json;
using AlexNetActors.App;
using AlexNetActors.Model;

namespace AlexNetActors.Benchmarks;

/// <summary>
/// A step of the full network with its towers in one process and in two, on one machine; and where the time of the two goes. Both runs live
/// all the while and take turns of a few steps, since the speed of shared machines drifts within a minute.
/// </summary>
static class ClusterSpeed
{
    /// <summary>Steps of a turn, and those of them that do not count: batches lie prepared that were read in the pause.</summary>
    const int Steps = 8, WarmSteps = 3;

    /// <summary>The runtime still compiles what they need.</summary>
    const int FirstSteps = 15;

    const int FirstPort = 22012;

    /// <param name="args">A data set of 256-pixel records; how many rounds; a markdown file for the result.</param>
    public static int Run(string[] args)
    {
        if (args.Length != 3 || !int.TryParse(args[1], out int rounds) || rounds < 1)
        {
            Console.Error.WriteLine("expected: cluster DATA ROUNDS OUT");
            return 2;
        }
        var (one, two) = (new List<double>(), new List<double>());
        var steps = new List<JsonElement>();
        using var train = new TrainRun(args[0], "--set", "alexnet.threads=1", "--dashboard", "0");
        using var inOne = new TurnRun(train.Start(int.MaxValue), train.Folder);
        inOne.Turn(FirstSteps);
        using var cluster = new ClusterRun(args[0], ($"127.0.0.1:{FirstPort}", $"127.0.0.1:{FirstPort + 1}"), _ => []);
        cluster.Start(int.MaxValue, "--dashboard", "0");
        using var inTwo = new TurnRun(cluster.Logs[0], cluster.Folder);
        inTwo.Turn(FirstSteps);
        for (int round = 1; round <= rounds; round++)
        {
            if (round % 2 == 0) two.Add(Turn(inTwo, steps));
            one.Add(Turn(inOne, []));
            if (round % 2 == 1) two.Add(Turn(inTwo, steps));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"round {round}: one process {one[^1]:F3} s, two {two[^1]:F3} s, {two[^1] / one[^1]:F3}"));
        }
        string report = Report(one, two, steps, rounds);
        File.WriteAllText(args[2], report);
        Console.WriteLine(report);
        return 0;
    }

    /// <returns>Seconds a step.</returns>
    static double Turn(TurnRun run, List<JsonElement> steps)
    {
        JsonElement[] steady = [.. run.Turn(Steps).Skip(WarmSteps - 1)]; // the first is not among them
        steps.AddRange(steady);
        return Median.Of(steady.Select(s => FullNetwork.Batch / s.GetProperty("imagesPerSecond").GetDouble()));
    }

    static string Report(List<double> one, List<double> two, List<JsonElement> steps, int rounds)
    {
        var report = new StringBuilder();
        report.AppendLine("# The towers in one process and in two");
        report.AppendLine();
        report.AppendLine(string.Create(CultureInfo.InvariantCulture, $"{Machine.Description}; full network, batch {FullNetwork.Batch}, real pictures, one compute thread a tower. The two processes are a cluster on loopback: coordinator, loader and tower A in one, tower B in the other. Both runs live all the while and take {rounds} turns of {Steps} steps, of which the first {WarmSteps} do not count; medians."));
        report.AppendLine();
        report.AppendLine("| | s a step | turns | two / one in a round |");
        report.AppendLine("|---|---|---|---|");
        report.AppendLine(Row("one process", one, one));
        report.AppendLine(Row("two processes", two, one));
        report.AppendLine();
        report.AppendLine("The time line of a step in two processes, milliseconds from its beginning, medians. Between given and asked the tower computes: the exchange is hidden. What is waited for is the other tower's computing and the way.");
        report.AppendLine();
        report.Append(FullNetwork.TimeLine(steps));
        report.AppendLine();
        report.AppendLine(string.Create(CultureInfo.InvariantCulture, $"Waited in all: tower A {StepTimeLine.Waited(steps, 0):F1} ms, tower B {StepTimeLine.Waited(steps, 1):F1} ms."));
        report.AppendLine();
        report.AppendLine($"`dotnet run -c Release --project tests/AlexNetActors.Benchmarks -- cluster DATA {rounds} OUT`");
        return report.ToString();
    }

    static string Row(string name, List<double> found, List<double> one)
    {
        double[] ratios = [.. found.Zip(one, (f, o) => f / o)];
        string each = string.Join(", ", found.Select(s => s.ToString("F3", CultureInfo.InvariantCulture)));
        return string.Create(CultureInfo.InvariantCulture, $"| {name} | {Median.Of(found):F3} | {each} | {Median.Of(ratios):F3} ({ratios.Min():F3} to {ratios.Max():F3}) |");
    }
}

/// <summary>Recipe paper with its 1,000 classes.</summary>
static class FullNetwork
{
    static readonly Recipe Recipe = RecipeReader.Read("paper", Settings.None);

    public static int Batch => Recipe.Batch;

    public static Network Network => Recipe.Network;

    /// <summary>What a tower sends in the gathers of a step, in the gradient sums, and what its batch has.</summary>
    public static long GatherBytes => Enumerable.Range(1, Network.Segments.Count).Sum(s => 4L * Batch * Network.ExchangedFeatures(s));

    public static long SumBytes => Enumerable.Range(1, Network.Segments.Count - 1).Sum(s => 4L * Batch * Network.ExchangedFeatures(s));

    public static long BatchBytes => 3L * Batch * Network.InputSize * Network.InputSize;

    public static string TimeLine(IReadOnlyList<JsonElement> steps) => StepTimeLine.Table(steps, [.. Network.Segments.Select(s => s.Name)], Batch, Network.ExchangedFeatures);
}
