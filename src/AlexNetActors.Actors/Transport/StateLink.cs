using Akka.Actor;
using AlexNetActors.Model;

namespace AlexNetActors.Actors;

/// <summary>
/// One end of the connection over which a tower's weights and velocities travel between its node and the archive's, a frame a parameter.
/// </summary>
/// <param name="network">Whose states they are.</param>
/// <param name="generation">Incarnation of the group.</param>
/// <param name="towers">The towers at the far or near end.</param>
/// <param name="opened">The connection stands. On its thread, as the others.</param>
/// <param name="received">A whole state; its memory is used again by the next one of its tower.</param>
/// <param name="lost">One line.</param>
sealed class StateLink(Network network, int generation, IReadOnlyList<TowerId> towers, Action<StateLink> opened, Action<TowerStateReady> received, Action<string> lost) : IFrameReceiver, IDisposable
{
    readonly TowerState?[] _rooms = new TowerState?[TowerIds.Both.Count];
    volatile TensorConnection? _connection;
    int _next; // index of the parameter that comes next

    /// <summary>To whoever owns the link: it stands.</summary>
    public sealed record Opened(int Generation, IReadOnlyList<TowerId> Towers, StateLink Link) : INoSerializationVerificationNeeded;

    public void Connected(TensorConnection connection)
    {
        _connection = connection;
        opened(this);
    }

    public void Send(TowerStateReady message)
    {
        for (int i = 0; i < message.State.Values.Count; i++)
        {
            float[] data = message.State.Values[i].Data;
            var header = new FrameHeader(FrameKind.State, new PassId(generation, PassKind.Train, message.Steps), default, (byte)i, message.State.Tower, ElementType.Float32, sizeof(float) * data.Length);
            _connection?.Send(header, new ByteView<float>(data).Memory);
        }
    }

    public (Memory<byte> First, Memory<byte> Second) Destination(in FrameHeader header)
    {
        if (header.Kind != FrameKind.State || header.Pass.Generation != generation || !towers.Contains(header.Tower)) throw new FrameRefusedException($"{header} does not belong to the states of generation {generation}");
        var values = Room(header.Tower).Values;
        if (header.Part != _next || header.Part >= values.Count || header.Bytes != sizeof(float) * values[header.Part].Data.Length)
            throw new FrameRefusedException($"{header.Bytes} bytes of parameter {header.Part}: wanted parameter {_next} of the network");
        return (new ByteView<float>(values[header.Part].Data).Memory, default);
    }

    public void Received(in FrameHeader header)
    {
        var state = Room(header.Tower);
        _next = (_next + 1) % state.Values.Count;
        if (_next == 0) received(new TowerStateReady(generation, header.Pass.Number, state));
    }

    TowerState Room(TowerId tower) => _rooms[(int)tower] ??= TowerStates.Empty(network, tower);

    public void Lost(string reason) => lost(reason);

    public void Dispose() => _connection?.Dispose();
}
