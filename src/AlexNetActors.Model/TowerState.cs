using AlexNetActors.Compute;

namespace AlexNetActors.Model;

/// <summary>A tower's weights and velocities in host memory, canonical order: what a checkpoint holds and a recovery needs.</summary>
/// <param name="Tower">Whose they are.</param>
/// <param name="Values">By name: "conv1.weight" [K, C, R, S], "conv1.bias" [K], and each with ".velocity".</param>
public sealed record TowerState(TowerId Tower, IReadOnlyList<NamedValues> Values);

/// <summary>A named array with its canonical shape.</summary>
public sealed record NamedValues(string Name, IReadOnlyList<int> Shape, float[] Data);

/// <summary>Copies between a tower and host memory; on the thread of the tower's device.</summary>
public static class TowerStates
{
    /// <summary>Behind the name of a parameter: its velocity's.</summary>
    internal const string VelocitySuffix = ".velocity";

    /// <summary>Room for the state of a tower that is elsewhere.</summary>
    public static TowerState Empty(Network network, TowerId tower) => new(tower,
        [.. network.Layers.SelectMany(l => new[] { (l.WeightName, WeightShape(l, l.Filter.WeightsShape)), (l.BiasName, [l.Filter.Kernels]) })
            .SelectMany(p => new[] { p.Item1, p.Item1 + VelocitySuffix }.Select(name => new NamedValues(name, p.Item2, new float[p.Item2.Aggregate(1, (a, b) => a * b)])))]);

    /// <summary>
    /// Copies the tower's state into <paramref name="into"/> (from an earlier capture of the same tower), or into new memory. What has been
    /// captured is finite: nothing that is not is ever kept.
    /// </summary>
    /// <exception cref="NotFiniteException">A weight or velocity is not finite; names the first.</exception>
    public static TowerState Capture(Tower tower, TowerState? into = null)
    {
        into ??= new TowerState(tower.Id, [.. Names(tower).Select(n => new NamedValues(n.Name, n.Shape, new float[n.Value.Shape.Count]))]);
        foreach (var (values, (_, _, tensor)) in into.Values.Zip(Names(tower)))
        {
            tower.Device.Read(tensor, values.Data);
            if (!Finite.All(values.Data)) throw new NotFiniteException(null, Place(tower.Id, values.Name), []);
        }
        return into;
    }

    /// <exception cref="CheckpointException">A value is missing or has another shape than the network.</exception>
    public static void Restore(Tower tower, TowerState state)
    {
        tower.HasMoved = true;
        var byName = state.Values.ToDictionary(v => v.Name);
        foreach (var (name, shape, tensor) in Names(tower))
        {
            if (!byName.TryGetValue(name, out var values)) throw new CheckpointException($"tower {state.Tower} of the checkpoint has no {name}");
            if (!values.Shape.SequenceEqual(shape)) throw new CheckpointException($"{name} of tower {state.Tower} is [{string.Join(", ", values.Shape)}] in the checkpoint, the network wants [{string.Join(", ", shape)}]");
            tower.Device.Write(values.Data, tensor);
        }
    }

    /// <param name="tower">Whose.</param>
    /// <param name="name">"conv1.weight.velocity"</param>
    static NotFinite Place(TowerId tower, string name)
    {
        string[] parts = name.Split('.');
        return new NotFinite(tower, parts[0], $"the {(parts[1] == "bias" ? "biases" : "weights")}{(name.EndsWith(VelocitySuffix, StringComparison.Ordinal) ? "' velocity" : "")}");
    }

    static int[] WeightShape(LayerShape layer, Shape s) => layer.Spec.FullyConnected ? [s.Images, s.Features] : [s.Images, s.Channels, s.Height, s.Width];

    static IEnumerable<(string Name, IReadOnlyList<int> Shape, Tensor Value)> Names(Tower tower)
    {
        foreach (var p in tower.Parameters)
        {
            int[] shape = p.IsBias ? [p.Shape.Channels] : WeightShape(p.Layer, p.Shape);
            yield return (p.Name, shape, p.Value);
            if (p.Velocity is not null) yield return (p.Name + VelocitySuffix, shape, p.Velocity);
        }
    }
}
