using AlexNetActors.Data;
using AlexNetActors.Model;

namespace AlexNetActors.Actors;

/// <summary>The loader's end of a connection to a GPU actor in another process: the mean image once, then batches, uint8 crops and their tables.</summary>
/// <param name="generation">Incarnation of the group.</param>
/// <param name="opened">The connection stands. On its thread, as the other.</param>
/// <param name="lost">One line.</param>
sealed class BatchSender(int generation, Action opened, Action<string> lost) : TensorLink(lost), IFrameReceiver
{
    readonly Dictionary<Batch, byte[]> _tables = [];

    protected override void Stands() => opened();

    public void Send(float[] mean) =>
        Connection?.Send(new FrameHeader(FrameKind.Mean, new PassId(generation, default, 0), default, 0, default, ElementType.Float32, sizeof(float) * mean.Length), new ByteView<float>(mean).Memory);

    /// <summary>The batch stays as it is until its pass is done.</summary>
    public void Send(PassId pass, Batch batch)
    {
        if (!_tables.TryGetValue(batch, out var tables)) tables = _tables[batch] = new byte[batch.TableBytes];
        batch.WriteTables(tables);
        Connection?.Send(new FrameHeader(FrameKind.Batch, pass, default, 0, default, ElementType.UInt8, batch.Pixels.Length + tables.Length), batch.Pixels, tables);
    }

    /// <summary>Forgets the batches that it has sent so far.</summary>
    public void Clear() => _tables.Clear();

    public (Memory<byte> First, Memory<byte> Second) Destination(in FrameHeader header) => throw new FrameRefusedException("a loader is sent nothing");

    public void Received(in FrameHeader header) { }
}
