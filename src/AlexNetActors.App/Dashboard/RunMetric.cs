namespace AlexNetActors.App;

/// <summary>A number of a run by the name under which programs know it: /metrics and OpenTelemetry read the same list.</summary>
/// <param name="Name">With its unit.</param>
/// <param name="Counter">It only grows; else it is a gauge.</param>
/// <param name="Help">What it is.</param>
/// <param name="Read">Its values now; none where nothing is known yet.</param>
sealed record RunMetric(string Name, bool Counter, string Help, Func<BoardState, IEnumerable<RunMetric.Value>> Read)
{
    /// <summary>One value, of one thing of a kind: ("set", "training"), ("tower", "A"); or of the run.</summary>
    public readonly record struct Value(double Number, (string Kind, string Which)? Of = null);

    public static IReadOnlyList<RunMetric> All { get; } =
    [
        Gauge("steps", "Training steps done.", s => s.Status.Steps),
        Gauge("steps_limit", "Steps at which the run ends.", s => s.Status.Limits.StepsMax),
        Gauge("epochs", "Whole epochs done.", s => s.Status.Epochs),
        new("alexnet_trained_images_total", Counter: true, "Images trained on by this process, also those trained on again.", s => [new(s.Status.Trained.Images)]),
        Gauge("images_per_second", "Over the last steps, while it trains.", s => s.Trains ? s.Status.RecentImagesPerSecond : null),
        Gauge("learning_rate", "Of the last step.", s => s.Status.Rate is { } rate ? (double)(decimal)rate : null), // 0.004, as it was asked for
        Scores("loss_nats", "Cross-entropy: of the last training steps, of the last validation.", s => s.Loss),
        Scores("top1_error_ratio", "Share of pictures whose label is not the best guess.", s => s.Top1Error),
        Scores("top5_error_ratio", "Share of pictures whose label is not among the five best guesses.", s => s.Top5Error),
        Seconds("tower_compute_seconds_total", "Time a tower's device computed in steps.", t => t.ComputeMs),
        Seconds("tower_exchange_wait_seconds_total", "Time a tower waited for the other one.", t => t.ExchangeMs),
        Seconds("tower_data_wait_seconds_total", "Time a tower waited for its batches.", t => t.DataMs),
        new("alexnet_recoveries_total", Counter: true, "Groups that ended and had to form again.", s => [new(s.RecoveriesEver)]),
        Gauge("generation", "Incarnation of the group.", s => s.Generation),
        Gauge("members", "Nodes that take part.", s => s.Members.Count(m => m.Gone is null)),
        new("alexnet_member_resident_bytes", Counter: false, "Memory that a node's process holds.", s => s.Members.Where(m => m.ResidentBytes is not null).Select(m => new Value(m.ResidentBytes!.Value, ("node", m.Node)))),
    ];

    static RunMetric Gauge(string name, string help, Func<BoardState, double?> read) => new($"alexnet_{name}", Counter: false, help, s => read(s) is { } value ? [new(value)] : []);

    static RunMetric Scores(string name, string help, Func<Model.Score, double> of) => new($"alexnet_{name}", Counter: false, help, s =>
    [
        .. s.Status.Recent.IsEmpty ? [] : new Value[] { new(of(s.Status.RecentScore), ("set", "training")) },
        .. s.Status.Validation is { } v ? new Value[] { new(of(v.Score), ("set", "validation")) } : [],
    ]);

    static RunMetric Seconds(string name, string help, Func<Actors.TowerTime, double> ms) =>
        new($"alexnet_{name}", Counter: true, help, s => s.Status.Times.Values.Select(t => new Value(ms(t) / 1000, ("tower", t.Towers))));
}
