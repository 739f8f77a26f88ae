using AlexNetActors.Compute;
using AlexNetActors.Data;

namespace AlexNetActors.Model;

/// <summary>
/// The two towers as one network, as everybody else writes AlexNet: convolutions that see their own tower are grouped, the others and the
/// fully connected layers are whole. Tower A has the first half of each layer's kernels, so a layer's weights are A's and then B's.
/// </summary>
public sealed class WholeNetwork
{
    /// <summary>The mean image under the centre crop, [3, S, S]; no weight, but without it the weights are of no use.</summary>
    public const string MeanName = "mean";

    /// <exception cref="RecipeException">A layer has no counterpart; the message names it.</exception>
    public WholeNetwork(Network network)
    {
        Network = network;
        var modules = new List<Module>();
        int features = 0, classifier = 0;
        foreach (var layer in network.Layers)
        {
            var spec = layer.Spec;
            if (!spec.FullyConnected && classifier > 0) throw new RecipeException($"{spec.Name} is a convolution behind a fully connected layer: such a network cannot be exported");
            if (spec.FullyConnected && !spec.SeesBoth) throw new RecipeException($"{spec.Name} is fully connected to its own tower only (network.{spec.Name}.sees-both = off): such a network cannot be exported");
            if (spec.FullyConnected && spec.Normalize) throw new RecipeException($"{spec.Name} is fully connected and normalises (network.{spec.Name}.normalize = on): such a network cannot be exported");
            void Add(ModuleKind kind) => modules.Add(new Module(spec.FullyConnected ? $"classifier.{classifier++}" : $"features.{features++}", kind, layer));
            Add(spec.FullyConnected ? ModuleKind.Linear : ModuleKind.Convolution);
            if (layer.Rectified) Add(ModuleKind.Rectifier);
            if (spec.Normalize) Add(ModuleKind.ResponseNorm);
            if (spec.Pool) Add(ModuleKind.MaxPool);
            if (spec.Dropout > 0) Add(ModuleKind.Dropout);
        }
        Modules = modules;
    }

    public Network Network { get; }

    /// <summary>In forward order. Between "features" and "classifier" the maps are flattened to [C, H, W] in this order.</summary>
    public IReadOnlyList<Module> Modules { get; }

    /// <summary>Every weight and bias with its shape, in forward order.</summary>
    public IEnumerable<(string Name, IReadOnlyList<int> Shape)> Parameters =>
        Modules.Where(m => m.HasWeights).SelectMany(m => new[] { (m.WeightName, m.WeightShape), (m.BiasName, [m.Kernels]) });

    /// <summary>The towers' weights as one network's, in the order of <see cref="Parameters"/>; velocities are left out.</summary>
    public IReadOnlyList<NamedValues> Merge(TowerState a, TowerState b)
    {
        var (ofA, ofB) = (a.Values.ToDictionary(v => v.Name), b.Values.ToDictionary(v => v.Name));
        return [.. Parameters.Zip(TowerNames, (p, name) => new NamedValues(p.Name, p.Shape, [.. ofA[name].Data, .. ofB[name].Data]))];
    }

    /// <summary>The inverse of <see cref="Merge"/>: towers at rest with these weights.</summary>
    /// <param name="values">What <see cref="Complaints"/> has nothing to say of.</param>
    public TowerState[] Split(IReadOnlyList<NamedValues> values)
    {
        var byName = values.ToDictionary(v => v.Name);
        TowerState[] towers = [.. TowerIds.Both.Select(id => TowerStates.Empty(Network, id))];
        foreach (var tower in towers)
        {
            var own = tower.Values.ToDictionary(v => v.Name);
            foreach (var ((whole, _), name) in Parameters.Zip(TowerNames))
            {
                float[] half = own[name].Data;
                byName[whole].Data.AsSpan(tower.Tower.Offset(half.Length), half.Length).CopyTo(half);
            }
        }
        return towers;
    }

    /// <summary>These values with some layers begun anew, as <see cref="Tower.Initialize"/> begins them; whatever the values held of those is left out.</summary>
    /// <param name="values">What a file holds.</param>
    /// <param name="fresh">Names of layers.</param>
    /// <param name="seed">The run's.</param>
    public IReadOnlyList<NamedValues> BeginAnew(IReadOnlyList<NamedValues> values, IReadOnlyCollection<string> fresh, ulong seed)
    {
        Module[] modules = [.. Modules.Where(m => m.HasWeights && fresh.Contains(m.Layer.Name))];
        return [.. values.Where(v => !modules.Any(m => v.Name == m.WeightName || v.Name == m.BiasName)), .. modules.SelectMany(m => Initial(m, seed))];
    }

    static NamedValues[] Initial(Module m, ulong seed)
    {
        var weights = new float[m.WeightShape.Aggregate(1, (a, b) => a * b)];
        m.Layer.Draws(seed).FillNormal(0, m.Layer.Spec.Deviation, weights);
        return [new NamedValues(m.WeightName, m.WeightShape, weights), new NamedValues(m.BiasName, [m.Kernels], [.. Enumerable.Repeat(m.Layer.Spec.Bias, m.Kernels)])];
    }

    /// <summary>Layers whose weights or biases are missing from these values or have another shape there.</summary>
    public IReadOnlyList<string> Misfits(IReadOnlyList<NamedValues> values)
    {
        var shapes = values.ToDictionary(v => v.Name, v => v.Shape);
        bool Fits(string name, IReadOnlyList<int> shape) => shapes.TryGetValue(name, out var found) && found.SequenceEqual(shape);
        return [.. Modules.Where(m => m.HasWeights && !(Fits(m.WeightName, m.WeightShape) && Fits(m.BiasName, [m.Kernels]))).Select(m => m.Layer.Name)];
    }

    /// <summary>Why these values are not this network's: every name that is missing, is not wanted, has another shape or is not finite.</summary>
    public IReadOnlyList<string> Complaints(IReadOnlyList<NamedValues> values)
    {
        var byName = values.ToDictionary(v => v.Name);
        var complaints = new List<string>();
        foreach (var (name, shape) in Parameters)
            if (!byName.Remove(name, out var found)) complaints.Add($"{name} is missing");
            else Compare(found, shape, complaints);
        if (byName.Remove(MeanName, out var mean)) Compare(mean, [3, Network.InputSize, Network.InputSize], complaints);
        return [.. complaints, .. byName.Keys.Select(name => $"{name} is not wanted")];
    }

    static void Compare(NamedValues found, IReadOnlyList<int> shape, List<string> complaints)
    {
        if (!found.Shape.SequenceEqual(shape)) complaints.Add($"{found.Name} is [{string.Join(", ", found.Shape)}], wanted [{string.Join(", ", shape)}]");
        else if (!Finite.All(found.Data)) complaints.Add($"{found.Name} has numbers that are not finite");
    }

    /// <summary>What lies under the centre crop of a mean image.</summary>
    /// <param name="mean">[R, R, 3]</param>
    /// <param name="recordSize">R</param>
    public NamedValues CentreMean(ReadOnlySpan<float> mean, int recordSize)
    {
        int S = Network.InputSize;
        var place = View.Place(0, recordSize, S);
        var under = new float[3 * S * S];
        for (int c = 0; c < 3; c++)
            for (int y = 0; y < S; y++)
                for (int x = 0; x < S; x++)
                    under[(c * S + y) * S + x] = mean[((place.Top + y) * recordSize + place.Left + x) * 3 + c];
        return new NamedValues(MeanName, [3, S, S], under);
    }

    IEnumerable<string> TowerNames => Network.Layers.SelectMany(l => new[] { l.WeightName, l.BiasName });
}
