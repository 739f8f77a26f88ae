using System.Net;
using System.Net.Sockets;

namespace AlexNetActors.Actors;

/// <summary>
/// A process's end of all tensor connections: one port that others dial, and what it dials itself. Nobody gets in without a hello that names an actor that
/// is expected here and its generation; a connection is between two actors and for one purpose.
/// </summary>
public sealed class TensorNode : IDisposable
{
    const int Backlog = 128;

    readonly TransportSettings _settings;
    readonly Expectations _expectations = new();
    readonly OpenConnections _connections = new();
    readonly Doorkeeper _doorkeeper;
    readonly ManualResetEventSlim _stopping = new();

    /// <summary>Listens from here on.</summary>
    /// <exception cref="TransportException">The address is not this machine's, or the port is taken.</exception>
    public TensorNode(TransportSettings settings)
    {
        _settings = settings;
        var listener = Listen(settings.Host, settings.Port, settings.HandshakeDeadline);
        Endpoint = $"{(settings.AdvertisedHost.Contains(':') ? $"[{settings.AdvertisedHost}]" : settings.AdvertisedHost)}:{((IPEndPoint)listener.LocalEndPoint!).Port}";
        _doorkeeper = new Doorkeeper(settings, listener, _expectations, _connections, Counters);
    }

    /// <summary>"host:port" that others dial.</summary>
    public string Endpoint { get; }

    public TransportCounters Counters { get; } = new();

    /// <summary>What is to go wrong on purpose; null outside fault plans.</summary>
    public FaultPoints? Faults => _settings.Faults;

    /// <summary>
    /// From now on connections to this actor in this generation are accepted. An older generation is refused for good; a newer one, like an actor that is not
    /// expected at all, is told to come again. Connections that are open stay so.
    /// </summary>
    /// <param name="to">The actor's name.</param>
    /// <param name="generation">Its group's.</param>
    /// <param name="accept">Gives the receiver of a connection, on the connection's thread; quick. May throw <see cref="FrameRefusedException"/>.</param>
    public void Expect(string to, int generation, Func<TensorHello, IFrameReceiver> accept) => _expectations.Expect(to, generation, accept);

    /// <summary>Takes <see cref="Expect"/> back.</summary>
    public void ExpectNothing(string to) => _expectations.ExpectNothing(to);

    /// <summary>Dials and returns at once. Ends in the receiver's Connected or Lost, unless the node is disposed before.</summary>
    /// <param name="endpoint">The other node's <see cref="Endpoint"/>.</param>
    /// <param name="hello">Who wants what of whom.</param>
    /// <param name="receiver">This end of the connection.</param>
    public void Connect(string endpoint, TensorHello hello, IFrameReceiver receiver) =>
        new Dialler(endpoint, hello, receiver, _settings, _connections, Counters, _stopping).Start();

    /// <summary>Stops to listen and to dial, and ends all connections; no receiver hears of it.</summary>
    public void Dispose()
    {
        _stopping.Set();
        _doorkeeper.Dispose();
        _connections.Dispose();
    }

    static Socket Listen(string host, int port, TimeSpan deadline)
    {
        Socket? socket = null;
        try
        {
            var address = HostAddresses.Of(host, deadline)[0];
            socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(address, port));
            socket.Listen(Backlog);
            return socket;
        }
        catch (SocketException e)
        {
            socket?.Dispose();
            throw new TransportException(e.SocketErrorCode switch
            {
                SocketError.AddressAlreadyInUse => $"cannot listen for tensors on {host}:{port}: the port is taken; choose another, or 0 for any",
                SocketError.AddressNotAvailable or SocketError.HostNotFound => $"cannot listen for tensors on {host}:{port}: {host} is not an address of this machine",
                _ => $"cannot listen for tensors on {host}:{port}: {e.Message}",
            });
        }
    }
}
