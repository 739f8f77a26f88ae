using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;

namespace AlexNetActors.Actors;

/// <summary>One end of a connection, with TLS where the node has credentials: both ends show a certificate, and only the cluster's own authority counts.</summary>
sealed class TensorSocket : IDisposable
{
    const int Tcp = 6, CongestionControl = 13; // IPPROTO_TCP, TCP_CONGESTION

    readonly SocketStream _socket;

    /// <param name="socket">Connected.</param>
    /// <param name="deadline">For everything until <see cref="Accepted"/>.</param>
    public TensorSocket(Socket socket, TimeSpan deadline)
    {
        Peer = socket.RemoteEndPoint as IPEndPoint ?? throw new ConnectionEndedException("was gone at once");
        socket.NoDelay = true;
        if (IPAddress.IsLoopback(Peer.Address)) ChooseReno(socket);
        Stream = _socket = new SocketStream(socket, deadline);
    }

    public IPEndPoint Peer { get; }

    /// <summary>Read by one thread, written by one thread.</summary>
    public Stream Stream { get; private set; }

    /// <summary>First byte of what the other end sends, which stays to be read; null if it sends nothing more.</summary>
    public byte? Peek() => _socket.Peek();

    /// <exception cref="AuthenticationException">The other end's certificate is not one of the cluster, or it speaks no TLS.</exception>
    /// <exception cref="IOException">The connection ended, or its deadline passed.</exception>
    public void SecureAsServer(NodeCredentials credentials)
    {
        var options = credentials.ServerOptions();
        Secure(options.RemoteCertificateValidationCallback!, (tls, trusts) =>
        {
            options.RemoteCertificateValidationCallback = trusts;
            tls.AuthenticateAsServer(options);
        });
    }

    /// <inheritdoc cref="SecureAsServer"/>
    public void SecureAsClient(NodeCredentials credentials, string host)
    {
        var options = credentials.ClientOptions(host);
        Secure(options.RemoteCertificateValidationCallback!, (tls, trusts) =>
        {
            options.RemoteCertificateValidationCallback = trusts;
            tls.AuthenticateAsClient(options);
        });
    }

    void Secure(RemoteCertificateValidationCallback trusts, Action<SslStream, RemoteCertificateValidationCallback> authenticate)
    {
        bool distrusted = false;
        var tls = new SslStream(_socket);
        Stream = tls;
        try
        {
            authenticate(tls, (sender, certificate, chain, errors) => !(distrusted = !trusts(sender, certificate, chain, errors)));
        }
        catch (AuthenticationException) when (distrusted)
        {
            throw new AuthenticationException("its certificate is not one of the cluster's authority");
        }
        catch (Exception e) when (e is not (AuthenticationException or IOException)) // SslStream's parser of damaged hellos lets through what it meets: ArgumentOutOfRangeException has been seen
        {
            throw new AuthenticationException($"what it sent is not TLS ({e.GetType().Name})");
        }
    }

    /// <summary>From now on reads wait for <paramref name="idleDeadline"/>.</summary>
    public void Accepted(TimeSpan idleDeadline) => _socket.Accepted(idleDeadline);

    /// <summary>Ends what is under way on either thread; nothing is sent any more.</summary>
    public void Cut() => _socket.Cut();

    /// <inheritdoc cref="SocketStream.Reset"/>
    public void Reset() => _socket.Reset();

    public void Dispose() => Stream.Dispose();

    /// <summary>Within one machine there is no bottleneck to model: bbr, the default of many, halves the throughput there.</summary>
    static void ChooseReno(Socket socket)
    {
        try
        {
            socket.SetRawSocketOption(Tcp, CongestionControl, "reno"u8);
        }
        catch (SocketException) { } // this kernel has it under another name or not at all: slower, not wrong
    }
}
