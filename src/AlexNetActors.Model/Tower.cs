using AlexNetActors.Compute;
using AlexNetActors.Data;

namespace AlexNetActors.Model;

/// <summary>How fast to learn (paper section 5).</summary>
public readonly record struct Descent(float Rate, float Momentum, float WeightDecay);

/// <summary>
/// One half of the network on one device. It computes and holds; what crosses to the other half leaves through the returned
/// memory (canonical [B, C, H, W] float32, valid until the same exchange of the next pass) and comes in through the Accept methods.
/// <see cref="Pass"/> calls these in order.
/// </summary>
public sealed class Tower
{
    readonly IDevice _device;
    readonly ulong _seed;
    readonly Segment[] _segments;
    readonly float[][] _gatherOut, _sumOut; // by segment: what this tower sends before it (gather) and after its backward (sum)
    readonly float[] _logits, _dLogits;     // [B, classes] and this tower's half of its gradient
    readonly Tensor _mean;
    readonly Parameter[] _parameters;
    PassSettings _pass;

    /// <param name="network">The layer table.</param>
    /// <param name="id">Which half.</param>
    /// <param name="device">Where it lives; the caller keeps ownership.</param>
    /// <param name="batch">Images in a pass.</param>
    /// <param name="seed">The run's seed, for dropout.</param>
    /// <param name="mean">The training set's mean image, [R, R, 3] with R &gt;= the network's input.</param>
    /// <param name="training">False saves the memory of gradients and velocities.</param>
    public Tower(Network network, TowerId id, IDevice device, int batch, ulong seed, ReadOnlySpan<float> mean, bool training)
    {
        (Network, Id, _device, Batch, _seed) = (network, id, device, batch, seed);
        int side = (int)Math.Round(Math.Sqrt(mean.Length / 3));
        _mean = device.AllocatePlain(new Shape(1, side, side, 3));
        device.Write(mean, _mean);
        _segments = [.. network.Segments.Select(s => new Segment(network, s, id, device, batch, training))];
        _gatherOut = [.. network.Segments.Select(s => new float[s.Index == 0 ? 0 : s.Input.Count / 2 * batch]), new float[batch * network.Classes / 2]];
        _sumOut = [.. network.Segments.Select(s => new float[!training || s.Index == 0 ? 0 : s.Input.Count / 2 * batch])];
        _logits = new float[batch * network.Classes];
        _dLogits = new float[batch * network.Classes / 2];
        _parameters = [.. _segments.SelectMany(s => s.Parameters)];
    }

    public Network Network { get; }
    public TowerId Id { get; }
    public int Batch { get; }
    public IDevice Device => _device;
    public IReadOnlyList<Parameter> Parameters => _parameters;

    /// <summary>[B, classes] of both towers, after the last <see cref="Accept"/> of a pass.</summary>
    public ReadOnlySpan<float> Logits => _logits;

    /// <summary>Starts a pass: the batch becomes the input of conv1, which both towers see whole.</summary>
    public void Load(Batch batch, bool training, long step)
    {
        _pass = new PassSettings(training, _seed, step);
        _device.LoadCrops(batch.Pixels, batch.Placements, batch.ColourShift, _mean, _segments[0].Input);
    }

    /// <summary>Computes segment <paramref name="s"/> and returns this tower's half of what the next one (or the loss) sees.</summary>
    public ReadOnlyMemory<float> Forward(int s)
    {
        _segments[s].Forward(_pass);
        var output = _segments[s].Output;
        _device.ReadChannels(output, 0, output.Shape.Channels, _gatherOut[s + 1]);
        if (s + 1 < _segments.Length)
            _device.CopyChannels(output, 0, output.Shape.Channels, _segments[s + 1].Input, Id.Offset(output.Shape.Channels));
        else
            PlaceLogits(Id, _gatherOut[s + 1]);
        return _gatherOut[s + 1];
    }

    /// <summary>Takes the other tower's half of what segment <paramref name="s"/> sees; s = number of segments for the logits.</summary>
    public void Accept(int s, ReadOnlySpan<float> half)
    {
        if (s < _segments.Length)
        {
            int channels = _segments[s].Input.Shape.Channels / 2;
            _device.WriteChannels(half, Id.Other().Offset(channels), channels, _segments[s].Input);
        }
        else
            PlaceLogits(Id.Other(), half);
    }

    void PlaceLogits(TowerId from, ReadOnlySpan<float> half)
    {
        int n = Network.Classes / 2;
        for (int b = 0; b < Batch; b++) half.Slice(b * n, n).CopyTo(_logits.AsSpan(b * 2 * n + from.Offset(n)));
    }

    /// <summary>Softmax and cross-entropy over both towers' logits, and this tower's half of their gradient for <see cref="BackwardInput"/>.</summary>
    public Score Loss(ReadOnlySpan<int> labels)
    {
        var score = Model.Loss.Evaluate(_logits, labels, Network.Classes);
        if (!_pass.Training) return score;
        int n = Network.Classes / 2;
        Model.Loss.Gradient(_logits, labels, Network.Classes, Id.Offset(n), n, _dLogits);
        _device.Write(_dLogits, _segments[^1].DOutput);
        return score;
    }

    /// <summary>
    /// Backward through segment <paramref name="s"/> by its inputs. Returns this tower's part of the gradient by the other's half of the input;
    /// empty for the first segment. <see cref="BackwardWeights"/> may run while it travels.
    /// </summary>
    public ReadOnlyMemory<float> BackwardInput(int s)
    {
        _segments[s].BackwardInput();
        if (_segments[s].DInput is not { } dInput) return default;
        int channels = dInput.Shape.Channels / 2;
        _device.ReadChannels(dInput, Id.Other().Offset(channels), channels, _sumOut[s]);
        return _sumOut[s];
    }

    public void BackwardWeights(int s) => _segments[s].BackwardWeights();

    /// <summary>Adds the other tower's part of the gradient by this tower's half of segment <paramref name="s"/>'s input. Two summands: A + B is B + A, bit for bit.</summary>
    public void AcceptGradient(int s, ReadOnlySpan<float> part)
    {
        var dInput = _segments[s].DInput!;
        var dOutput = _segments[s - 1].DOutput;
        int channels = dInput.Shape.Channels / 2;
        _device.CopyChannels(dInput, Id.Offset(channels), channels, dOutput, 0);
        _device.Accumulate(part, dOutput);
    }

    /// <summary>The paper's update of every weight and bias (section 5); biases do not decay.</summary>
    public void Descend(Descent descent)
    {
        foreach (var p in _parameters)
            _device.Descend(p.Gradient!, descent.Rate, descent.Momentum, p.IsBias ? 0 : descent.WeightDecay, p.Velocity!, p.Value);
    }

    /// <summary>
    /// N(0, deviation) weights and constant biases. The number of a weight depends on the seed and its place in the whole
    /// network, not on the split.
    /// </summary>
    public void Initialize()
    {
        foreach (var p in _parameters)
        {
            if (p.IsBias)
                _device.Write(Enumerable.Repeat(p.Layer.Spec.Bias, p.Shape.Channels).ToArray(), p.Value);
            else
                _device.DrawNormal(new Philox(_seed, Purpose.Weights, (byte)p.Layer.Index, 0), (ulong)Id.Offset((int)p.Shape.Count), p.Layer.Spec.Deviation, p.Value);
        }
    }
}
