using System.Buffers;
using System.Runtime.InteropServices;
using AlexNetActors.Compute;
using AlexNetActors.Model;

namespace AlexNetActors.Actors;

/// <summary>
/// One end of the connection between two towers in different processes. A portion is sent from where it lies and received to where it
/// belongs, or through one buffer an exchange where the device keeps it otherwise, and put into the tower's mailbox by the connection's own thread: no actor stands between.
/// <para>One place an exchange suffices: the other tower sends the same exchange again only in its next pass, which begins when both
/// towers are done with this one.</para>
/// </summary>
/// <param name="network">Whose exchanges they are.</param>
/// <param name="batch">Images in a pass.</param>
/// <param name="order">Of all values, both ways.</param>
/// <param name="generation">Incarnation of the group.</param>
/// <param name="other">The tower at the far end.</param>
/// <param name="opened">The connection stands. On its thread, as the others.</param>
/// <param name="received">The other tower's portion.</param>
/// <param name="lost">One line.</param>
sealed class ExchangeLink(Network network, int batch, ChannelOrder order, int generation, TowerId other, Action opened, Action<ActivationReady> received, Action<string> lost) : TensorLink(lost), IFrameReceiver
{
    volatile Tower? _tower; // that receives
    readonly Buffer?[] _in = new Buffer?[2 * (network.Segments.Count + 1)], _out = new Buffer?[2 * (network.Segments.Count + 1)]; // by exchange

    /// <summary>The floats of an exchange, as they are on the wire and as what is handed over.</summary>
    sealed class Buffer
    {
        readonly ushort[] _halves = []; // bfloat16 on the wire
        readonly MemoryManager<byte>? _view;

        public readonly float[] Floats = [];
        public readonly Portion Portion;

        /// <summary>As they are on the wire.</summary>
        public Memory<byte> Wire => _view?.Memory ?? _place;
        readonly Memory<byte> _place;

        /// <summary>Of its own.</summary>
        public Buffer(float[] floats, ElementType element, ChannelOrder order)
        {
            (Floats, Portion) = (floats, new Portion(floats, order));
            if (element == ElementType.BFloat16) _halves = new ushort[floats.Length];
            _view = element == ElementType.BFloat16 ? new ByteView<ushort>(_halves) : new ByteView<float>(floats);
        }

        /// <summary>The tower's.</summary>
        public Buffer(Memory<byte> place) => (_place, Portion) = (place, Portion.InPlace);

        public void Pack()
        {
            if (_halves.Length > 0) BrainFloat.Pack(Floats, _halves);
        }

        public void Unpack()
        {
            if (_halves.Length > 0) BrainFloat.Unpack(_halves, Floats);
        }
    }

    ElementType ElementOf(int segment) => network.Exchanged == ExchangeElement.BF16 && segment < network.Segments.Count ? ElementType.BFloat16 : ElementType.Float32;

    protected override void Stands() => opened();

    /// <summary>The tower stands, before any pass: gradients from the other go straight to it.</summary>
    public void ReceiveInto(Tower tower) => _tower = tower;

    /// <summary>On the compute thread. The memory of the portion's values stays as it is until the same exchange of the next pass.</summary>
    public void Send(ActivationReady message)
    {
        var element = ElementOf(message.Exchange.Segment);
        var place = message.Portion.WhereItLies(order);
        if (place.IsEmpty) place = Packed(message, element);
        else message.Portion.Settle();
        Connection?.Send(new FrameHeader(FrameKind.Activation, message.Exchange.Pass, message.Exchange.Kind, message.Exchange.Segment, message.From, element, place.Length), place);
    }

    ReadOnlyMemory<byte> Packed(ActivationReady message, ElementType element)
    {
        var values = message.Portion.Values(order);
        ref var buffer = ref _out[Index(message.Exchange.Kind, message.Exchange.Segment)];
        if (!MemoryMarshal.TryGetArray(values, out var array) || array.Offset != 0 || array.Count != array.Array!.Length) throw new InvalidOperationException("a portion is a whole array");
        if (buffer?.Floats != array.Array) buffer = new Buffer(array.Array, element, order);
        buffer.Pack();
        return buffer.Wire;
    }

    public (Memory<byte> First, Memory<byte> Second) Destination(in FrameHeader header)
    {
        if (header.Kind != FrameKind.Activation || header.Pass.Generation != generation || header.Tower != other)
            throw new FrameRefusedException($"{header} does not belong to the exchanges of generation {generation} with tower {other}");
        int most = network.Segments.Count - (header.Exchange == ExchangeKind.Sum ? 1 : 0); // the loss gathers only
        if (header.Part < 1 || header.Part > most) throw new FrameRefusedException($"there is no {header.Exchange} before segment {header.Part}");
        var element = ElementOf(header.Part);
        var buffer = _in[Index(header.Exchange, header.Part)] ??= NewBuffer(header.Exchange, header.Part, element);
        if (header.Element != element || header.Bytes != buffer.Wire.Length)
            throw new FrameRefusedException($"{header.Bytes} bytes of {header.Element} for the {header.Exchange} before segment {header.Part}, wanted {buffer.Wire.Length} of {element}");
        return (buffer.Wire, default);
    }

    Buffer NewBuffer(ExchangeKind kind, byte segment, ElementType element)
    {
        var place = kind == ExchangeKind.Sum && order == ChannelOrder.Own && _tower is { } tower ? tower.PlaceOfSum(segment) : default;
        return place.IsEmpty ? new Buffer(new float[batch * network.ExchangedFeatures(segment)], element, order) : new Buffer(place);
    }

    public void Received(in FrameHeader header)
    {
        var buffer = _in[Index(header.Exchange, header.Part)]!;
        buffer.Unpack();
        received(new ActivationReady(new ExchangeId(header.Pass, header.Exchange, header.Part), header.Tower, buffer.Portion));
    }

    static int Index(ExchangeKind kind, byte segment) => 2 * segment + (int)kind;
}
