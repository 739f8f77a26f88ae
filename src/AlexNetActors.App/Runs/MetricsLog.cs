using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using AlexNetActors.Actors;
using AlexNetActors.Data;
using AlexNetActors.Model;

namespace AlexNetActors.App;

/// <summary>
/// metrics.jsonl: one JSON object a line for each step, validation and checkpoint, and a summary whenever the run comes to its end. A step's number is the
/// number of steps done after it; its "records" are what `alexnet verify` adds up. Lines behind the step that a run goes on from are cut, so that each step stands there once.
/// </summary>
sealed class MetricsLog : IDisposable
{
    static readonly JsonSerializerOptions Json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    readonly FileStream _file;
    long? _summedUp; // the step of the last summary in the file

    MetricsLog(FileStream file) => _file = file;

    /// <param name="path">The file; made if missing. A line that a killed process left half written is cut.</param>
    /// <param name="takenOver">Another process may still write into it: it keeps the old file, which loses its name.</param>
    public static MetricsLog Open(string path, bool takenOver = false) => Writing.Guard(path, () =>
    {
        if (takenOver && OrdinaryFile.HasBytes(path)) WholeFile.Put(path, File.ReadAllBytes(path));
        var log = new MetricsLog(Writing.Open(path, FileShare.Read));
        log.Cut(long.MaxValue, long.MaxValue);
        return log;
    });

    /// <summary>
    /// The run goes on from a step: what was written behind it is cut, to be written again. Where the lines up to it are missing, a line says what
    /// its samples come to all the same.
    /// </summary>
    public void GoOn(long steps, long validatedSteps, Ledger ledger)
    {
        Writing.Guard(_file.Name, () => Cut(steps, validatedSteps));
        if (LastStep < steps) Gap(steps, ledger);
    }

    int Cut(long steps, long validatedSteps)
    {
        long end = 0;
        (LastStep, LastValidation, _summedUp) = (0, null, null);
        foreach (var line in MetricsLine.Read(_file).Where(l => IsKept(l, steps, validatedSteps)))
        {
            end = line.End; // what is damaged between two of them stays, and is named by `alexnet verify`
            Remember(line.Json!);
        }
        _file.SetLength(end);
        _file.Position = end;
        return 0;
    }

    /// <summary>The last step in the file; 0 when there is none.</summary>
    public long LastStep { get; private set; }

    /// <summary>The last validation in the file; null when there is none.</summary>
    public ValidationLine? LastValidation { get; private set; }

    void Remember(JsonObject line)
    {
        if ((string?)line["kind"] is "step" or "gap") LastStep = (long)line["step"]!;
        if ((string?)line["kind"] == "validation") LastValidation = ValidationLine.Read(line);
        if ((string?)line["kind"] == "summary") _summedUp = (long)line["step"]!;
    }

    static bool IsKept(MetricsLine line, long steps, long validatedSteps) => line.Kind switch
    {
        "step" or "checkpoint" or "gap" or "summary" => line.Step <= steps,
        "validation" => line.Step <= validatedSteps,
        _ => false,
    };

    void Gap(long steps, Ledger ledger) => Put(new()
    {
        ["kind"] = "gap",
        ["step"] = steps,
        ["after"] = LastStep,
        ["ledger"] = JsonSerializer.SerializeToNode(ledger, MetricsLine.Values),
    });

    public void Step(StepCompleted step, long epoch, StepCost cost) => Put(new()
    {
        ["kind"] = "step",
        ["step"] = step.Step + 1,
        ["epoch"] = epoch,
        ["rate"] = step.Rate,
        ["loss"] = step.Score.Loss,
        ["top1"] = step.Score.Top1Error,
        ["top5"] = step.Score.Top5Error,
        ["imagesPerSecond"] = Math.Round(cost.Score.Images / cost.Seconds, 2),
        ["managedBytes"] = cost.ManagedBytes,
        ["deviceBuffers"] = cost.DeviceBuffers,
        ["towers"] = new JsonArray([.. step.Towers.Select(t => new JsonObject
        {
            ["towers"] = t.Towers,
            ["computeMs"] = Math.Round(t.ComputeMs, 3),
            ["exchangeMs"] = Math.Round(t.ExchangeMs, 3),
            ["dataMs"] = Math.Round(t.DataMs, 3),
            ["exchanges"] = new JsonArray([.. t.Exchanges.Select(Exchange)]),
        })]),
        ["records"] = JsonSerializer.SerializeToNode(step.Records, MetricsLine.Values),
    });

    /// <summary>Milliseconds from the beginning of the step.</summary>
    static JsonObject Exchange(ExchangeTime e) => new()
    {
        ["exchange"] = $"{(ExchangeKind)e.Kind} {e.Segment}".ToLowerInvariant(),
        ["given"] = Math.Round(e.GivenMs, 3),
        ["arrived"] = Math.Round(e.ArrivedMs, 3),
        ["asked"] = Math.Round(e.AskedMs, 3),
        ["got"] = Math.Round(e.GotMs, 3),
    };

    public void Validation(ValidationCompleted v) => Put(new()
    {
        ["kind"] = "validation",
        ["step"] = v.Steps,
        ["epoch"] = v.Epochs,
        ["loss"] = v.Score.Loss,
        ["top1"] = v.Score.Top1Error,
        ["top5"] = v.Score.Top5Error,
        ["images"] = v.Score.Images,
        ["best"] = v.Best,
        ["rate"] = v.Rate,
    });

    public void Checkpoint(CheckpointWritten c) => Put(new()
    {
        ["kind"] = "checkpoint",
        ["step"] = c.Steps,
        ["folder"] = Path.GetFileName(c.Folder),
        ["weightsSha256"] = c.WeightsSha256,
    });

    /// <summary>A process that finds nothing left to do does not know what the one before it did, such as its speed: the summary that is there stays.</summary>
    public void Summary(JsonObject summary)
    {
        if (_summedUp == (long)summary["step"]!) return;
        var line = new JsonObject { ["kind"] = "summary" };
        foreach (var (key, value) in summary) line[key] = value?.DeepClone();
        Put(line);
    }

    void Put(JsonObject line) => Writing.Guard(_file.Name, () =>
    {
        _file.Write([.. JsonSerializer.SerializeToUtf8Bytes(line, Json), (byte)'\n']);
        Remember(line);
        return 0;
    });

    public void Dispose() => _file.Dispose();
}
