namespace AlexNetActors.Model;

public enum PassKind : byte { Train, Evaluate }

/// <summary>One pass of the network over one batch. The generation is the incarnation of the training group; what an older one sent is dropped.</summary>
/// <param name="Generation">Incarnation of the training group.</param>
/// <param name="Kind">Training step or evaluation.</param>
/// <param name="Number">The training step, or the number of the evaluated batch.</param>
public readonly record struct PassId(int Generation, PassKind Kind, long Number)
{
    public override string ToString() => Kind == PassKind.Train ? $"step {Number}" : $"evaluation batch {Number}";
}

/// <summary>Gather: both halves of an activation, forward. Sum: both parts of its gradient, backward.</summary>
public enum ExchangeKind : byte { Gather, Sum }

/// <summary>One meeting of the towers in a pass: before segment <paramref name="Segment"/> (the number of segments means the loss).</summary>
public readonly record struct ExchangeId(PassId Pass, ExchangeKind Kind, byte Segment)
{
    /// <summary>"gather before conv3-conv5 at step 17".</summary>
    public string Describe(Network network) =>
        $"{(Kind == ExchangeKind.Gather ? "gather" : "gradient sum")} before {(Segment < network.Segments.Count ? network.Segments[Segment].Name : "the loss")} at {Pass}";
}

/// <summary>
/// What the towers meet over. What is sent stays untouched until the sender's same exchange of its next pass, by when the
/// receiver has long used it: it cannot get there without the receiver's answers.
/// </summary>
public interface ITowerLink
{
    void Send(TowerId from, ExchangeId exchange, Portion portion);

    /// <summary>Waits for what the other tower sent. Throws, with who, which exchange and which step, when a deadline passes or the pass is called off.</summary>
    Portion Receive(TowerId to, ExchangeId exchange);
}

/// <summary>Both towers on one device and thread: what one sent lies ready when the other asks.</summary>
public sealed class LocalLink : ITowerLink
{
    readonly Portion[] _sent = new Portion[2];

    public void Send(TowerId from, ExchangeId exchange, Portion portion) => _sent[(int)from] = portion;

    public Portion Receive(TowerId to, ExchangeId exchange) => _sent[(int)to.Other()];
}
