using AlexNetActors.Compute;

namespace AlexNetActors.Model;

/// <summary>What a layer must know of the pass it runs in.</summary>
/// <param name="Training">Dropout drops in training and scales otherwise.</param>
/// <param name="Seed">The run's seed.</param>
/// <param name="Step">Key of this step's dropout.</param>
readonly record struct PassSettings(bool Training, ulong Seed, long Step);

/// <summary>
/// One tower's half of a layer: filter, rectifier, then local response normalisation and pooling or dropout where the table says so.
/// Forward fills the buffers that backward reads; all are allocated here, none later. Where a layer normalises and pools, as conv1 and
/// conv2 do, the device does both in one go and what is between is never stored.
/// </summary>
sealed class Layer
{
    readonly LayerShape _shape;
    readonly TowerId _tower;
    readonly IDevice _device;
    readonly LocalResponse _response;
    readonly Tensor _rectified;
    readonly Tensor? _dRectified; // null where what is rectified is the output
    Tensor? _input, _dFiltered;

    public Layer(Network network, LayerShape shape, TowerId tower, IDevice device, int batch, bool training)
    {
        (_shape, _tower, _device, _response) = (shape, tower, device, network.Response);
        Tensor Activation(Shape s) => device.AllocateActivation(s with { Images = batch });
        var filtered = shape.Filter.OutputShape(batch);
        _rectified = Activation(filtered);
        Output = shape.Spec.Normalize || shape.Spec.Pool ? Activation(shape.Output) : _rectified;
        if (training && Output != _rectified) _dRectified = Activation(filtered);
        var bias = new Shape(1, shape.Filter.Kernels, 1, 1);
        Tensor? LikeWeights() => training ? device.AllocateWeights(shape.Filter) : null;
        Tensor? LikeBias() => training ? device.AllocatePlain(bias) : null;
        Weights = new Parameter(shape.WeightName, shape, shape.Filter.WeightsShape, device.AllocateWeights(shape.Filter), LikeWeights(), LikeWeights());
        Bias = new Parameter(shape.BiasName, shape, bias, device.AllocatePlain(bias), LikeBias(), LikeBias());
    }

    public string Name => _shape.Name;
    public Parameter Weights { get; }
    public Parameter Bias { get; }

    /// <summary>[B, C, H, W] of this tower's half.</summary>
    public Tensor Output { get; }

    public void Forward(Tensor input, PassSettings pass)
    {
        _input = input;
        _device.Convolve(input, Weights.Value, Bias.Value, _shape.Filter, _shape.Rectified, _rectified);
        switch (_shape.Spec)
        {
            case { Normalize: true, Pool: true }: _device.NormalizeMaxPool(_rectified, _response, Network.PoolSize, Network.PoolStride, Output); break;
            case { Normalize: true }: _device.Normalize(_rectified, _response, Output); break;
            case { Pool: true }: _device.MaxPool(_rectified, Network.PoolSize, Network.PoolStride, Output); break;
        }
        if (_shape.Spec.Dropout == 0) return;
        if (pass.Training)
            _device.Dropout(new Philox(pass.Seed, Purpose.Dropout, (byte)_shape.Index, (ulong)pass.Step), _shape.Spec.Dropout, _tower.Offset(_shape.Filter.Kernels), Output);
        else
            _device.Scale((float)(1 - _shape.Spec.Dropout), Output); // paper section 4.2
    }

    /// <summary>Gradient by the filter's output from the gradient by <see cref="Output"/>, and by the input if asked for.</summary>
    public void BackwardInput(Tensor dOutput, Tensor? dInput)
    {
        var d = _dFiltered = _dRectified ?? dOutput;
        switch (_shape.Spec)
        {
            case { Normalize: true, Pool: true }: _device.NormalizeMaxPoolBackward(_rectified, Output, dOutput, _response, Network.PoolSize, Network.PoolStride, d); break; // and the rectifier
            case { Normalize: true }: _device.NormalizeBackward(_rectified, dOutput, _response, d); break;
            case { Pool: true }: _device.MaxPoolBackward(_rectified, Output, dOutput, Network.PoolSize, Network.PoolStride, d); break;
        }
        if (_shape.Rectified && _shape.Spec is not { Normalize: true, Pool: true }) _device.RectifyBackward(_rectified, d);
        if (dInput is not null) _device.ConvolveBackwardInput(d, Weights.Value, _shape.Filter, dInput);
    }

    /// <summary>Gradients by weights and bias; after <see cref="BackwardInput"/>.</summary>
    public void BackwardWeights() => _device.ConvolveBackwardWeights(_input!, _dFiltered!, _shape.Filter, Weights.Gradient!, Bias.Gradient!);
}
