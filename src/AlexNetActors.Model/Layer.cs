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
    readonly Tensor? _normalized, _pooled;
    readonly Tensor? _dRectified;
    readonly bool _together; // normalises and pools in one go
    Tensor? _input, _dOutput;

    public Layer(Network network, LayerShape shape, TowerId tower, IDevice device, int batch, bool training)
    {
        (_shape, _tower, _device, _response) = (shape, tower, device, network.Response);
        Tensor Activation(Shape s) => device.AllocateActivation(s with { Images = batch });
        var filtered = shape.Filter.OutputShape(batch);
        _rectified = Activation(filtered);
        _together = shape.Spec.Normalize && shape.Spec.Pool && shape.Rectified;
        if (shape.Spec.Normalize && !_together) _normalized = Activation(filtered);
        if (shape.Spec.Pool) _pooled = Activation(shape.Output);
        if (training && (shape.Spec.Normalize || shape.Spec.Pool)) _dRectified = Activation(filtered);
        var bias = new Shape(1, shape.Filter.Kernels, 1, 1);
        Tensor? Extra(Func<Tensor> allocate) => training ? allocate() : null;
        Weights = new Parameter($"{shape.Name}.weight", shape, shape.Filter.WeightsShape, device.AllocateWeights(shape.Filter),
            Extra(() => device.AllocateWeights(shape.Filter)), Extra(() => device.AllocateWeights(shape.Filter)));
        Bias = new Parameter($"{shape.Name}.bias", shape, bias, device.AllocatePlain(bias), Extra(() => device.AllocatePlain(bias)), Extra(() => device.AllocatePlain(bias)));
    }

    public string Name => _shape.Name;
    public Parameter Weights { get; }
    public Parameter Bias { get; }

    /// <summary>[B, C, H, W] of this tower's half.</summary>
    public Tensor Output => _pooled ?? _normalized ?? _rectified;

    public void Forward(Tensor input, PassSettings pass)
    {
        _input = input;
        _device.Convolve(input, Weights.Value, Bias.Value, _shape.Filter, _shape.Rectified, _rectified);
        if (_normalized is not null) _device.Normalize(_rectified, _response, _normalized);
        if (_together) _device.NormalizeMaxPool(_rectified, _response, Network.PoolSize, Network.PoolStride, _pooled!);
        else if (_pooled is not null) _device.MaxPool(_normalized ?? _rectified, Network.PoolSize, Network.PoolStride, _pooled);
        if (_shape.Spec.Dropout == 0) return;
        if (pass.Training)
            _device.Dropout(new Philox(pass.Seed, Purpose.Dropout, (byte)_shape.Index, (ulong)pass.Step), _shape.Spec.Dropout, _tower.Offset(_shape.Filter.Kernels), Output);
        else
            _device.Scale((float)(1 - _shape.Spec.Dropout), Output); // paper section 4.2
    }

    /// <summary>Gradient by the filter's output from the gradient by <see cref="Output"/>, and by the input if asked for.</summary>
    public void BackwardInput(Tensor dOutput, Tensor? dInput)
    {
        var d = dOutput;
        if (_together)
        {
            _device.NormalizeMaxPoolBackward(_rectified, _pooled!, d, _response, Network.PoolSize, Network.PoolStride, _dRectified!);
            d = _dRectified!;
        }
        else
        {
            if (_pooled is not null)
            {
                _device.MaxPoolBackward(_normalized ?? _rectified, _pooled, d, Network.PoolSize, Network.PoolStride, _dRectified!);
                d = _dRectified!;
            }
            if (_normalized is not null)
            {
                _device.NormalizeBackward(_rectified, d, _response, _dRectified!);
                d = _dRectified!;
            }
            if (_shape.Rectified) _device.RectifyBackward(_rectified, d);
        }
        _dOutput = d;
        if (dInput is not null) _device.ConvolveBackwardInput(d, Weights.Value, _shape.Filter, dInput);
    }

    /// <summary>Gradients by weights and bias; after <see cref="BackwardInput"/>.</summary>
    public void BackwardWeights() => _device.ConvolveBackwardWeights(_input!, _dOutput!, _shape.Filter, Weights.Gradient!, Bias.Gradient!);
}
