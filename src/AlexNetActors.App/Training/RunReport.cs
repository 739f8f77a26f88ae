using System.Text.Json.Nodes;

namespace AlexNetActors.App;

/// <summary>What a run came to, in words and as JSON; what it did not reach is null and not shown.</summary>
/// <param name="Status">Where it ended.</param>
/// <param name="Validation">The last one of the whole run.</param>
/// <param name="Checkpoint">Steps and digest of the last checkpoint.</param>
/// <param name="Folder">The run folder.</param>
sealed record RunReport(RunStatus Status, ValidationLine? Validation, (long Steps, string WeightsSha256)? Checkpoint, string Folder)
{
    public JsonObject Json => new()
    {
        ["step"] = Status.Steps,
        ["epoch"] = Status.Epochs,
        ["loss"] = Validation?.Loss,
        ["top1Error"] = Validation?.Top1,
        ["top5Error"] = Validation?.Top5,
        ["trainingLoss"] = Status.LastLoss,
        ["imagesPerSecond"] = Rounded(Status.ImagesPerSecond),
        ["dataWaitShare"] = Rounded(Status.DataWaitShare),
        ["firstStepBegunSeconds"] = Rounded(Status.StartUp?.Begun),
        ["firstStepDoneSeconds"] = Rounded(Status.StartUp?.Done),
        ["managedBytesPerStep"] = Status.ManagedBytesPerStep,
        ["deviceBuffersOfLastSteps"] = Status.RecentDeviceBuffers,
        ["peakResidentBytes"] = ProcessMeter.PeakResidentBytes,
        ["checkpointStep"] = Checkpoint?.Steps,
        ["weightsSha256"] = Checkpoint?.WeightsSha256,
        ["run"] = Folder,
    };

    public void Write(TextWriter output)
    {
        if (Validation is { } v) output.WriteLine($"  validation   loss {Words.Loss(v.Loss)}, top-1 error {Words.Percent(v.Top1)}, top-5 error {Words.Percent(v.Top5)} after step {v.Step}");
        if (Status.ImagesPerSecond is { } speed) output.WriteLine($"  speed        {Words.Speed(speed)} while training");
        if (Status.StartUp is { } first) output.WriteLine($"  start        first step begun {Words.Seconds(first.Begun)} and done {Words.Seconds(first.Done)} after the process started");
        if (Status.ManagedBytesPerStep is { } bytes) output.WriteLine($"  memory       {Words.Bytes(ProcessMeter.PeakResidentBytes)} resident at most; the last {Words.Count(Status.Recent.Count(), "step")} allocated {Words.Bytes(bytes)} of managed memory each (median) and {Words.Count(Status.RecentDeviceBuffers ?? 0, "device buffer")}");
        foreach (var t in Status.Times.Values) output.WriteLine($"  tower {t.Towers,-6} {Words.Shares(t)}");
        if (Checkpoint is { } c) output.WriteLine($"  weights      {c.WeightsSha256} after step {c.Steps}");
        output.WriteLine($"  run folder   {Folder}");
    }

    static double? Rounded(double? value) => value is { } v ? Math.Round(v, 4) : null;
}
