using AlexNetActors.Compute;

namespace AlexNetActors.Model;

/// <summary>The first place where NaN or infinity was found.</summary>
/// <param name="Tower">Which tower's.</param>
/// <param name="Layer">"conv3", or "the loss".</param>
/// <param name="What">"the weights", "the gradient by the inputs".</param>
/// <param name="Given">It came in an exchange: the other tower knows where it began.</param>
public sealed record NotFinite(TowerId Tower, string Layer, string What, bool Given = false)
{
    const string Inputs = "the inputs", InputsGradient = "the gradient by the inputs", Loss = "the loss";

    public override string ToString() => $"NaN or infinity in {What} of {Layer} on tower {Tower}{(Given ? $", given by tower {Tower.Other()}" : "")}";

    /// <summary>
    /// After a loss that is not finite: looks through the towers in forward order, so that the cause is named and not what it has infected.
    /// Slow: it reads every activation and weight back.
    /// </summary>
    internal static NotFinite InForward(IReadOnlyList<Tower> towers) =>
        Enumerable.Range(0, towers[0].Segments.Count + 1).SelectMany(s => towers.SelectMany(t => Forward(t, s))).FirstOrDefault() ?? new NotFinite(towers[0].Id, Loss, "the sum");

    static IEnumerable<NotFinite> Forward(Tower tower, int s)
    {
        bool loss = s == tower.Segments.Count;
        var input = loss ? tower.LossInput : tower.Segments[s].Input;
        int half = input.Shape.Channels / 2; // the own half is what the segment before put out
        bool isFinite = s == 0 ? IsFinite(tower, input) : IsFinite(tower, input, tower.Id.Other().Offset(half), half);
        if (!isFinite) yield return new NotFinite(tower.Id, loss ? Loss : tower.Segments[s].Layers[0].Name, Inputs, Given: s > 0);
        if (loss) yield break;
        foreach (var layer in tower.Segments[s].Layers)
        {
            if (!IsFinite(tower, layer.Weights.Value)) yield return new NotFinite(tower.Id, layer.Name, "the weights");
            if (!IsFinite(tower, layer.Bias.Value)) yield return new NotFinite(tower.Id, layer.Name, "the biases");
            if (!IsFinite(tower, layer.Output)) yield return new NotFinite(tower.Id, layer.Name, "the outputs");
        }
    }

    /// <summary>After gradients that are not finite behind a loss that is: in backward order.</summary>
    internal static NotFinite InBackward(IReadOnlyList<Tower> towers) =>
        Enumerable.Range(0, towers[0].Segments.Count).Reverse().SelectMany(s => towers.SelectMany(t => Backward(t, s))).FirstOrDefault() ?? new NotFinite(towers[0].Id, Loss, "a gradient");

    static IEnumerable<NotFinite> Backward(Tower tower, int s)
    {
        var segment = tower.Segments[s];
        // The gradient by the segment's outputs is a sum; the own part of it has been looked at before.
        if (!IsFinite(tower, segment.DOutput)) yield return new NotFinite(tower.Id, s + 1 < tower.Segments.Count ? tower.Segments[s + 1].Layers[0].Name : Loss, InputsGradient, Given: s + 1 < tower.Segments.Count);
        for (int i = segment.Layers.Count - 1; i >= 0; i--)
        {
            var layer = segment.Layers[i];
            if (!IsFinite(tower, layer.Weights.Gradient!)) yield return new NotFinite(tower.Id, layer.Name, "the gradient by the weights");
            if (!IsFinite(tower, layer.Bias.Gradient!)) yield return new NotFinite(tower.Id, layer.Name, "the gradient by the biases");
            if (segment.DInputOf(i) is { } dInput && !IsFinite(tower, dInput)) yield return new NotFinite(tower.Id, layer.Name, InputsGradient);
        }
    }

    static bool IsFinite(Tower tower, Tensor activation, int firstChannel, int channels)
    {
        var values = new float[(activation.Shape with { Channels = channels }).Count];
        tower.Device.ReadChannels(activation, firstChannel, channels, values);
        return Finite.All(values);
    }

    static bool IsFinite(Tower tower, Tensor tensor)
    {
        var values = new float[tensor.Shape.Count];
        tower.Device.Read(tensor, values);
        return Finite.All(values);
    }
}

/// <summary>A step that was stopped before its update, an evaluation, or a state that must not be kept: a number is not finite.</summary>
/// <param name="pass">The pass; null where a state was captured.</param>
/// <param name="found">Where.</param>
/// <param name="records">Index of each record of the pass's batch in its pack; empty without a pass.</param>
public sealed class NotFiniteException(PassId? pass, NotFinite found, IReadOnlyList<int> records)
    : Exception(pass is null ? $"{found}" : pass is { Kind: PassKind.Train } step ? $"{step} was stopped before its update: {found}" : $"{pass}: {found}")
{
    public PassId? Pass => pass;
    public NotFinite Found => found;
    public IReadOnlyList<int> Records => records;
}
