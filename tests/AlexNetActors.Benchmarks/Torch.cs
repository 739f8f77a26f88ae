using System.Globalization;
using System.Text.RegularExpressions;

namespace AlexNetActors.Benchmarks;

/// <summary>The same network on libtorch (TorchSharp): a built program beside this repository, started by its peer.sh, on one batch of noise that lies ready in memory.</summary>
static partial class Torch
{
    public const string AsShipped = "torch nchw f32", Best = "band nhwc f32", BestInHalfPrecision = "band nhwc amp";

    public static readonly IReadOnlyDictionary<string, string> Plain = new Dictionary<string, string>();

    /// <summary>A caching allocator on huge pages: without it a third of the time goes to page faults.</summary>
    public static readonly IReadOnlyDictionary<string, string> BestAllocator = new Dictionary<string, string>
    {
        ["THP_MEM_ALLOC_ENABLE"] = "1",
        ["PEER_PRELOAD"] = "/usr/lib/x86_64-linux-gnu/libtcmalloc_minimal.so.4",
    };

    /// <summary>Its own kernels' switch and oneDNN's.</summary>
    public static readonly IReadOnlyDictionary<string, string> Avx2 = new Dictionary<string, string>
    {
        ["ATEN_CPU_CAPABILITY"] = "avx2",
        ["ONEDNN_MAX_CPU_ISA"] = "AVX2",
    };

    public static readonly IReadOnlyDictionary<string, string> BestAllocatorAvx2 = BestAllocator.Concat(Avx2).ToDictionary();

    public const int Steps = 4, Inferences = 7;

    /// <summary>Images a second in training.</summary>
    public static Sample Train(string folder, string options, IReadOnlyDictionary<string, string> environment) => Run(folder, $"step 128 {options} {Steps}", environment);

    /// <summary>Images a second forward only.</summary>
    public static Sample Infer(string folder, string options, IReadOnlyDictionary<string, string> environment) => Run(folder, $"infer 128 {options} {Inferences}", environment);

    static Sample Run(string folder, string arguments, IReadOnlyDictionary<string, string> environment)
    {
        var process = MeasuredProcess.Run("/bin/sh", folder, ["./peer.sh", .. arguments.Split(' ')], environment);
        var match = MedianSpeed().Match(process.Output);
        if (!match.Success) throw new InvalidOperationException($"{folder}/peer.sh printed no speed: {process.Output}");
        return new Sample(double.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture), process.PeakMebibytes);
    }

    [GeneratedRegex(@"img/s min/med/max [0-9.]+ ([0-9.]+)")]
    private static partial Regex MedianSpeed();
}
