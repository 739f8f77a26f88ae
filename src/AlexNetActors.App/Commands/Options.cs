using System.CommandLine;
using System.CommandLine.Completions;
using AlexNetActors.Actors;
using AlexNetActors.Compute;
using AlexNetActors.Data;

namespace AlexNetActors.App;

/// <summary>Options that several commands share.</summary>
static class Options
{
    public static Option<string?> Recipe(string otherwise) => new("--recipe") { Description = $"Recipe by name ({string.Join(", ", RecipeFile.Names)}) or file; {otherwise} when not given.", HelpName = "NAME|FILE", CompletionSources = { _ => RecipeFile.Names.Select(n => new CompletionItem(n)) } };
    public static Option<string?> Data(string otherwise) => new("--data") { Description = $"Data set: a folder made by `alexnet prepare`; {otherwise} when not given.", HelpName = "DIR" };
    public static Option<string?> Device(string more, string name = "D[,D]", string otherwise = Devices.Default) => new("--device") { Description = $"Device{more}: see `alexnet devices`; {otherwise} when not given.", HelpName = name, CompletionSources = { DeviceNames } };
    public static IEnumerable<CompletionItem> DeviceNames(CompletionContext _) => DeviceCatalog.All.Select(d => new CompletionItem(d.Name));
    public static Option<string[]> Set() => new("--set") { Description = "Lays a value over the recipe or node configuration: --set schedule.rate=0.005; `alexnet train --show-config` lists what there is.", HelpName = "path=value", DefaultValueFactory = _ => [] };
    public static Option<bool> Json() => new("--json") { Description = "Print one JSON object as the last line of standard output." };
    public static Option<string[]> Fault() => new("--fault") { Description = "Let something go wrong on purpose, once: --fault \"kill tower-B at step 7 in exchange conv3 backward\".", HelpName = "FAULT", DefaultValueFactory = _ => [] };
    public static Option<string?> Dashboard() => new("--dashboard") { Description = "Serve a page that shows the run on this port of this machine alone, 0 for any free one; HOST:PORT for others to see it, too.", HelpName = "PORT" };
    public static Option<bool> TensorBoard() => new("--tensorboard") { Description = "Write event files for TensorBoard into the run folder." };
    public static Option<string?> Otlp() => new("--otlp") { Description = "Send traces and metrics to the OpenTelemetry collector of this address, by OTLP over HTTP.", HelpName = "URL" };
    public static Option<int> Views() => new("--views") { Description = $"Views of a picture that are averaged: 1 (the centre) or {View.Count}.", HelpName = $"1|{View.Count}", DefaultValueFactory = _ => 1, CompletionSources = { "1", $"{View.Count}" } };

    /// <param name="folder">Of --certificates; null when not given.</param>
    public static NodeCredentials? Credentials(string? folder) => folder is null ? null : Directory.Exists(folder) ? NodeCredentials.Load(folder)
        : throw new UsageException($"there is no folder {folder}: make one for each node with `alexnet certificates DIR --nodes NAME,...`");

    public static void CheckViews(int views)
    {
        if (views != 1 && views != View.Count) throw new UsageException($"--views is {views}: wanted 1 (the centre) or {View.Count} (centre and corners, and mirrored)");
    }

    /// <summary>Refuses, before any work is done, a file that is to be written where none can be.</summary>
    public static void CheckFile(string file)
    {
        if (string.IsNullOrWhiteSpace(file)) throw new UsageException("the name of the file to be written is empty");
        if (Path.GetFullPath((File.Exists(file) ? File.ResolveLinkTarget(file, returnFinalTarget: true)?.FullName : null) ?? file).StartsWith("/dev/", StringComparison.Ordinal)) throw new UsageException($"{file} is a device, and would be replaced by a file: name a file elsewhere");
        if (Directory.Exists(file)) throw new UsageException($"{file} is a folder: name a file in it");
        if (Path.GetDirectoryName(Path.GetFullPath(file)) is { } folder && !Directory.Exists(folder)) throw new UsageException($"there is no folder {folder} for {Path.GetFileName(file)}: make it, or name another file");
    }
}
