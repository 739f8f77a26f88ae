using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Akka.Actor;

namespace AlexNetActors.Actors;

/// <summary>What answers where a node is expected.</summary>
public enum Answer
{
    /// <summary>Nothing: it may be anything.</summary>
    Silence,

    /// <summary>Its machine says that nobody listens there.</summary>
    Refused,

    /// <summary>Somebody listens there who cannot show a certificate of the cluster: whoever was there before has ended.</summary>
    Stranger,

    /// <summary>A node, or in an unencrypted cluster somebody who listens.</summary>
    Node,
}

/// <summary>
/// Calls at a node's port without a word of Akka's. Akka itself is not to be sent there first: it ends the whole actor system of whoever dials by TLS and meets
/// none, or another cluster's.
/// </summary>
public static class NodeProbe
{
    /// <param name="host">Its name or address.</param>
    /// <param name="port">Its port.</param>
    /// <param name="credentials">This node's: TLS is completed, so that the other sees no handshake fail. Null for an unencrypted cluster: who listens is not asked who he is.</param>
    /// <param name="late">When to give up.</param>
    /// <exception cref="SocketException">There is no connection.</exception>
    /// <exception cref="AuthenticationException">There is no node of this cluster.</exception>
    /// <exception cref="IOException">The connection ended.</exception>
    public static async Task Meet(string host, int port, NodeCredentials? credentials, CancellationToken late)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(host, port, late);
        if (credentials is null) return;
        await using var tls = new SslStream(new NetworkStream(socket));
        try
        {
            await tls.AuthenticateAsClientAsync(credentials.ClientOptions(host), late);
        }
        catch (Exception e) when (e is not (AuthenticationException or IOException or OperationCanceledException)) // as TensorSocket: SslStream's parser lets through what it meets
        {
            throw new AuthenticationException($"what it sent is not TLS ({e.GetType().Name})");
        }
    }

    /// <param name="node">A node's address.</param>
    /// <param name="credentials">As above.</param>
    /// <param name="patience">How long it has to answer.</param>
    public static async Task<Answer> Ask(Address node, NodeCredentials? credentials, TimeSpan patience)
    {
        using var late = new CancellationTokenSource(patience);
        try
        {
            await Meet(node.Host!, node.Port!.Value, credentials, late.Token);
            return Answer.Node;
        }
        catch (SocketException e)
        {
            return e.SocketErrorCode == SocketError.ConnectionRefused ? Answer.Refused : Answer.Silence;
        }
        catch (OperationCanceledException)
        {
            return Answer.Silence;
        }
        catch (Exception e) when (e is AuthenticationException or IOException)
        {
            return Answer.Stranger;
        }
    }
}
