using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using AlexNetActors.Actors;
using AlexNetActors.Model;

namespace AlexNetActors.Benchmarks;

/// <summary>One end of a way to move payloads of one size between two processes. One end sends, the other takes and acknowledges.</summary>
interface IPayloadEnd : IDisposable
{
    void Send();

    void AwaitAck();

    /// <summary>Takes payloads and acknowledges every n-th; says when they may come.</summary>
    void Take(int count, int ackEvery, Action ready);
}

/// <summary>How an end of each way is made. "host:port" is printed by who listens and dialled by the other.</summary>
static class TransportWays
{
    public const string Socket = "socket", Ours = "ours", Ssl = "ssl", OursTls = "ours-tls";

    /// <summary>About what the exchange before conv3 moves each way at batch 128.</summary>
    public const int PayloadBytes = 11_059_200;

    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    public static IPayloadEnd Listen(string way, NodeCredentials credentials, Action<string> endpoint) => way switch
    {
        Socket => StreamEnd.Listen(null, endpoint),
        Ssl => StreamEnd.Listen(credentials, endpoint),
        Ours => TransportEnd.Listen(null, endpoint),
        OursTls => TransportEnd.Listen(credentials, endpoint),
        _ => throw new ArgumentException($"no way '{way}'", nameof(way)),
    };

    public static IPayloadEnd Dial(string way, NodeCredentials credentials, string endpoint) => way switch
    {
        Socket => StreamEnd.Dial(null, endpoint),
        Ssl => StreamEnd.Dial(credentials, endpoint),
        Ours => TransportEnd.Dial(null, endpoint),
        OursTls => TransportEnd.Dial(credentials, endpoint),
        _ => throw new ArgumentException($"no way '{way}'", nameof(way)),
    };
}

/// <summary>The loop that one writes first: whole payloads to a socket, or to SslStream, and a byte back. Nothing is checked.</summary>
sealed class StreamEnd(Stream stream) : IPayloadEnd
{
    const int Tcp = 6, CongestionControl = 13; // as the transport chooses it on loopback

    readonly byte[] _payload = new byte[TransportWays.PayloadBytes];
    readonly byte[] _ack = new byte[1];

    public static StreamEnd Listen(NodeCredentials? credentials, Action<string> endpoint)
    {
        using var listener = new Socket(SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        endpoint(listener.LocalEndPoint!.ToString()!);
        var stream = Open(listener.Accept());
        if (credentials is null) return new StreamEnd(stream);
        var tls = new SslStream(stream, false, (_, certificate, _, _) => credentials.Trusts(certificate));
        tls.AuthenticateAsServer(credentials.Certificate, clientCertificateRequired: true, checkCertificateRevocation: false);
        return new StreamEnd(tls);
    }

    public static StreamEnd Dial(NodeCredentials? credentials, string endpoint)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        socket.Connect(IPEndPoint.Parse(endpoint));
        var stream = Open(socket);
        if (credentials is null) return new StreamEnd(stream);
        var tls = new SslStream(stream, false, (_, certificate, _, _) => credentials.Trusts(certificate));
        tls.AuthenticateAsClient("127.0.0.1", [credentials.Certificate], checkCertificateRevocation: false);
        return new StreamEnd(tls);
    }

    static NetworkStream Open(Socket socket)
    {
        socket.NoDelay = true;
        socket.SetRawSocketOption(Tcp, CongestionControl, "reno"u8);
        return new NetworkStream(socket, ownsSocket: true);
    }

    public void Send() => stream.Write(_payload);

    public void AwaitAck() => stream.ReadExactly(_ack);

    public void Take(int count, int ackEvery, Action ready)
    {
        ready();
        for (int n = 1; n <= count; n++)
        {
            stream.ReadExactly(_payload);
            if (n % ackEvery == 0) stream.Write(_ack);
        }
    }

    public void Dispose() => stream.Dispose();
}

/// <summary>The tensor transport: frames, checksums, queue and threads as in a run. An acknowledgement is a frame without bytes.</summary>
sealed class TransportEnd : IPayloadEnd, IFrameReceiver
{
    const string Name = "gpu";

    static readonly PassId Pass = new(1, PassKind.Train, 0);
    static readonly FrameHeader Payload = new(FrameKind.Activation, Pass, ExchangeKind.Gather, 1, TowerId.A, ElementType.Float32, TransportWays.PayloadBytes);
    static readonly FrameHeader Ack = Payload with { Kind = FrameKind.State, Bytes = 0 };

    readonly TensorNode _node;
    readonly byte[] _payload = new byte[TransportWays.PayloadBytes];
    readonly SemaphoreSlim _connected = new(0), _acknowledged = new(0), _taken = new(0);
    TensorConnection? _connection;
    int _left, _ackEvery;
    string? _lost;

    TransportEnd(NodeCredentials? credentials)
    {
        var second = TimeSpan.FromSeconds(1);
        _node = new TensorNode(new TransportSettings("127.0.0.1", 0, "127.0.0.1", credentials,
            HandshakeDeadline: 5 * second, IdleDeadline: 3 * second, ConnectDeadline: 10 * second, SendDeadline: 10 * second, SendQueueFrames: 16));
    }

    public static TransportEnd Listen(NodeCredentials? credentials, Action<string> endpoint)
    {
        var end = new TransportEnd(credentials);
        end._node.Expect(Name, Pass.Generation, _ => end);
        endpoint(end._node.Endpoint);
        end.Wait(end._connected);
        return end;
    }

    public static TransportEnd Dial(NodeCredentials? credentials, string endpoint)
    {
        var end = new TransportEnd(credentials);
        end._node.Connect(endpoint, new TensorHello(Pass.Generation, LinkPurpose.Exchange, Name, Name), end);
        end.Wait(end._connected);
        return end;
    }

    public void Send() => _connection!.Send(Payload, _payload);

    public void AwaitAck() => Wait(_acknowledged);

    public void Take(int count, int ackEvery, Action ready)
    {
        (_left, _ackEvery) = (count, ackEvery);
        ready();
        Wait(_taken);
    }

    void Wait(SemaphoreSlim what)
    {
        if (!what.Wait(TransportWays.Deadline) || _lost is not null) throw new InvalidOperationException(_lost ?? "the other process hangs");
    }

    void IFrameReceiver.Connected(TensorConnection connection)
    {
        _connection = connection;
        _connected.Release();
    }

    (Memory<byte> First, Memory<byte> Second) IFrameReceiver.Destination(in FrameHeader header) => (_payload.AsMemory(0, header.Bytes), default);

    void IFrameReceiver.Received(in FrameHeader header)
    {
        if (header.Kind == FrameKind.State)
        {
            _acknowledged.Release();
            return;
        }
        if (--_left % _ackEvery == 0) _connection!.Send(Ack, default);
        if (_left == 0) _taken.Release();
    }

    void IFrameReceiver.Lost(string reason)
    {
        _lost = reason;
        foreach (var waiting in new[] { _connected, _acknowledged, _taken }) waiting.Release();
    }

    public void Dispose() => _node.Dispose();
}
