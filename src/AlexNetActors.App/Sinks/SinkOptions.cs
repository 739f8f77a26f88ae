namespace AlexNetActors.App;

/// <summary>Where else a run's numbers go, as the command line asks.</summary>
/// <param name="TensorBoard">Event files in the run folder.</param>
/// <param name="Collector">Of OpenTelemetry; null for none.</param>
sealed record SinkOptions(bool TensorBoard, Uri? Collector)
{
    /// <param name="tensorBoard">--tensorboard.</param>
    /// <param name="otlp">--otlp.</param>
    /// <exception cref="UsageException">The collector's is no HTTP address.</exception>
    public static SinkOptions Parse(bool tensorBoard, string? otlp)
    {
        if (otlp is null) return new SinkOptions(tensorBoard, null);
        if (!Uri.TryCreate(otlp, UriKind.Absolute, out var collector) || collector.Scheme is not ("http" or "https"))
            throw new UsageException($"--otlp has '{otlp}': wanted the address of a collector that takes OTLP over HTTP, such as http://localhost:4318");
        return new SinkOptions(tensorBoard, collector);
    }

    /// <param name="folder">Of the run.</param>
    /// <param name="plan">What it is made from.</param>
    /// <param name="status">Where it starts.</param>
    /// <param name="say">Told what goes wrong; by any thread.</param>
    public IReadOnlyList<IRunSink> Open(RunFolder folder, RunPlan plan, RunStatus status, Action<string> say)
    {
        var sinks = new List<IRunSink>();
        if (TensorBoard) sinks.Add(new TensorBoardSink(folder.TensorBoard, plan.Recipe.Network, say));
        if (Collector is not null) sinks.Add(new OtlpSink(Collector, RunFacts.Of(plan, folder.Path), status, say));
        return sinks;
    }
}
