using System.Net;
using System.Net.Sockets;

namespace AlexNetActors.Actors;

/// <summary>Names of hosts looked up with a deadline: the resolver's own patience is nobody's setting.</summary>
static class HostAddresses
{
    /// <exception cref="SocketException">The name is unknown or none, or nobody has answered in time.</exception>
    public static IPAddress[] Of(string host, TimeSpan deadline)
    {
        try
        {
            var lookup = Dns.GetHostAddressesAsync(host);
            return ((IAsyncResult)lookup).AsyncWaitHandle.WaitOne(deadline) ? lookup.GetAwaiter().GetResult() : throw new SocketException((int)SocketError.TryAgain);
        }
        catch (ArgumentException) // 0.0.0.0, or longer than a name can be
        {
            throw new SocketException((int)SocketError.HostNotFound);
        }
    }
}
