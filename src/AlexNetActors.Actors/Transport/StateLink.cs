using Akka.Actor;
using AlexNetActors.Model;

namespace AlexNetActors.Actors;

/// <summary>
/// One end of a connection over which a tower's weights and velocities travel, a frame a parameter: between its node and the archive's for a
/// checkpoint, between the nodes of both towers for a snapshot.
/// </summary>
/// <param name="network">Whose states they are.</param>
/// <param name="generation">Incarnation of the group.</param>
/// <param name="towers">Whose states may come.</param>
/// <param name="room">Memory for a tower's state after so many steps, and whether it lies there already, so that what comes is let go by, as it is where this is null: nobody wants it. On the connection's thread, as the others.</param>
/// <param name="opened">The connection stands.</param>
/// <param name="received">A whole state, in the memory that was given.</param>
/// <param name="lost">One line.</param>
sealed class StateLink(
    Network network, int generation, IReadOnlyList<TowerId> towers, Func<TowerId, long, (TowerState State, bool Whole)?> room, Action<StateLink> opened, Action<TowerStateReady> received, Action<string> lost) : TensorLink(lost), IFrameReceiver
{
    TowerState? _current; // that comes in
    byte[]? _aside; // for what goes by
    bool _wanted;
    long _steps;
    int _next; // index of its parameter that comes next

    /// <summary>To whoever owns the link: it stands.</summary>
    public sealed record Opened(int Generation, IReadOnlyList<TowerId> Towers, StateLink Link) : INoSerializationVerificationNeeded;

    /// <summary>Memory for one state of each tower, used again by the next.</summary>
    public static Func<TowerId, long, (TowerState, bool)?> OneRoomEach(Network network)
    {
        var rooms = new TowerState?[TowerIds.Both.Count];
        return (tower, _) => (rooms[(int)tower] ??= TowerStates.Empty(network, tower), false);
    }

    protected override void Stands()
    {
        _next = 0; // whatever came in part by a connection before
        opened(this);
    }

    /// <summary>Everything that was to be sent has been: its memory may change.</summary>
    public bool Drained => Connection?.Drained != false;

    /// <summary>The state's memory stays as it is until this is <see cref="Drained"/>.</summary>
    public void Send(TowerStateReady message)
    {
        for (int i = 0; i < message.State.Values.Count; i++)
        {
            float[] data = message.State.Values[i].Data;
            var header = new FrameHeader(FrameKind.State, new PassId(generation, PassKind.Train, message.Steps), default, (byte)i, message.State.Tower, ElementType.Float32, sizeof(float) * data.Length);
            Connection?.Send(header, new ByteView<float>(data).Memory);
        }
    }

    public (Memory<byte> First, Memory<byte> Second) Destination(in FrameHeader header)
    {
        if (header.Kind != FrameKind.State || header.Pass.Generation != generation || !towers.Contains(header.Tower)) throw new FrameRefusedException($"{header} does not belong to the states of generation {generation}");
        int parameters = 4 * network.Layers.Count; // weight and bias, each with its velocity
        if (header.Part != _next || header.Part >= parameters) throw new FrameRefusedException($"parameter {header.Part} of a state: wanted parameter {_next} of {parameters}");
        if (_next == 0)
        {
            var place = room(header.Tower, header.Pass.Number);
            _wanted = place is not null;
            (_current, bool whole) = place ?? (TowerStates.Empty(network, header.Tower), true); // its sizes are checked all the same
            _aside = whole ? new byte[sizeof(float) * _current.Values.Max(v => v.Data.Length)] : null;
            _steps = header.Pass.Number;
        }
        var values = _current!.Values[header.Part];
        if (header.Tower != _current.Tower || header.Pass.Number != _steps || header.Bytes != sizeof(float) * values.Data.Length)
            throw new FrameRefusedException($"{header.Bytes} bytes of {values.Name} of tower {header.Tower} after step {header.Pass.Number}: wanted {sizeof(float) * values.Data.Length} of tower {_current.Tower} after step {_steps}");
        return (_aside is null ? new ByteView<float>(values.Data).Memory : _aside.AsMemory(0, header.Bytes), default);
    }

    public void Received(in FrameHeader header)
    {
        _next = (_next + 1) % _current!.Values.Count;
        if (_next > 0) return;
        var whole = _current;
        (_current, _aside) = (null, null);
        if (_wanted) received(new TowerStateReady(generation, _steps, whole));
    }
}
