using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace AlexNetActors.Cluster.Tests;

/// <summary>Listens where a node is expected, swallows what a caller says, and keeps it: a real caller's first frame.</summary>
sealed class RecordingRelay : IDisposable
{
    readonly TcpListener _listener = new(IPAddress.Loopback, 0);

    public RecordingRelay() => _listener.Start();

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

    public void Dispose() => _listener.Dispose();
}
