using System.Net.Sockets;
using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Cluster.Tools.Singleton;
using Akka.Configuration;
using Akka.Remote.Transport.DotNetty;

namespace AlexNetActors.Actors;

/// <summary>An actor system that is a member of a cluster, or tries to become one.</summary>
public static class ClusterSystem
{
    /// <param name="settings">What this node is told.</param>
    /// <param name="node">node.conf.</param>
    /// <param name="unencrypted">Other machines may connect although nothing is encrypted and nobody is asked who he is.</param>
    /// <exception cref="ConfigurationException">The settings make no node.</exception>
    /// <exception cref="ClusterException">The port cannot be had.</exception>
    public static ActorSystem Start(ClusterSettings settings, Config node, bool unencrypted = false)
    {
        Check(settings, unencrypted);
        // the singleton's own part is the last fallback because its messages must be known to the serialization, which is made at once
        var config = Overlay(settings).WithFallback(node).WithFallback(ClusterSingleton.DefaultConfig());
        ActorSystemSetup setup = ActorSystemSetup.Create(BootstrapSetup.Create().WithConfig(config));
        if (settings.Credentials is { } credentials)
            setup = setup.And(new DotNettySslSetup(credentials.Certificate, suppressValidation: false, requireMutualAuthentication: true, (certificate, _, _, _, _) => credentials.Trusts(certificate)));
        try
        {
            return Create(setup);
        }
        catch (Exception e) when (Chain(e).OfType<SocketException>().FirstOrDefault() is { } refusal)
        {
            throw new ClusterException($"cannot listen on {settings.Host}:{settings.Port}: {refusal.Message}{Remedy(refusal.SocketErrorCode)}");
        }
    }

    /// <summary>An actor system that no other process can reach.</summary>
    /// <param name="node">node.conf.</param>
    /// <exception cref="ConfigurationException">A value in it cannot be.</exception>
    public static ActorSystem StartAlone(Config node) => Create(ActorSystemSetup.Create(BootstrapSetup.Create().WithConfig(node)));

    static ActorSystem Create(ActorSystemSetup setup)
    {
        try
        {
            return ActorSystem.Create(ClusterSettings.SystemName, setup);
        }
        catch (Exception e) when (!Chain(e).OfType<SocketException>().Any()) // whatever it is: nothing but the configuration decides whether it starts
        {
            throw new ConfigurationException($"the actors cannot be started with this configuration: {Chain(e).Last().Message}");
        }
    }

    static void Check(ClusterSettings settings, bool unencrypted)
    {
        if (!ClusterSettings.IsUnspecified(settings.Host) && ClusterSettings.Complaint(settings.Host) is { } wrong) throw new ConfigurationException(wrong);
        if (ClusterSettings.Complaint(settings.PublicHost) is { } unreachable) throw new ConfigurationException(unreachable);
        if (settings.Port is < 0 or > ushort.MaxValue) throw new ConfigurationException($"port {settings.Port}: wanted 0 (any that is free) to {ushort.MaxValue}");
        if (settings.Credentials is null && !unencrypted && !settings.OnLoopback)
            throw new ConfigurationException($"without certificates anybody who reaches {settings.Host} could command this node: make them with `alexnet certificates`, listen on 127.0.0.1, or say --unencrypted");
    }

    static Config Overlay(ClusterSettings settings)
    {
        string List(IEnumerable<string> values) => $"[{string.Join(", ", values.Select(v => $"\"{v}\""))}]";
        return ConfigurationFactory.ParseString($$"""
            akka.actor.provider = cluster
            akka.remote.dot-netty.tcp {
              hostname = "{{settings.Host}}"
              port = {{settings.Port}}
              public-hostname = "{{settings.PublicHost}}"
              enable-ssl = {{(settings.Credentials is null ? "off" : "on")}}
            }
            akka.cluster.seed-nodes = {{List(settings.SeedAddresses.Select(a => a.ToString()))}}
            akka.cluster.roles = {{List(settings.Roles)}}
            """);
    }

    static IEnumerable<Exception> Chain(Exception e) => e is AggregateException all ? all.InnerExceptions.SelectMany(Chain).Prepend(e) : e.InnerException is { } inner ? Chain(inner).Prepend(e) : [e];

    static string Remedy(SocketError error) => error switch
    {
        SocketError.AddressAlreadyInUse => "; end the process that has it, or name another port",
        SocketError.AddressNotAvailable => "; name an address of this machine",
        SocketError.AccessDenied => "; name a port above 1023",
        _ => "",
    };
}
