using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;

namespace AlexNetActors.Actors;

/// <summary>
/// Opens one connection, on a thread of its own that becomes the connection's receiving thread. A peer that is not there yet is dialled again until a
/// deadline; one that refuses for good, or whose certificate is not the cluster's, is not.
/// </summary>
sealed class Dialler(string endpoint, TensorHello hello, IFrameReceiver receiver, TransportSettings settings, OpenConnections connections, TransportCounters counters, ManualResetEventSlim stopping)
{
    static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    readonly string _peer = $"{hello.To} at {endpoint}";

    /// <summary>Ends in the receiver's Connected or Lost, or in neither when the node stops.</summary>
    public void Start() => new Thread(Run) { Name = $"tensors from {_peer}", IsBackground = true }.Start();

    void Run()
    {
        string? reason = SplitEndpoint(endpoint, out string host, out int port) ? null : "cannot be dialled: wanted host:port";
        long start = Stopwatch.GetTimestamp();
        while (reason is null)
        {
            (var connection, reason, bool again) = Try(host, port);
            if (connection is not null)
            {
                connections.Run(connection);
                return;
            }
            if (!again) break;
            if (Stopwatch.GetElapsedTime(start) < settings.ConnectDeadline) reason = stopping.Wait(Pause) ? reason : null;
            else reason = $"{reason}; dialled for {settings.ConnectDeadline.TotalSeconds:0.###} s";
        }
        if (!stopping.IsSet) receiver.Lost($"{_peer} {reason}");
    }

    /// <returns>A connection, or why there is none and whether dialling again may help.</returns>
    (TensorConnection? Connection, string? Reason, bool Again) Try(string host, int port)
    {
        TensorSocket? socket = null;
        string phase = "";
        try
        {
            socket = Connect(host, port);
            if (settings.Credentials is { } credentials)
            {
                phase = " when TLS began: does that node have certificates?";
                socket.SecureAsClient(credentials, host);
                phase = " after TLS began: does it trust this node's certificate?"; // TLS 1.3: what the other end thinks of it shows only now
            }
            HelloFormat.WriteHello(socket.Stream, hello);
            var answer = HelloFormat.ReadAnswer(socket.Stream);
            if (answer.Verdict == Verdict.Accepted)
            {
                socket.Accepted(settings.IdleDeadline);
                return (new TensorConnection(socket, _peer, receiver, settings, counters), null, false);
            }
            socket.Dispose();
            return (null, $"refused {hello.From}: {answer.Line}", answer.Verdict == Verdict.NotYet);
        }
        catch (AuthenticationException e)
        {
            socket?.Dispose();
            return (null, $"did not come to terms over TLS ({(e.InnerException ?? e).Message.TrimEnd('.')}): give both nodes certificates of one authority", false);
        }
        catch (HelloException e)
        {
            socket?.Dispose();
            return (null, $"gave an answer that {e.Message}: is another program listening there?", false);
        }
        catch (SocketException e)
        {
            return (null, $"cannot be reached ({e.SocketErrorCode})", true);
        }
        catch (IOException e)
        {
            socket?.Dispose();
            return (null, ConnectionEndedException.Of(e).Message + phase, true);
        }
    }

    /// <exception cref="SocketException">Nobody listens there, or the name or network is unknown.</exception>
    /// <exception cref="ConnectionEndedException">It was gone at once.</exception>
    TensorSocket Connect(string host, int port)
    {
        SocketException? last = null;
        foreach (var address in HostAddresses.Of(host, settings.HandshakeDeadline))
        {
            var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                using (new Timer(static s => ((Socket)s!).Dispose(), socket, settings.HandshakeDeadline, Timeout.InfiniteTimeSpan)) // Connect has no deadline of its own
                    socket.Connect(address, port);
                return new TensorSocket(socket, settings.HandshakeDeadline);
            }
            catch (SocketException e)
            {
                socket.Dispose();
                last = e;
            }
            catch (ObjectDisposedException) // at the very moment when it connected
            {
                last = new SocketException((int)SocketError.TimedOut);
            }
        }
        throw last ?? new SocketException((int)SocketError.HostNotFound);
    }

    static bool SplitEndpoint(string endpoint, out string host, out int port)
    {
        int colon = endpoint.LastIndexOf(':');
        host = colon > 0 ? endpoint[..colon].TrimStart('[').TrimEnd(']') : "";
        port = 0;
        return host.Length > 0 && int.TryParse(endpoint.AsSpan(colon + 1), out port) && port is > 0 and <= IPEndPoint.MaxPort;
    }
}
