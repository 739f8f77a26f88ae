using AlexNetActors.Data;
using AlexNetActors.Model;

namespace AlexNetActors.Actors;

/// <summary>
/// The GPU actor's end of a connection from a loader in another process. Batches are received straight into buffers that come back when
/// their pass is done; credit bounds how many are under way.
/// </summary>
/// <param name="recipe">For the size of batches.</param>
/// <param name="generation">Incarnation of the group.</param>
/// <param name="mean">The mean image came. On the connection's thread, as the others.</param>
/// <param name="batch">A batch came.</param>
/// <param name="lost">One line.</param>
sealed class BatchReceiver(Recipe recipe, int generation, Action<MeanReady> mean, Action<BatchReady> batch, Action<string> lost) : TensorLink(lost), IFrameReceiver
{
    const int BuffersMax = 2048; // read-ahead is at most 1,024 batches of each kind of pass
    const int SideMax = 2048;    // of the mean image

    readonly Lock _lock = new();
    readonly Stack<Batch> _free = [];
    readonly byte[] _tables = new byte[new Batch(recipe.Batch, 1).TableBytes];
    Batch? _current;
    float[]? _mean;
    int _buffers;

    public (Memory<byte> First, Memory<byte> Second) Destination(in FrameHeader header)
    {
        if (header.Pass.Generation != generation) throw new FrameRefusedException($"{header.Kind} of generation {header.Pass.Generation}, now is {generation}");
        switch (header.Kind)
        {
            case FrameKind.Mean:
                int side = (int)Math.Sqrt(header.Bytes / (3 * sizeof(float)));
                if (side < recipe.Augmentation.CropSize || side > SideMax || header.Bytes != 3 * sizeof(float) * side * side) throw new FrameRefusedException($"a mean image of {header.Bytes} bytes");
                _mean = new float[header.Bytes / sizeof(float)];
                return (new ByteView<float>(_mean).Memory, default);
            case FrameKind.Batch:
                _current = Take();
                int wanted = _current.Pixels.Length + _tables.Length;
                return header.Bytes == wanted ? (_current.Pixels, _tables) : throw new FrameRefusedException($"a batch of {header.Bytes} bytes, wanted {wanted}");
            default:
                throw new FrameRefusedException($"{header.Kind} from a loader");
        }
    }

    public void Received(in FrameHeader header)
    {
        if (header.Kind == FrameKind.Mean)
        {
            mean(new MeanReady(generation, _mean!));
            return;
        }
        _current!.ReadTables(_tables);
        RequireSound(_current);
        batch(new BatchReady(header.Pass, _current) { Return = Return });
        _current = null;
    }

    /// <summary>Here the loader is blamed; on the device it would be the tower.</summary>
    void RequireSound(Batch received)
    {
        if (_mean is null) throw new FrameRefusedException("a batch before the mean image");
        int margin = (int)Math.Sqrt(_mean.Length / 3) - received.CropSize, classes = recipe.Network.Classes;
        foreach (var p in received.Placements)
            if (p.Top < 0 || p.Left < 0 || p.Top > margin || p.Left > margin) throw new FrameRefusedException($"a crop at ({p.Top}, {p.Left}), wanted 0 to {margin}");
        foreach (int label in received.Labels)
            if (label < -1 || label >= classes) throw new FrameRefusedException($"label {label}, wanted -1 to {classes - 1}");
    }

    Batch Take()
    {
        if (_current is not null) return _current;
        lock (_lock)
        {
            if (_free.TryPop(out var free)) return free;
            if (++_buffers > BuffersMax) throw new FrameRefusedException($"more than {BuffersMax} batches at once");
            return new Batch(recipe.Batch, recipe.Augmentation.CropSize);
        }
    }

    void Return(Batch done)
    {
        lock (_lock) _free.Push(done);
    }
}
