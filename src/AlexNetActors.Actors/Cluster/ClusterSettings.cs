using System.Net;
using Akka.Actor;
using Akka.Configuration;

namespace AlexNetActors.Actors;

/// <summary>What one node of a cluster is told; everything that is the same on all of them is in node.conf.</summary>
/// <param name="Host">Address or name that it listens on.</param>
/// <param name="Port">Port that it listens on; 0 takes a free one.</param>
/// <param name="PublicHost">Address or name by which the others reach it.</param>
/// <param name="Seeds">host:port of the members that it asks to be let in. The first node of all names itself first.</param>
/// <param name="Roles">What it does.</param>
/// <param name="Credentials">Null for a cluster without encryption.</param>
public sealed record ClusterSettings(string Host, int Port, string PublicHost, IReadOnlyList<string> Seeds, IReadOnlyList<string> Roles, NodeCredentials? Credentials)
{
    public const string SystemName = "alexnet", CoordinatorRole = "coordinator";

    /// <summary>The scheme of every member's address: a node that speaks the other one is not understood.</summary>
    public string Scheme => Credentials is null ? "akka.tcp" : "akka.ssl.tcp";

    /// <exception cref="ConfigurationException">One is not host:port.</exception>
    public IEnumerable<Address> SeedAddresses => Seeds.Select(SeedAddress);

    /// <summary>Whether nobody but this machine's own processes can reach what listens there.</summary>
    public bool OnLoopback => Host == "localhost" || (IPAddress.TryParse(Host, out var address) && IPAddress.IsLoopback(address));

    Address SeedAddress(string seed)
    {
        int colon = seed.LastIndexOf(':');
        if (colon < 0 || !ushort.TryParse(seed[(colon + 1)..], out ushort port) || port == 0)
            throw new ConfigurationException($"seed '{seed}' is not HOST:PORT, such as node-1:2012");
        string host = seed[..colon];
        if (Complaint(host) is { } complaint) throw new ConfigurationException($"seed '{seed}' is not HOST:PORT: {complaint}");
        return new Address(Scheme, SystemName, host, port);
    }

    /// <summary>Why no other node could reach one by this host; null where it may be.</summary>
    public static string? Complaint(string host)
    {
        var kind = Uri.CheckHostName(host);
        return kind == UriHostNameType.Unknown ? $"'{host}' is no host name and no address"
            : IsUnspecified(host) ? $"'{host}' stands for every address of this machine, and the others need one by which they reach it: give its name, or one of its addresses"
            : kind == UriHostNameType.IPv6 ? $"'{host}' is an IPv6 address, and nodes talk over IPv4: give a host's name or its IPv4 address"
            : null;
    }

    /// <summary>0.0.0.0 or ::, which can be listened on and not be called.</summary>
    public static bool IsUnspecified(string host) => IPAddress.TryParse(host, out var address) && (address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any));
}
