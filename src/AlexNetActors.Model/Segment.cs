using AlexNetActors.Compute;

namespace AlexNetActors.Model;

/// <summary>
/// One tower's layers between two exchanges. <see cref="Input"/> is filled by the tower (the batch, or both towers' maps),
/// <see cref="Output"/> is this tower's half; backward starts from <see cref="DOutput"/> and leaves this tower's part of the gradient in <see cref="DInput"/>.
/// </summary>
sealed class Segment
{
    readonly Layer[] _layers;
    readonly Tensor[] _dOutputs; // gradient by each layer's output

    /// <exception cref="DeviceException">There is not so much memory; names the layer.</exception>
    public Segment(Network network, SegmentShape shape, TowerId tower, IDevice device, int batch, bool training)
    {
        var first = shape.Layers[0];
        Tensor Activation(LayerShape layer, Shape s) => Of(layer, () => device.AllocateActivation(s with { Images = batch }));
        Input = Activation(first, shape.Input);
        _layers = [.. shape.Layers.Select(l => Of(l, () => new Layer(network, l, tower, device, batch, training)))];
        _dOutputs = training ? [.. shape.Layers.Select(l => Activation(l, l.Output))] : [];
        if (training && shape.Index > 0) DInput = Activation(first, shape.Input);
    }

    static T Of<T>(LayerShape layer, Func<T> made)
    {
        try
        {
            return made();
        }
        catch (DeviceException e)
        {
            throw new DeviceException($"{layer.Name}: {e.Message}", e);
        }
    }

    public Tensor Input { get; }
    public Tensor Output => _layers[^1].Output;
    public Tensor DOutput => _dOutputs[^1];

    /// <summary>Null for the first segment: nobody asks for the gradient by the pictures.</summary>
    public Tensor? DInput { get; }

    /// <summary>In forward order.</summary>
    public IReadOnlyList<Layer> Layers => _layers;

    /// <summary>Gradient by a layer's input: within the segment the whole of it, before it this tower's part.</summary>
    public Tensor? DInputOf(int layer) => layer > 0 ? _dOutputs[layer - 1] : DInput;

    public IEnumerable<Parameter> Parameters => _layers.SelectMany(l => new[] { l.Weights, l.Bias });

    public void Forward(PassSettings pass)
    {
        var input = Input;
        foreach (var layer in _layers)
        {
            layer.Forward(input, pass);
            input = layer.Output;
        }
    }

    public void BackwardInput()
    {
        for (int i = _layers.Length - 1; i >= 0; i--)
            _layers[i].BackwardInput(_dOutputs[i], DInputOf(i));
    }

    public void BackwardWeights()
    {
        for (int i = _layers.Length - 1; i >= 0; i--) _layers[i].BackwardWeights();
    }
}
