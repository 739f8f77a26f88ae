namespace AlexNetActors.Model;

public enum ModuleKind : byte { Convolution, Linear, Rectifier, ResponseNorm, MaxPool, Dropout }

/// <summary>One step of the whole network, both towers together, named as PyTorch names the members of a Sequential.</summary>
/// <param name="Name">"features.0" among the convolutions, "classifier.3" among the fully connected layers.</param>
/// <param name="Kind">What it computes.</param>
/// <param name="Layer">The layer of the table that it is of.</param>
public sealed record Module(string Name, ModuleKind Kind, LayerShape Layer)
{
    public string WeightName => $"{Name}.weight";
    public string BiasName => $"{Name}.bias";

    /// <summary>2 where a tower's kernels see their own tower's maps only: a grouped convolution.</summary>
    public int Groups => Layer.Index > 0 && !Layer.Spec.SeesBoth ? 2 : 1;

    /// <summary>Kernels of both towers.</summary>
    public int Kernels => 2 * Layer.Filter.Kernels;

    /// <summary>Maps, or features of a fully connected layer, that come in from both towers.</summary>
    public int Inputs => Groups * (Kind == ModuleKind.Linear ? Layer.Filter.Channels * Layer.Filter.Height * Layer.Filter.Width : Layer.Filter.Channels);

    /// <summary>[K, C / groups, R, S] of a convolution, [K, features] of a fully connected layer.</summary>
    public IReadOnlyList<int> WeightShape => Kind == ModuleKind.Linear ? [Kernels, Inputs] : [Kernels, Inputs / Groups, Layer.Filter.SizeY, Layer.Filter.SizeX];

    public bool HasWeights => Kind is ModuleKind.Convolution or ModuleKind.Linear;
}
