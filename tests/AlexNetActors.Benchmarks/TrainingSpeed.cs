using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace AlexNetActors.Benchmarks;

/// <summary>
/// Full training steps side by side with libtorch, alternating in one run: ours is the `alexnet` program itself, with its actors,
/// its loaders and real data from packs; libtorch trains on one batch of noise that lies ready in memory.
/// </summary>
static partial class TrainingSpeed
{
    const int StepsOfOurs = 7, WarmSteps = 2, StepsOfPeer = 4;

    sealed record Contender(string Name, Func<double> ImagesPerSecond);

    /// <param name="args">A data set of 256-pixel records; the built TorchSharp peer, a folder with peer.sh; how often each contender runs; a markdown file for the result.</param>
    public static int Run(string[] args)
    {
        if (args.Length != 4 || !int.TryParse(args[2], out int rounds) || rounds < 1)
        {
            Console.Error.WriteLine("expected: training DATA PEER ROUNDS OUT");
            return 2;
        }
        var (data, peer, output) = (args[0], args[1], args[3]);
        Contender[] contenders =
        [
            new("alexnet train --recipe paper, 1,000 classes, two GPU actors", () => Ours(data)),
            new("libtorch as shipped, float32", () => Peer(peer, "torch nchw f32", [])),
            new("libtorch at its best, float32", () => Peer(peer, "band nhwc f32", BestAllocator)),
            new("libtorch at its best, bfloat16", () => Peer(peer, "band nhwc amp", BestAllocator)),
        ];
        var speeds = contenders.ToDictionary(c => c, _ => new List<double>());
        for (int round = 1; round <= rounds; round++)
            foreach (var contender in contenders)
            {
                double speed = contender.ImagesPerSecond();
                speeds[contender].Add(speed);
                Console.WriteLine($"round {round}: {contender.Name}: {speed:F1} images/s");
            }

        double ours = Median(speeds[contenders[0]]);
        var report = new StringBuilder();
        report.AppendLine("# Training, full network, batch 128, images/s");
        report.AppendLine();
        report.AppendLine($"{Machine()}; {rounds} alternating rounds; the median of {StepsOfOurs - WarmSteps} steps of ours and {StepsOfPeer} of libtorch's a round. Two threads each. Ours reads real pictures from packs.");
        report.AppendLine();
        report.AppendLine("| | median | rounds | ours / this |");
        report.AppendLine("|---|---|---|---|");
        foreach (var (contender, found) in speeds)
            report.AppendLine($"| {contender.Name} | {Median(found):F1} | {string.Join(", ", found.Select(s => s.ToString("F1", CultureInfo.InvariantCulture)))} | {ours / Median(found):F2} |");
        report.AppendLine();
        report.AppendLine($"`dotnet run -c Release --project tests/AlexNetActors.Benchmarks -- training DATA PEER {rounds} OUT`");
        File.WriteAllText(output, report.ToString());
        Console.WriteLine(report);
        return 0;
    }

    static readonly Dictionary<string, string> BestAllocator = new()
    {
        ["THP_MEM_ALLOC_ENABLE"] = "1",
        ["PEER_PRELOAD"] = "/usr/lib/x86_64-linux-gnu/libtcmalloc_minimal.so.4",
    };

    static double Ours(string data)
    {
        string run = Directory.CreateTempSubdirectory("alexnet-speed-").FullName;
        try
        {
            Output(Path.Combine(AppContext.BaseDirectory, "alexnet"), AppContext.BaseDirectory,
                $"train --recipe paper --data {data} --run {Path.Combine(run, "run")} --set network.classes=1000 --steps {StepsOfOurs} --json", []);
            var speeds = File.ReadLines(Path.Combine(run, "run", "metrics.jsonl"))
                .Select(line => JsonDocument.Parse(line).RootElement)
                .Where(e => e.TryGetProperty("imagesPerSecond", out _) && e.TryGetProperty("step", out var step) && step.GetInt64() >= WarmSteps)
                .Select(e => e.GetProperty("imagesPerSecond").GetDouble());
            return Median([.. speeds]);
        }
        finally
        {
            Directory.Delete(run, recursive: true);
        }
    }

    static double Peer(string folder, string options, Dictionary<string, string> environment)
    {
        string text = Output("/bin/sh", folder, $"./peer.sh step 128 {options} {StepsOfPeer}", environment);
        var match = PeerSpeed().Match(text);
        if (!match.Success) throw new InvalidOperationException($"{folder}/peer.sh printed no speed: {text}");
        return double.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture);
    }

    [GeneratedRegex(@"img/s min/med/max [0-9.]+ ([0-9.]+)")]
    private static partial Regex PeerSpeed();

    static string Output(string program, string folder, string arguments, Dictionary<string, string> environment)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true };
        foreach (var (name, value) in environment) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        string text = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0) throw new InvalidOperationException($"{program} {arguments} ended with {process.ExitCode}");
        return text;
    }

    internal static string Machine()
    {
        string model = File.Exists("/proc/cpuinfo") ? File.ReadLines("/proc/cpuinfo").First(l => l.StartsWith("model name", StringComparison.Ordinal)).Split(':')[1].Trim() : "unknown processor";
        return $"{model}, {Environment.ProcessorCount} cores, .NET {Environment.Version}";
    }

    internal static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
