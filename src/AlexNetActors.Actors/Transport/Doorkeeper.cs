using System.Net.Sockets;
using System.Security.Authentication;

namespace AlexNetActors.Actors;

/// <summary>
/// Listens, and hears out who comes: TLS, a hello, a verdict. A thread of its own accepts; each newcomer has a thread, which becomes the accepted
/// connection's receiving thread. What a stranger says costs a bounded number of threads and bytes for a bounded time.
/// </summary>
sealed class Doorkeeper : IDisposable
{
    const int HandshakesMax = 16;
    const byte TlsHandshake = 0x16; // first byte of a TLS record that opens a connection, RFC 8446, 5.1

    static readonly TimeSpan RoomDeadline = TimeSpan.FromMilliseconds(100), TroublePause = TimeSpan.FromMilliseconds(50);

    readonly TransportSettings _settings;
    readonly Socket _listener;
    readonly Expectations _expectations;
    readonly TransportCounters _counters;
    readonly OpenConnections _connections;
    readonly Doorstep _doorstep = new(HandshakesMax);
    readonly ManualResetEventSlim _stopping = new();

    /// <param name="settings">Credentials and deadlines.</param>
    /// <param name="listener">Listens; disposed with this.</param>
    /// <param name="expectations">Who may come in.</param>
    /// <param name="connections">Where the accepted ones go.</param>
    /// <param name="counters">Of the node.</param>
    public Doorkeeper(TransportSettings settings, Socket listener, Expectations expectations, OpenConnections connections, TransportCounters counters)
    {
        (_settings, _listener, _expectations, _connections, _counters) = (settings, listener, expectations, connections, counters);
        new Thread(Accept) { Name = "tensors accept", IsBackground = true }.Start();
    }

    void Accept()
    {
        while (!_stopping.IsSet)
        {
            try
            {
                Admit(_listener.Accept());
            }
            catch (SocketException) // the newcomer has gone, or this process has no file descriptors left for now
            {
                _stopping.Wait(TroublePause);
            }
            catch (ObjectDisposedException) // the node stops
            {
                return;
            }
        }
    }

    void Admit(Socket accepted)
    {
        TensorSocket socket;
        try
        {
            socket = new TensorSocket(accepted, _settings.HandshakeDeadline);
        }
        catch (Exception e) when (e is SocketException or ConnectionEndedException) // gone already
        {
            accepted.Dispose();
            _counters.Refused(Refusal.Garbage);
            return;
        }
        if (_doorstep.Enter(socket, RoomDeadline))
        {
            new Thread(() => HearOut(socket)) { Name = $"tensors from {socket.Peer}", IsBackground = true }.Start();
            return;
        }
        socket.Dispose();
        _counters.Refused(Refusal.Busy);
    }

    void HearOut(TensorSocket socket)
    {
        try
        {
            Secure(socket);
            Welcome(socket, HelloFormat.ReadHello(socket.Stream)); // until the connection's end
            return;
        }
        catch (HelloException e)
        {
            Refuse(socket, e);
        }
        catch (AuthenticationException)
        {
            _counters.Refused(Refusal.Security);
        }
        catch (IOException e)
        {
            _counters.Refused(ConnectionEndedException.Of(e).Late ? Refusal.Slow : Refusal.Garbage);
        }
        _doorstep.Leave(socket);
        socket.Dispose();
    }

    void Secure(TensorSocket socket)
    {
        byte? first = socket.Peek();
        if (_settings.Credentials is null)
        {
            if (first == TlsHandshake) throw new AuthenticationException("TLS, which this node does not speak");
            return;
        }
        if (first == HelloFormat.Bin16) throw new HelloException(Refusal.Security, "this node wants TLS and a certificate of the cluster's authority: give the node that dials its certificates");
        socket.SecureAsServer(_settings.Credentials);
    }

    void Welcome(TensorSocket socket, TensorHello hello)
    {
        if (!_connections.Reserve()) throw new HelloException(Refusal.Busy, $"{OpenConnections.AcceptedMax} connections are open there already");
        try
        {
            var receiver = _expectations.Judge(hello);
            _doorstep.Leave(socket);
            string peer = $"{hello.From} at {socket.Peer}";
            Thread.CurrentThread.Name = $"tensors from {peer}";
            if (Accept(socket, peer, receiver)) _connections.Run(new TensorConnection(socket, peer, receiver, _settings, _counters));
        }
        finally
        {
            _connections.Release();
        }
    }

    bool Accept(TensorSocket socket, string peer, IFrameReceiver receiver)
    {
        try
        {
            HelloFormat.WriteAnswer(socket.Stream, new HelloAnswer(Verdict.Accepted, ""));
            socket.Accepted(_settings.IdleDeadline);
            return true;
        }
        catch (IOException e)
        {
            socket.Dispose();
            receiver.Lost($"{peer} {ConnectionEndedException.Of(e).Message}");
            return false;
        }
    }

    void Refuse(TensorSocket socket, HelloException e)
    {
        _counters.Refused(e.Refusal);
        if (e.Refusal == Refusal.Garbage) return; // nobody who would understand an answer
        try
        {
            HelloFormat.WriteAnswer(socket.Stream, new HelloAnswer(e.Refusal is Refusal.NotYet or Refusal.Busy ? Verdict.NotYet : Verdict.Refused, e.Message));
        }
        catch (IOException) { } // gone without waiting for it
    }

    public void Dispose()
    {
        _stopping.Set();
        _listener.Dispose();
        _doorstep.Clear();
    }
}
