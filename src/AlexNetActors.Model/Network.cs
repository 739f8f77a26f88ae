using AlexNetActors.Compute;
using AlexNetActors.Data;

namespace AlexNetActors.Model;

/// <summary>A layer of the network with its shapes worked out, as one tower computes it.</summary>
/// <param name="Spec">The row of the layer table.</param>
/// <param name="Index">Position in the network, from 0.</param>
/// <param name="Filter">Geometry of one tower's half.</param>
/// <param name="Rectified">False for the last layer, whose outputs are the logits.</param>
/// <param name="Output">One image of one tower's output, after normalisation and pooling: [1, C, H, W].</param>
public sealed record LayerShape(LayerSpec Spec, int Index, Filter Filter, bool Rectified, Shape Output)
{
    public string Name => Spec.Name;

    /// <summary>"conv1.weight": in a tower, and in a checkpoint.</summary>
    public string WeightName => $"{Name}.weight";

    /// <summary>"conv1.bias"</summary>
    public string BiasName => $"{Name}.bias";

    /// <summary>Weights and biases of both towers.</summary>
    public long Parameters => 2 * (Filter.WeightsShape.Count + Filter.Kernels);

    /// <summary>Outputs before pooling, both towers: what the paper counts as neurons.</summary>
    public long Neurons => 2 * Filter.OutputShape(1).Count;

    /// <summary>Multiply-accumulates of one image forward, both towers.</summary>
    public long MultiplyAccumulates => 2 * Filter.MultiplyAccumulates;

    /// <summary>Its initial weights, tower A's and then B's, are normals number 0, 1, ... of these, times the deviation.</summary>
    internal Philox Draws(ulong seed) => new(seed, Purpose.Weights, (byte)Index, 0);
}

/// <summary>Layers between two exchanges: the first one sees both towers (or is conv1), the others see their own.</summary>
/// <param name="Index">Position in the network, from 0.</param>
/// <param name="Layers">In forward order.</param>
/// <param name="Input">One image of what the segment sees, both towers' maps: [1, C, H, W].</param>
public sealed record SegmentShape(int Index, IReadOnlyList<LayerShape> Layers, Shape Input)
{
    /// <summary>One image of one tower's output.</summary>
    public Shape Output => Layers[^1].Output;

    /// <summary>"conv1-conv2", "fc7".</summary>
    public string Name => Layers.Count == 1 ? Layers[0].Name : $"{Layers[0].Name}-{Layers[^1].Name}";
}

/// <summary>What the towers exchange activations and gradients in. The logits always go as float32: both towers must see the same loss.</summary>
public enum ExchangeElement : byte { Float32, BF16 }

/// <summary>The layer table with every shape worked out; immutable, shared by the towers.</summary>
public sealed class Network
{
    public const int PoolSize = 3, PoolStride = 2; // overlapping, paper section 3.4

    /// <summary>Layers at most: they, their segments and their parameters (weight, bias and the velocity of each) are numbered by bytes, in random numbers and in frames.</summary>
    const int LayersMax = 64;

    /// <summary>A layer's weights in a tower at most: their bytes are one frame.</summary>
    static readonly int WeightsMax = Array.MaxLength / sizeof(float);

    /// <exception cref="RecipeException">The table does not describe a network; the message names the layer.</exception>
    public Network(int inputSize, int classes, IReadOnlyList<LayerSpec> table, LocalResponse response)
    {
        InputSize = inputSize;
        Classes = classes;
        Response = response;
        if (classes < 2 || classes % 2 != 0) throw new RecipeException($"network.classes is {classes}: the classes are split over two towers, so it must be even and at least 2");
        if (table.Count == 0) throw new RecipeException("network.layers is empty");
        if (table.Count > LayersMax) throw new RecipeException($"network.layers names {table.Count} layers: there may be {LayersMax} at most");
        if (inputSize < 1) throw new RecipeException($"network.input is {inputSize}: it must be at least 1");
        if (table.GroupBy(l => l.Name).FirstOrDefault(g => g.Count() > 1) is { } twice) throw new RecipeException($"network.layers names {twice.Key} twice");
        if (response.Window < 1 || response.Window % 2 == 0) throw new RecipeException($"network.response.window is {response.Window}: it must be an odd number");
        if (!(response.K > 0) || !(response.Alpha >= 0)) throw new RecipeException($"network.response has k {response.K} and alpha {response.Alpha}: k must be above 0 and alpha at least 0");
        var layers = new List<LayerShape>();
        var segments = new List<SegmentShape>();
        var run = new List<LayerShape>();
        var input = new Shape(1, 3, inputSize, inputSize); // what the next layer's kernels see
        var segmentInput = input;
        for (int i = 0; i < table.Count; i++)
        {
            var spec = table[i];
            bool last = i == table.Count - 1;
            if (i > 0 && spec.SeesBoth)
            {
                segments.Add(new SegmentShape(segments.Count, [.. run], segmentInput));
                run.Clear();
                input = input with { Channels = 2 * input.Channels };
                segmentInput = input;
            }
            var layer = Work(spec, i, input, last);
            layers.Add(layer);
            run.Add(layer);
            input = layer.Output;
        }
        segments.Add(new SegmentShape(segments.Count, [.. run], segmentInput));
        if (input.Height * input.Width != 1) throw new RecipeException($"the last layer, {table[^1].Name}, ends in maps of {input.Height}x{input.Width}: its outputs are the logits, so make it fully connected, size = 0");
        if (input.Features * 2 != classes) throw new RecipeException($"the last layer, {table[^1].Name}, has {input.Features * 2} outputs, network.classes is {classes}: they must be equal");
        Layers = layers;
        Segments = segments;
    }

