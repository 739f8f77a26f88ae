using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace AlexNetActors.Cluster.Tests;

/// <summary>Listens where a node is expected, and is none.</summary>
sealed class FalseNode : IDisposable
{
    readonly TcpListener _listener;
    volatile int _calls;

    /// <param name="port">0 for any that is free.</param>
    public FalseNode(int port = 0)
    {
        _listener = new TcpListener(IPAddress.Loopback, port);
        _listener.Start();
    }

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

    /// <summary>How many callers it has hung up on.</summary>
    public int Calls => _calls;

    /// <summary>From now on, whoever calls.</summary>
    public void HangUpOnAll() => new Thread(() =>
    {
        try
        {
            while (true)
            {
                _listener.AcceptTcpClient().Dispose();
                _calls++;
            }
        }
        catch (SocketException) { } // disposed
    })
    { IsBackground = true }.Start();

    public void Dispose() => _listener.Dispose();
}
