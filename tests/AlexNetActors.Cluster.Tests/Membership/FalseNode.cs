using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace AlexNetActors.Cluster.Tests;

/// <summary>Listens where a node is expected, and is none.</summary>
sealed class FalseNode : IDisposable
{
    readonly TcpListener _listener = new(IPAddress.Loopback, 0);

    public FalseNode() => _listener.Start();

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Length and content of the first frame that a caller sends.</summary>
    public byte[] FirstFrame()
    {
        using var caller = _listener.AcceptTcpClient();
        caller.ReceiveTimeout = 15_000; // ms
        var stream = caller.GetStream();
        byte[] length = new byte[4];
        stream.ReadExactly(length);
        byte[] frame = [.. length, .. new byte[BinaryPrimitives.ReadInt32LittleEndian(length)]];
        stream.ReadExactly(frame.AsSpan(4));
        return frame;
    }

    /// <summary>Lets a caller in and out.</summary>
    public void HangUp() => _listener.AcceptTcpClient().Dispose();

    public void Dispose() => _listener.Dispose();
}
