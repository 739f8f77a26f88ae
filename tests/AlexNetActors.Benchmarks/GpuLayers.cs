using System.Globalization;
using System.Text.Json;
using AlexNetActors.Compute;
using AlexNetActors.Compute.Gpu;
using ILGPU.Runtime;

namespace AlexNetActors.Benchmarks;

/// <summary>
/// Every layer and pass of a tower on a GPU (`alexnet bench`) against the ceilings of that GPU, measured by PyTorch in the same run: a matrix
/// product and a copy. A pass takes at least the longer of its arithmetic at the one and its bytes at the other; the one that loses most time
/// to that is the next to make faster. Arithmetic is counted tap by tap: fast convolution can be above the ceiling.
/// </summary>
static class GpuLayers
{
    const int Shown = 6;
    static readonly TimeSpan CeilingsMax = TimeSpan.FromSeconds(40);

    /// <param name="Product">Floating point operations a second.</param>
    /// <param name="Copy">Bytes a second, those read and those written.</param>
    sealed record Ceilings(double Product, double Copy);

    sealed record LayerPass(string Name, double Ms, double Flop, double Bytes)
    {
        public double MsAtLeast(Ceilings c) => 1e3 * Math.Max(Flop / c.Product, Bytes / c.Copy);
        public double MsLost(Ceilings c) => Ms - MsAtLeast(c);
        public double Rate => Flop / Ms * 1e3;
        public double ByteRate => Bytes / Ms * 1e3;
    }

    /// <param name="args">A device; a file for the rows of the result; torch_alexnet.py and the network as gpu-network writes it, where there is PyTorch.</param>
    public static int Run(string[] args)
    {
        if (args.Length is not (2 or 4)) return GpuWorkload.Refuse("gpu-layers DEVICE OUT [TORCH_SCRIPT NETWORK]");
        var (device, output, work) = (args[0], args[1], GpuWorkload.Asked);
        var rows = new List<CheckRow>();
        var ceilings = args.Length == 4 ? Measure(args[2], args[3], device, work, rows) : [];
        CheckTable.Write(output, rows);
        foreach (var options in new GpuOptions[] { new(), new(ComputePrecision.Tf32), new(Blas: BlasChoice.Own), new(Blas: BlasChoice.Own, Convolution: ConvolutionMethod.Direct) })
        {
            string part = $"layers, {GpuWorkload.Words(options)}, batch {work.Runs[0].Batch}";
            try
            {
                _ = DeviceCatalog.Find(device, options); // says why not in a line
                rows.AddRange(Rows(part, Profile(device, work, options), ceilings.GetValueOrDefault(options.Precision)));
            }
            catch (Exception e) when (e is DeviceException or AcceleratorException or ArgumentException or InvalidOperationException)
            {
                rows.Add(new(part, "a tower's step", "", CheckRow.Why(e)));
            }
            CheckTable.Write(output, rows);
        }
        return 0;
    }

    static Dictionary<ComputePrecision, Ceilings> Measure(string script, string network, string device, GpuWorkload work, List<CheckRow> rows)
    {
        var found = new Dictionary<ComputePrecision, Ceilings>();
        try
        {
            using var torch = new PyTorch(script, network, device);
            var answer = torch.Ask($"ceilings {work.ProductSize} {work.CopyMegabytes}", CeilingsMax);
            double copy = answer.GetProperty("copy").GetDouble();
            rows.Add(new("ceilings", $"copy of {work.CopyMegabytes} MB", Text($"{copy / 1e9:F0} GB/s"), "PyTorch, read and written bytes both count"));
            foreach (var precision in Enum.GetValues<ComputePrecision>())
            {
                if (answer.GetProperty(GpuWorkload.Word(precision)) is not { ValueKind: JsonValueKind.Number } product) continue;
                found[precision] = new(product.GetDouble(), copy);
                rows.Add(new("ceilings", $"matrix product {work.ProductSize}^3, {GpuWorkload.Word(precision)}", Text($"{product.GetDouble() / 1e12:F2} TFLOP/s"), "PyTorch, which is cuBLAS on a CUDA device"));
            }
        }
        catch (PyTorchException e)
        {
            rows.Add(new("ceilings", "", "", $"not measured: {e.Message}"));
        }
        return found;
    }

    static IReadOnlyList<LayerPass> Profile(string device, GpuWorkload work, GpuOptions options)
    {
        string[] arguments = ["bench", "--recipe", work.RecipeName, "--set", $"network.classes={work.Classes}", .. GpuWorkload.Settings(options).SelectMany(s => new[] { "--set", s }), "--device", device, "--batch", $"{work.Runs[0].Batch}", "--repetitions", $"{work.Repetitions}", "--json"];
        return [.. Ours.Json(Ours.Alexnet(arguments, Ours.AsBuilt)).GetProperty("passes").EnumerateArray().Select(p => new LayerPass(
            $"{p.GetProperty("layer").GetString()} {p.GetProperty("pass").GetString()}",
            p.GetProperty("devices")[0].GetProperty("ms").GetDouble(), 1e9 * p.GetProperty("gflop").GetDouble(), 1e6 * p.GetProperty("megabytes").GetDouble()))];
    }

    /// <summary>The whole table goes to standard output, the passes that matter to the check's.</summary>
    static IEnumerable<CheckRow> Rows(string part, IReadOnlyList<LayerPass> passes, Ceilings? ceilings)
    {
        Console.WriteLine();
        Console.WriteLine($"{part}: one tower, `alexnet bench`");
        Console.WriteLine();
        Console.WriteLine("| pass | ms | GFLOP/s | of the product's | GB/s | of the copy's | ms above its roofline |");
        Console.WriteLine("|---|---|---|---|---|---|---|");
        foreach (var p in passes)
            Console.WriteLine(Text($"| {p.Name} | {p.Ms:F3} | {(p.Flop > 0 ? p.Rate / 1e9 : null):F0} | {(p.Flop > 0 ? p.Rate / ceilings?.Product : null):P0} | {p.ByteRate / 1e9:F0} | {p.ByteRate / ceilings?.Copy:P0} | {(ceilings is null ? null : p.MsLost(ceilings)):F3} |"));

        double all = passes.Sum(p => p.Ms);
        yield return new(part, "a tower's step, the sum of its passes", Text($"{all:F2} ms"), ceilings is null ? "" : Text($"at the ceilings {passes.Sum(p => p.MsAtLeast(ceilings)):F2} ms; `alexnet bench`"));
        if (ceilings is null)
        {
            foreach (var p in passes.OrderByDescending(p => p.Ms).Take(Shown)) yield return new(part, p.Name, Text($"{p.Ms:F3} ms"), Text($"{p.Ms / all:P0} of the step"));
            yield break;
        }
        foreach (var (place, p) in passes.OrderByDescending(p => p.MsLost(ceilings)).Take(Shown).Index())
            yield return new(part, place == 0 ? $"**next to make faster: {p.Name}**" : p.Name, Text($"{p.Ms:F3} ms"),
                Text($"{p.MsLost(ceilings):F3} ms above its roofline; {p.Rate / 1e9:F0} GFLOP/s, {p.Rate / ceilings.Product:P0} of the product's; {p.ByteRate / 1e9:F0} GB/s, {p.ByteRate / ceilings.Copy:P0} of the copy's"));
    }

    static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
