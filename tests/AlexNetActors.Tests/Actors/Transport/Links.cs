using System.Collections.Concurrent;
using System.Security.Cryptography;
using AlexNetActors.Actors;
using AlexNetActors.Model;

namespace AlexNetActors.Tests.Actors.Transport;

/// <summary>Nodes on loopback and the ends of connections between them.</summary>
static class Links
{
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    /// <summary>Deadlines that no healthy connection meets on a busy machine, but that a test can wait for.</summary>
    public static readonly TransportSettings Settings = new("127.0.0.1", 0, "127.0.0.1", null,
        HandshakeDeadline: TimeSpan.FromSeconds(5), IdleDeadline: TimeSpan.FromSeconds(5), ConnectDeadline: TimeSpan.FromSeconds(5), SendDeadline: TimeSpan.FromSeconds(20), SendQueueFrames: 8);

    public static readonly TensorHello Hello = new(3, LinkPurpose.Exchange, "gpu-0", "gpu-1");

    public static FrameHeader Header(int bytes, long number = 0, int generation = 3) =>
        new(FrameKind.Activation, new PassId(generation, PassKind.Train, number), ExchangeKind.Gather, 1, TowerId.A, ElementType.Float32, bytes);

    public static byte[] Bytes(int count, int seed)
    {
        var bytes = new byte[count];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    /// <summary>Waits for a condition that another thread brings about.</summary>
    public static void Until(Func<bool> condition, string what) => Assert.True(SpinWait.SpinUntil(condition, Deadline), $"waited {Deadline.TotalSeconds} s for {what}");
}

/// <summary>An end that takes every frame up to a size and tells what it heard.</summary>
sealed class Ear(int bytesMax = 16 << 20) : IFrameReceiver
{
    readonly byte[] _buffer = new byte[bytesMax];

    public BlockingCollection<TensorConnection> Connections { get; } = [];

    public BlockingCollection<(FrameHeader Header, string Digest)> Frames { get; } = [];

    public BlockingCollection<string> Losses { get; } = [];

    /// <summary>Runs before a frame counts as received.</summary>
    public Action OnReceived { get; set; } = () => { };

    /// <summary>Where a payload is cut in two.</summary>
    public Func<int, int> Cut { get; set; } = bytes => bytes / 3;

    /// <summary>Bytes of a payload that it has no place for, and does not say so.</summary>
    public int Lacking { get; set; }

    public TensorConnection Connection() => Take(Connections);

    public (FrameHeader Header, string Digest) Frame() => Take(Frames);

    public string Loss() => Take(Losses);

    public static string DigestOf(ReadOnlySpan<byte> payload) => Convert.ToHexStringLower(SHA256.HashData(payload));

    static T Take<T>(BlockingCollection<T> source) => source.TryTake(out var item, Links.Deadline) ? item : throw new TimeoutException($"no {typeof(T).Name} in {Links.Deadline.TotalSeconds} s");

    void IFrameReceiver.Connected(TensorConnection connection) => Connections.Add(connection);

    (Memory<byte> First, Memory<byte> Second) IFrameReceiver.Destination(in FrameHeader header)
    {
        if (header.Pass.Generation != Links.Hello.Generation) throw new FrameRefusedException($"generation {header.Pass.Generation}, wanted {Links.Hello.Generation}");
        if (header.Bytes > _buffer.Length) throw new FrameRefusedException($"{header.Bytes} bytes, wanted {_buffer.Length} at most");
        int cut = Cut(header.Bytes);
        return (_buffer.AsMemory(0, cut), _buffer.AsMemory(cut, header.Bytes - cut - Lacking));
    }

    void IFrameReceiver.Received(in FrameHeader header)
    {
        OnReceived();
        Frames.Add((header, DigestOf(_buffer.AsSpan(0, header.Bytes))));
    }

    void IFrameReceiver.Lost(string reason) => Losses.Add(reason);
}

/// <summary>Two nodes with a connection between them, dialled by the first.</summary>
sealed class Pair : IDisposable
{
    public Pair(TransportSettings? settings = null, Ear? left = null, Ear? right = null)
    {
        (Left, Right) = (left ?? new Ear(), right ?? new Ear());
        (LeftNode, RightNode) = (new TensorNode(settings ?? Links.Settings), new TensorNode(settings ?? Links.Settings));
        RightNode.Expect(Links.Hello.To, Links.Hello.Generation, _ => Right);
        LeftNode.Connect(RightNode.Endpoint, Links.Hello, Left);
        (ToRight, ToLeft) = (Left.Connection(), Right.Connection());
    }

    public TensorNode LeftNode { get; }

    public TensorNode RightNode { get; }

    public Ear Left { get; }

    public Ear Right { get; }

    public TensorConnection ToRight { get; }

    public TensorConnection ToLeft { get; }

    public void Dispose()
    {
        LeftNode.Dispose();
        RightNode.Dispose();
    }
}