    /// <summary>Side of the square crop the network sees.</summary>
    public int InputSize { get; }
    public int Classes { get; }
    public LocalResponse Response { get; }
    /// <summary>How the towers' portions lie on the wire; bfloat16 rounds them wherever the towers are, so that it changes the bits of a run and not those of a place.</summary>
    public ExchangeElement Exchanged { get; init; }
    public IReadOnlyList<LayerShape> Layers { get; }
    public IReadOnlyList<SegmentShape> Segments { get; }

    /// <summary>Floats of one image that a tower gives in the exchange before segment <paramref name="segment"/>; the number of segments means the loss.</summary>
    public int ExchangedFeatures(int segment) => (segment < Segments.Count ? Segments[segment].Input.Features : Classes) / 2;

    /// <summary>Images of a batch at most: all that it is travels in one piece, and all that a tower gives in an exchange.</summary>
    public int BatchMax => (int)(Array.MaxLength / Enumerable.Range(1, Segments.Count).Select(s => (long)sizeof(float) * ExchangedFeatures(s)).Append(Batch.BytesOfImage(InputSize)).Max());

    public long Parameters => Layers.Sum(l => l.Parameters);
    public long Neurons => Layers.Sum(l => l.Neurons);
    public long MultiplyAccumulates => Layers.Sum(l => l.MultiplyAccumulates);

    static LayerShape Work(LayerSpec spec, int index, Shape input, bool last)
    {
        if (spec.Kernels < 2 || spec.Kernels % 2 != 0) throw new RecipeException($"{spec.Name} has {spec.Kernels} kernels: they are split over two towers, so it must be an even number");
        if (!(spec.Deviation > 0)) throw new RecipeException($"{spec.Name} has deviation {spec.Deviation}: it must be above 0");
        if (!(spec.Dropout is >= 0 and < 1)) throw new RecipeException($"{spec.Name} has dropout {spec.Dropout}: it must be in [0, 1)");
        if (spec.Size < 0 || spec.Stride < 1 || spec.Pad < 0) throw new RecipeException($"{spec.Name} has size {spec.Size}, stride {spec.Stride} and pad {spec.Pad}: the stride must be at least 1, the others at least 0");
        int half = spec.Kernels / 2;
        var filter = spec.FullyConnected
            ? Filter.FullyConnected(input.Channels, input.Height, input.Width, half)
            : Filter.Convolution(input.Channels, input.Height, input.Width, half, spec.Size, spec.Stride, spec.Pad);
        if (filter.OutputHeight < 1 || filter.OutputWidth < 1)
            throw new RecipeException($"{spec.Name} ({spec.Size}x{spec.Size}, stride {spec.Stride}, pad {spec.Pad}) does not fit its input of {input.Height}x{input.Width}");
        double weights = (double)half * filter.Channels * filter.SizeY * filter.SizeX, outputs = (double)spec.Kernels * filter.OutputHeight * filter.OutputWidth;
        if (weights > WeightsMax || outputs > Array.MaxLength)
            throw new RecipeException($"{spec.Name} has {weights:0} weights a tower and {outputs:0} outputs an image: they may be {WeightsMax} and {Array.MaxLength} at most");
        if (index > 0 && spec.Stride != 1) throw new RecipeException($"{spec.Name} has stride {spec.Stride}: only the first layer may stride");
        if (spec.Dropout > 0 && filter.OutputHeight * filter.OutputWidth != 1) throw new RecipeException($"{spec.Name} has dropout: only fully connected layers may");
        if (spec.Dropout > 0 && spec.Normalize) throw new RecipeException($"{spec.Name} has dropout and normalisation: choose one");
        if (spec.Normalize && last) throw new RecipeException($"{spec.Name} has normalisation: the last layer's outputs are the logits");
        if (spec.Dropout > 0 && last) throw new RecipeException($"{spec.Name} has dropout: the last layer's outputs are the logits and cannot be dropped");
        var output = filter.OutputShape(1);
        if (spec.Pool)
        {
            if (output.Height < PoolSize || output.Width < PoolSize) throw new RecipeException($"{spec.Name} pools {PoolSize}x{PoolSize} windows over maps of {output.Height}x{output.Width}");
            output = output with { Height = (output.Height - PoolSize) / PoolStride + 1, Width = (output.Width - PoolSize) / PoolStride + 1 };
        }
        return new LayerShape(spec, index, filter, !last, output);
    }
}
