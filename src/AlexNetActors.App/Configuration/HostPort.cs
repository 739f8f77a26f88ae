using AlexNetActors.Actors;

namespace AlexNetActors.App;

/// <summary>HOST:PORT as the command line has it; an IPv6 address in brackets or without.</summary>
static class HostPort
{
    /// <param name="text">What was typed.</param>
    /// <param name="where">How an error names its place.</param>
    /// <exception cref="UsageException">It is not HOST:PORT.</exception>
    public static (string Host, int Port) Parse(string text, string where)
    {
        int colon = text.LastIndexOf(':');
        return colon > 0 && ushort.TryParse(text.AsSpan(colon + 1), out ushort port)
            ? (text[..colon].Trim('[', ']'), port)
            : throw new UsageException($"{where} has '{text}': wanted HOST:PORT, such as node-1:2012");
    }

    /// <summary>Where a node is called.</summary>
    /// <inheritdoc cref="Parse"/>
    public static (string Host, int Port) ParseNode(string text, string where)
    {
        var (host, port) = Parse(text, where);
        return ClusterSettings.Complaint(host) is { } complaint ? throw new UsageException($"{where} has '{text}': {complaint}") : (host, port);
    }
}
