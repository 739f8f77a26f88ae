using AlexNetActors.Compute;
using AlexNetActors.Data;

namespace AlexNetActors.Model;

/// <summary>How fast to learn (paper section 5).</summary>
public readonly record struct Descent(float Rate, float Momentum, float WeightDecay);

/// <summary>
/// One half of the network on one device. It computes and holds; what crosses to the other half leaves as a <see cref="Portion"/>
/// (valid until the same exchange of the next pass) and comes in through the Accept methods.
/// <see cref="Pass"/> calls these in order.
/// </summary>
public sealed class Tower
{
    readonly IDevice _device;
    readonly ulong _seed;
    readonly Segment[] _segments;
    readonly Portion[] _gathers;        // by segment: what this tower gives after it
    readonly Portion?[] _sums;          // by segment: what this tower gives after its backward
    readonly Tensor _mean, _lossInput;  // _lossInput: the logits of both towers, [B, classes, 1, 1]
    readonly float[] _logits, _dLogits; // [B, classes] and this tower's half of its gradient
    readonly Parameter[] _parameters;
    readonly Tensor[] _biasGradients;
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
        (Network, Id, _device, _seed) = (network, id, device, seed);
        int side = (int)Math.Round(Math.Sqrt(mean.Length / 3));
        _mean = device.AllocatePlain(new Shape(1, side, side, 3));
        device.Write(mean, _mean);
        _segments = [.. network.Segments.Select(s => new Segment(network, s, id, device, batch, training))];
        _lossInput = device.AllocateActivation(new Shape(batch, network.Classes, 1, 1));
        _gathers = [.. _segments.Select((g, s) => new Portion(device, g.Output, 0, g.Output.Shape.Channels, s == network.Segments.Count - 1 ? ExchangeElement.Float32 : network.Exchanged))];
        _sums = [.. _segments.Select(g => g.DInput is { } d ? new Portion(device, d, id.Other().Offset(d.Shape.Channels / 2), d.Shape.Channels / 2, network.Exchanged) : null)];
        _logits = new float[batch * network.Classes];
        _dLogits = new float[batch * network.Classes / 2];
        _parameters = [.. _segments.SelectMany(s => s.Parameters)];
        _biasGradients = training ? [.. _parameters.Where(p => p.IsBias).Select(p => p.Gradient!)] : [];
    }

    public Network Network { get; }
    public TowerId Id { get; }
    public IDevice Device => _device;
    public IReadOnlyList<Parameter> Parameters => _parameters;
    internal IReadOnlyList<Segment> Segments => _segments;
    internal Tensor LossInput => _lossInput;

    /// <summary>[B, classes], both towers', after <see cref="Loss"/>, where this is the first of the towers that it was given: only that one reads them.</summary>
    public ReadOnlySpan<float> Logits => _logits;

    /// <summary>Starts a pass as another tower on the same device has started it: both see the whole picture.</summary>
    public void Load(Tower other)
    {
        _pass = other._pass;
        _device.CopyChannels(other._segments[0].Input, 0, other._segments[0].Input.Shape.Channels, _segments[0].Input, 0);
    }

    /// <summary>Starts a pass: the batch becomes the input of conv1, which both towers see whole.</summary>
    public void Load(Batch batch, bool training, long step)
    {
        _pass = new PassSettings(training, _seed, step);
        _device.LoadCrops(batch.Pixels, batch.Placements, batch.ColourShift, _mean, _segments[0].Input);
    }

    /// <summary>Computes segment <paramref name="s"/> and returns this tower's half of what the next one (or the loss) sees.</summary>
    public Portion Forward(int s)
    {
        _segments[s].Forward(_pass);
        var output = _segments[s].Output;
        _device.CopyChannels(output, 0, output.Shape.Channels, InputOf(s + 1), Id.Offset(output.Shape.Channels));
        return _gathers[s];
    }

    /// <summary>Takes the other tower's half of what segment <paramref name="s"/> sees; s = number of segments for the logits.</summary>
    public void Accept(int s, Portion half)
    {
        int channels = InputOf(s).Shape.Channels / 2;
        half.CopyTo(_device, InputOf(s), Id.Other().Offset(channels), channels);
    }

    /// <summary>What segment <paramref name="s"/> sees, both towers' halves, [B, C, H, W]; s = number of segments for the logits.</summary>
    public Tensor InputOf(int s) => s < _segments.Length ? _segments[s].Input : _lossInput;

    /// <summary>Softmax and cross-entropy over both towers' logits, and for each of these towers its half of their gradient for <see cref="BackwardInput"/>.</summary>
    /// <param name="towers">A, B or both: every tower has all logits, so one reads them for both.</param>
    /// <param name="labels">[B]</param>
    public static Score Loss(IReadOnlyList<Tower> towers, int[] labels)
    {
        var one = towers[0];
        one._device.ReadChannels(one._lossInput, 0, one.Network.Classes, one._logits);
        if (!one._pass.Training) return one.LossOfLogits(labels, [], []);
        float[] a = [], b = [];
        foreach (var tower in towers)
            if (tower.Id == TowerId.A) a = tower._dLogits;
            else b = tower._dLogits;
        var score = one.LossOfLogits(labels, a, b);
        foreach (var tower in towers) tower._device.Write(tower._dLogits, tower._segments[^1].DOutput);
        return score;
    }

    Score LossOfLogits(int[] labels, float[] a, float[] b) => _device.LeavesProcessorFree
        ? Model.Loss.EvaluateOnAllCores(_logits, labels, Network.Classes, a, b)
        : Model.Loss.Evaluate(_logits, labels, Network.Classes, a, b);

    /// <summary>
    /// Backward through segment <paramref name="s"/> by its inputs. Returns this tower's part of the gradient by the other's half of the input;
    /// nothing for the first segment. <see cref="BackwardWeights"/> may run while it travels.
    /// </summary>
    public Portion? BackwardInput(int s)
    {
        _segments[s].BackwardInput();
        return _sums[s];
    }

    public void BackwardWeights(int s) => _segments[s].BackwardWeights();

    /// <summary>
    /// Where the other tower's part of the gradient before segment <paramref name="s"/> may be written, in <see cref="ChannelOrder.Own"/>, from the end of one pass until
    /// <see cref="AcceptGradient"/> of the next takes <see cref="Portion.InPlace"/>; empty where the device has no such place.
    /// </summary>
    public Memory<byte> PlaceOfSum(int s) => Network.Exchanged == ExchangeElement.Float32 ? _device.WhereItLies(_segments[s - 1].DOutput) : default;

    /// <summary>Adds the other tower's part of the gradient by this tower's half of segment <paramref name="s"/>'s input. Two summands: A + B is B + A, bit for bit.</summary>
    public void AcceptGradient(int s, Portion part)
    {
        var dInput = _segments[s].DInput!;
        var dOutput = _segments[s - 1].DOutput;
        int channels = dInput.Shape.Channels / 2;
        part.CopyTo(_device, dOutput, 0, channels);
        _device.AddChannels(dInput, Id.Offset(channels), channels, dOutput, 0);
    }

    /// <summary>
    /// Whether the gradients by the biases are finite, after backward: each is the sum of all gradients by its kernel's outputs, so one that is
    /// not finite shows there, and they are a few thousand numbers where the gradients by the weights are 30 million. A product that overflows in those
    /// alone shows a step later, in the weights; none such is ever kept (<see cref="TowerStates.Capture"/>).
    /// </summary>
    public bool GradientsAreFinite() => _device.AreFinite(_biasGradients);

    /// <summary>The paper's update of every weight and bias (section 5); biases do not decay.</summary>
    public void Descend(Descent descent)
    {
        HasMoved = true;
        foreach (var p in _parameters)
            _device.Descend(p.Gradient!, descent.Rate, descent.Momentum, p.IsBias ? 0 : descent.WeightDecay, p.Velocity!, p.Value);
    }

    /// <summary>
    /// N(0, deviation) weights and constant biases, at rest, also in a tower that has been trained before. The number of a weight depends on the seed and its place in the whole
    /// network, not on the split.
    /// </summary>
    public void Initialize()
    {
        foreach (var p in _parameters)
        {
            if (p.IsBias)
                _device.Write(Enumerable.Repeat(p.Layer.Spec.Bias, p.Shape.Channels).ToArray(), p.Value);
            else
                _device.DrawNormal(p.Layer.Draws(_seed), (ulong)Id.Offset((int)p.Shape.Count), p.Layer.Spec.Deviation, p.Value);
            if (HasMoved && p.Velocity is { } velocity) _device.Write(new float[velocity.Shape.Count], velocity);
        }
        HasMoved = false;
    }

    /// <summary>Whether velocities may be other than zero, as they were allocated.</summary>
    internal bool HasMoved { get; set; }
}
