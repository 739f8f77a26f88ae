namespace AlexNetActors.Model;

/// <summary>What a member of the group is about to do at a <see cref="Moment"/>.</summary>
public enum Stage : byte { Loading, Forward, ExchangeForward, Loss, Backward, ExchangeBackward, Update, Snapshot, Checkpoint, Validation }

/// <summary>A stage and, where there are several of its kind in a pass, the first layer of the segment ("conv3"; "logits" for the exchange before the loss).</summary>
public readonly record struct Place(Stage Stage, string Layer)
{
    public override string ToString() => Stage switch
    {
        Stage.Forward or Stage.Backward => $"{Name} {Layer}",
        Stage.ExchangeForward => $"exchange {Layer} forward",
        Stage.ExchangeBackward => $"exchange {Layer} backward",
        _ => Name,
    };

    string Name => Stage.ToString().ToLowerInvariant();
}

/// <summary>A point of a run where a fault may strike.</summary>
/// <param name="Place">What is about to be done; in an exchange the own portion has been handed over and the other's is not asked for yet.</param>
/// <param name="Step">The step that runs, from 0; of a snapshot, checkpoint or validation the steps done. -1 in a validation pass, whose number does not say.</param>
public readonly record struct Moment(Place Place, long Step);

/// <summary>The places of one network's passes, by segment; made once, so that telling a moment allocates nothing.</summary>
public sealed class Places
{
    public const string Logits = "logits";

    public static readonly Place Loading = new(Stage.Loading, ""), Loss = new(Stage.Loss, ""), Update = new(Stage.Update, ""), Snapshot = new(Stage.Snapshot, ""),
        Checkpoint = new(Stage.Checkpoint, ""), Validation = new(Stage.Validation, "");

    readonly string[] _layers;

    public Places(Network network) => _layers = [.. network.Segments.Select(s => s.Layers[0].Name), Logits];

    public Place Forward(int segment) => new(Stage.Forward, _layers[segment]);

    public Place Backward(int segment) => new(Stage.Backward, _layers[segment]);

    /// <summary>The exchange before a segment; their number means the loss.</summary>
    public Place Exchange(ExchangeKind kind, int segment) => new(kind == ExchangeKind.Gather ? Stage.ExchangeForward : Stage.ExchangeBackward, _layers[segment]);

    /// <summary>Every place there is, in the order of a pass.</summary>
    public IReadOnlyList<Place> All
    {
        get
        {
            int segments = _layers.Length - 1;
            var forward = Enumerable.Range(0, segments).SelectMany(s => new[] { Forward(s), Exchange(ExchangeKind.Gather, s + 1) });
            var backward = Enumerable.Range(0, segments).Reverse().SelectMany(s => s == 0 ? new[] { Backward(s) } : [Backward(s), Exchange(ExchangeKind.Sum, s)]);
            return [Loading, .. forward, Loss, .. backward, Update, Snapshot, Checkpoint, Validation];
        }
    }
}
