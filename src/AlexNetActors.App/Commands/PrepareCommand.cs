using System.CommandLine;
using System.Text.Json.Nodes;
using AlexNetActors.Data;

namespace AlexNetActors.App;

/// <summary>alexnet prepare: pictures into packs, and a report of what could not be used.</summary>
static class PrepareCommand
{
    const int SkippedShownMax = 20;

    public static Command Define()
    {
        var source = new Argument<string>("SOURCE") { Description = "A folder of class folders, one with train/ and val/ of them, or one with the ILSVRC2012 tars and development kit." };
        var target = new Argument<string>("TARGET") { Description = "A folder for the data set; made if missing." };
        var size = new Option<int>("--size") { Description = "Side of a record in pixels.", HelpName = "N", DefaultValueFactory = _ => new PrepareOptions().RecordSize };
        var threads = new Option<int>("--threads") { Description = "Decoding threads; the result does not depend on them.", HelpName = "N", DefaultValueFactory = _ => Environment.ProcessorCount };
        var json = Options.Json();
        var command = new Command("prepare", "Makes a data set of pictures; run it again to go on with an interrupted one.") { source, target, size, threads, json };
        command.SetAction(p => Prepare(p.GetValue(source)!, p.GetValue(target)!, new PrepareOptions(p.GetValue(size), p.GetValue(threads)), new Output(p.GetValue(json))));
        return command;
    }

    static int Prepare(string source, string target, PrepareOptions options, Output output)
    {
        if (!Directory.Exists(source)) throw new UsageException($"there is no folder {source}: name a folder of class folders, or one with the ILSVRC2012 tars");
        if (File.Exists(target)) throw new UsageException($"{target} is a file: name a folder for the data set");
        if (options is { RecordSize: < 16 or > 4096 }) throw new UsageException($"--size is {options.RecordSize}: wanted 16 to 4096");
        if (options is { Threads: < 1 or > 1024 }) throw new UsageException($"--threads is {options.Threads}: wanted 1 to 1024");
        using var stop = new CancellationTokenSource();
        using var signals = new StopSignals(stop.Cancel);
        try
        {
            var report = PrepareProgressView.Follow(output, progress => Data.Prepare.Run(source, target, options, progress, stop.Token, output.Log.WriteLine));
            Show(report, target, output);
            return 0;
        }
        catch (OperationCanceledException)
        {
            throw new RunException($"stopped as asked; run the same command again to go on: what is done is kept in {target}");
        }
    }

    static void Show(PrepareReport report, string target, Output output)
    {
        var result = output.Result;
        foreach (var skipped in report.Skipped.Take(SkippedShownMax)) output.Log.WriteLine($"skipped {skipped.File}: {skipped.Reason}");
        if (report.Skipped.Count > SkippedShownMax) output.Log.WriteLine($"... and {report.Skipped.Count - SkippedShownMax} more: all are in {Path.Combine(target, "prepare-report.json")}");
        if (report.AlreadyDone) result.WriteLine($"{target} was finished before and is whole");
        result.WriteLine($"{Words.Count(report.Training)} training and {Words.Count(report.Validation, "validation record")} of {report.RecordSize} pixels, {report.Classes.Count} classes, {Words.Count(report.Skipped.Count, "file")} skipped");
        result.WriteLine($"data set {report.Digest} in {target}: train on it with `{CommandText.Of("alexnet", "train", "--data", target)}`");
        output.Json(new JsonObject
        {
            ["target"] = target,
            ["training"] = report.Training,
            ["validation"] = report.Validation,
            ["recordSize"] = report.RecordSize,
            ["classes"] = report.Classes.Count,
            ["skipped"] = new JsonArray([.. report.Skipped.Select(s => new JsonObject { ["file"] = s.File, ["reason"] = s.Reason })]),
            ["digest"] = report.Digest,
            ["alreadyDone"] = report.AlreadyDone,
        });
    }
}
