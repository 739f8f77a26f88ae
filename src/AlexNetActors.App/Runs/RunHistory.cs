namespace AlexNetActors.App;

/// <summary>The curves of a run as its metrics.jsonl tells them.</summary>
static class RunHistory
{
    /// <param name="metrics">The file.</param>
    /// <param name="batch">Images of a step.</param>
    public static Curves Read(string metrics, int batch)
    {
        using var file = new FileStream(metrics, FileMode.Open, FileAccess.Read, FileShare.ReadWrite); // the run writes on
        return MetricsLine.Read(file).Aggregate(new Curves(), (curves, line) => After(curves, line, batch));
    }

    /// <param name="curves">As the lines before this one tell them.</param>
    /// <param name="line">Of a step, a validation, or of something else.</param>
    /// <param name="batch">Images of a step.</param>
    public static Curves After(Curves curves, MetricsLine line, int batch) => line.Kind switch
    {
        "step" when StepLine.Read(line)?.Told(batch) is (var step, var ms) => curves.After(line.Step, step.Rate, step.Score, ms / 1000),
        "validation" when ValidationLine.Read(line.Json!) is { } v => curves.After(v.Told),
        _ => curves,
    };
}
