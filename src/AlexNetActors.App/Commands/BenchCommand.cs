using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using AlexNetActors.Compute;
using AlexNetActors.Model;
using Spectre.Console;

namespace AlexNetActors.App;

/// <summary>
/// alexnet bench: milliseconds of every layer and pass of one tower, held against the processor's peak and its memory, which are measured
/// in the same run; of two devices side by side with what the second gains. A GPU's ceilings are not known here.
/// </summary>
static class BenchCommand
{
    const string DefaultRecipe = "paper";
    const int DevicesMax = 2;

    public static Command Define()
    {
        var recipe = Options.Recipe(DefaultRecipe);
        var device = new Option<string?>("--device") { Description = "Device, or two to compare: see `alexnet devices`.", HelpName = "D[,D]", CompletionSources = { Options.DeviceNames } };
        var threads = new Option<int?>("--threads") { Description = "Threads of the device; as many as a tower has beside another when not given.", HelpName = "N" };
        var batch = new Option<int?>("--batch") { Description = "Images of the batch; the recipe's when not given.", HelpName = "N" };
        var repetitions = new Option<int>("--repetitions") { Description = "Repetitions of each pass; the median is shown.", HelpName = "N", DefaultValueFactory = _ => 5 };
        var layer = new Option<string>("--layer") { Description = "Only layers whose names start so.", HelpName = "PREFIX", DefaultValueFactory = _ => "" };
        var set = Options.Set();
        var json = Options.Json();
        var command = new Command("bench", "Measures every layer and pass of one tower against what the processor can do.") { recipe, device, threads, batch, repetitions, layer, set, json };
        command.SetAction(p => Measure(p.GetValue(recipe) ?? DefaultRecipe, p.GetValue(device) ?? Devices.Default, p.GetValue(threads), p.GetValue(batch), p.GetValue(repetitions), p.GetValue(layer)!, p.GetValue(set)!, new Output(p.GetValue(json))));
        return command;
    }

    static int Measure(string recipeName, string deviceNames, int? threadsAsked, int? batch, int repetitions, string layer, string[] set, Output output)
    {
        Require("--threads", threadsAsked ?? 1, 1024);
        Require("--batch", batch ?? 1, 65536);
        Require("--repetitions", repetitions, 1000);
        if (deviceNames.Count(c => c == ',') >= DevicesMax) throw new UsageException($"--device {deviceNames} names {deviceNames.Count(c => c == ',') + 1} devices: name one, or two to compare");
        var settings = Settings.Parse(set);
        var recipe = RecipeReader.Read(recipeName, settings);
        if (batch is { } images) recipe = recipe with { Batch = images };
        string[] layers = [MeasuringDevice.InputLayer, .. recipe.Network.Layers.Select(l => l.Name)];
        if (!layers.Any(l => l.StartsWith(layer, StringComparison.Ordinal))) throw new UsageException($"--layer {layer}: no layer of recipe {recipe.Name} starts so: use {string.Join(", ", layers)}");
        var node = NodeSettings.Read(settings);
        int threads = threadsAsked ?? node.ThreadsOf(TowerIds.Both.Count);

        IReadOnlyList<IDevice> devices = [.. Devices.Parse(deviceNames, node with { Threads = threads }, DevicesMax).Select(f => f.Open())];
        try
        {
            output.Log.WriteLine($"measuring one tower of recipe {recipe.Name}, batch {recipe.Batch}, on {string.Join(" and ", devices.Select(d => d.Name))}, {Words.Threads(threads)}, {Words.Count(repetitions, "repetition")}");
            var progress = new ProgressLines(output.Log);
            var profile = TowerProfile.Measure(recipe, devices, threads, repetitions, layer, next => progress.Tell(() => next));
            output.Table(Table(profile, devices));
            Conclude(output.Result, profile, recipe, devices, threads, whole: layer == "");
            output.Json(Json(profile, recipe, devices, threads, repetitions, whole: layer == ""));
            return 0;
        }
        finally
        {
            foreach (var device in devices) device.Dispose();
        }
    }

    static void Require(string option, int value, int most)
    {
        if (value < 1 || value > most) throw new UsageException($"{option} is {value}: wanted a whole number from 1 to {most}");
    }

