using System.Net;
using System.Net.Sockets;
using AlexNetActors.Actors;

namespace AlexNetActors.Tests.Actors.Transport;

/// <summary>Another program that dials a node and says what it likes.</summary>
sealed class RawPeer : IDisposable
{
    readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp);

    public RawPeer(TensorNode node)
    {
        _socket.Connect(IPEndPoint.Parse(node.Endpoint));
        (_socket.SendTimeout, _socket.ReceiveTimeout) = ((int)Links.Deadline.TotalMilliseconds, (int)Links.Deadline.TotalMilliseconds);
        Stream = new NetworkStream(_socket);
    }

    public Stream Stream { get; }

    /// <summary>A peer whose hello is accepted.</summary>
    public static RawPeer Accepted(TensorNode node, TensorHello hello)
    {
        var peer = new RawPeer(node);
        HelloFormat.WriteHello(peer.Stream, hello);
        Assert.Equal(Verdict.Accepted, HelloFormat.ReadAnswer(peer.Stream).Verdict);
        return peer;
    }

    public static byte[] Frame(FrameHeader header, ReadOnlySpan<byte> payload)
    {
        var frame = new byte[FrameFormat.HeaderBytes + payload.Length + FrameFormat.TrailerBytes];
        FrameFormat.WriteHeader(header, frame);
        payload.CopyTo(frame.AsSpan(FrameFormat.HeaderBytes));
        var checksum = new FrameChecksum();
        checksum.Start(frame.AsSpan(0, FrameFormat.HeaderBytes));
        checksum.Append(payload);
        FrameFormat.WriteTrailer(checksum.Finish(), frame.AsSpan(FrameFormat.HeaderBytes + payload.Length));
        return frame;
    }

    /// <summary>Says nothing more, and waits until the node has closed the connection, too.</summary>
    public void EndAndWait()
    {
        try
        {
            _socket.Shutdown(SocketShutdown.Send);
            WaitForEnd();
        }
        catch (SocketException) { } // it has closed already
    }

    /// <returns>How many bytes it has sent before.</returns>
    public int WaitForEnd()
    {
        int heard = 0;
        try
        {
            Span<byte> some = stackalloc byte[512];
            while (Stream.Read(some) is > 0 and int more) heard += more;
        }
        catch (IOException e) when (e.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionReset }) { }
        return heard;
    }

    /// <summary>Gone without a farewell: the node gets a reset.</summary>
    public void Vanish() => _socket.LingerState = new LingerOption(true, 0);

    public void Dispose() => _socket.Dispose();
}
