using System.Net;
using System.Net.Sockets;

namespace AlexNetActors.App;

/// <summary>
/// TCP ports for nodes to come, none twice in a process. They lie below those that systems hand out by themselves (from 32768 on Linux, 49152
/// elsewhere): a port of those can become some connection's own end before the node has it.
/// </summary>
static class FreePorts
{
    const int First = 20_000, Count = 12_000;

    static uint _taken = (uint)Environment.ProcessId * 97; // processes begin in different places

    /// <returns>A port that nobody listens on now.</returns>
    public static int Take()
    {
        for (int tries = 0; tries < Count; tries++)
        {
            int port = First + (int)(Interlocked.Increment(ref _taken) % Count);
            try
            {
                using var listener = new TcpListener(IPAddress.Any, port);
                listener.Start();
                return port;
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.AddressAlreadyInUse or SocketError.AccessDenied)
            {
                // Somebody has it: the next one.
            }
        }
        throw new RunException($"no port from {First} to {First + Count - 1} is free on this machine: end what listens there");
    }
}