    static Table Table(TowerProfile profile, IReadOnlyList<IDevice> devices)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumns("layer", "pass");
        foreach (var device in devices) table.AddColumns(Right($"{device.Name} ms"), Right("GFLOP/s"), Right("of peak"), Right("of memory"));
        if (devices.Count == 2) table.AddColumn(Right("gain"));
        table.AddColumn(Right("MB"));
        string layer = "";
        foreach (var p in profile.Passes)
        {
            var cells = devices.SelectMany((d, n) => new[] { Milliseconds(p.Seconds(n)), Billions(p.Rate(n)), Share(p.ShareOfPeak(n)), Share(profile.ShareOfMemory(p, d, n)) });
            table.AddRow([p.Layer == layer ? "" : p.Layer, p.Name, .. cells, .. devices.Count == 2 ? [Ratio(p.Gain)] : Array.Empty<string>(), Number(p.Bytes / 1e6, "0.0")]);
            layer = p.Layer;
        }
        var sums = devices.SelectMany((_, n) => new[] { Milliseconds(profile.Seconds(n)), "", "", "" });
        return table.AddEmptyRow().AddRow(["sum", "", .. sums, .. devices.Count == 2 ? [Ratio(profile.Seconds(0) / profile.Seconds(1))] : Array.Empty<string>(), Number(profile.Passes.Sum(p => p.Bytes) / 1e6, "0.0")]);
    }

    static void Conclude(TextWriter result, TowerProfile profile, Recipe recipe, IReadOnlyList<IDevice> devices, int threads, bool whole)
    {
        if (profile is { Peak: { } peak, Level: { } level }) result.WriteLine($"FMA peak {Number(peak / 1e9, "0.0")} GFLOP/s ({level}, {Words.Threads(threads)}); each pass is held against the peak right before and after it.");
        if (profile is { ReadRate: { } read, ChangeRate: { } change }) result.WriteLine($"Memory {Number(read / 1e9, "0.0")} GB/s read, {Number(change / 1e9, "0.0")} GB/s read and written back; more than 100 % of it came out of the caches.");
        result.WriteLine("GFLOP are the direct algorithm's, without the padding; MB are inputs, weights and outputs, once each.");
        if (!whole) return;
        foreach (var (n, device) in devices.Index())
            result.WriteLine($"A step of one tower on {device.Name}: {Milliseconds(profile.Seconds(n))} ms; of two side by side, {(TowerProfile.OnProcessor(device) ? Words.Threads(threads) : "a GPU")} each: {Words.Speed(recipe.Batch / profile.Seconds(n))}.");
    }

    static JsonObject Json(TowerProfile profile, Recipe recipe, IReadOnlyList<IDevice> devices, int threads, int repetitions, bool whole) => new()
    {
        ["recipe"] = recipe.Name,
        ["batch"] = recipe.Batch,
        ["threads"] = threads,
        ["repetitions"] = repetitions,
        ["vectors"] = profile.Level?.ToString(),
        ["peakGflops"] = profile.Peak / 1e9,
        ["memoryReadGBs"] = profile.ReadRate / 1e9,
        ["memoryChangeGBs"] = profile.ChangeRate / 1e9,
        ["devices"] = new JsonArray([.. devices.Select((d, n) => new JsonObject
        {
            ["name"] = d.Name,
            ["ms"] = 1e3 * profile.Seconds(n),
            ["imagesPerSecond"] = whole ? recipe.Batch / profile.Seconds(n) : null,
        })]),
        ["passes"] = new JsonArray([.. profile.Passes.Select(p => new JsonObject
        {
            ["layer"] = p.Layer,
            ["pass"] = p.Name,
            ["gflop"] = p.Flop / 1e9,
            ["megabytes"] = p.Bytes / 1e6,
            ["gain"] = devices.Count == 2 ? p.Gain : null,
            ["devices"] = new JsonArray([.. devices.Select((d, n) => new JsonObject
            {
                ["ms"] = 1e3 * p.Seconds(n),
                ["gflops"] = p.Rate(n) / 1e9,
                ["shareOfPeak"] = p.ShareOfPeak(n),
                ["shareOfMemory"] = profile.ShareOfMemory(p, d, n),
            })]),
        })]),
    };

    static TableColumn Right(string title) => new TableColumn(title).RightAligned();

    static string Milliseconds(double seconds) => Number(1e3 * seconds, "0.00");
    static string Billions(double? perSecond) => perSecond is { } n ? Number(n / 1e9, "0.0") : "";
    static string Share(double? share) => share is { } s ? Words.Percent(s) : "";
    static string Ratio(double gain) => Number(gain, "0.00");
    static string Number(double n, string format) => n.ToString(format, CultureInfo.InvariantCulture);
}
