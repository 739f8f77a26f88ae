using AlexNetActors.Compute;

namespace AlexNetActors.Model;

/// <summary>One tower's half of a layer's weights or biases, with what training needs beside it.</summary>
/// <param name="Name">"conv1.weight", "fc8.bias".</param>
/// <param name="Layer">The layer it belongs to.</param>
/// <param name="Shape">Canonical shape of this half: weights [K, C, R, S], bias [1, K, 1, 1].</param>
/// <param name="Value">On the tower's device.</param>
/// <param name="Gradient">Null where the tower only evaluates.</param>
/// <param name="Velocity">Null where the tower only evaluates.</param>
public sealed record Parameter(string Name, LayerShape Layer, Shape Shape, Tensor Value, Tensor? Gradient, Tensor? Velocity)
{
    public bool IsBias { get; } = Name == Layer.BiasName;
}
