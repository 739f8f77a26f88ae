using System.Net;
using System.Net.Sockets;
using Akka.Configuration;
using AlexNetActors.Actors;
using ClusterSettings = AlexNetActors.Actors.ClusterSettings;

namespace AlexNetActors.Cluster.Tests;

/// <summary>A node that cannot start says why in one line.</summary>
public sealed class StartTests
{
    static readonly ClusterSettings Loopback = new("127.0.0.1", 0, "127.0.0.1", [], [], null);

    [Theory]
    [InlineData("0.0.0.0")]
    [InlineData("::")]
    [InlineData("192.0.2.1")]
    [InlineData("node-1")]
    public void Without_certificates_nothing_but_loopback_is_listened_on(string host)
    {
        string message = Refusal<ConfigurationException>(Loopback with { Host = host });
        Assert.Contains($"without certificates anybody who reaches {host} could command this node", message);
        Assert.Contains("alexnet certificates", message);
        Assert.Contains("--unencrypted", message);
    }

    [Fact]
    public void Told_so_in_so_many_words_it_listens_to_all()
    {
        var system = ClusterSystem.Start(Loopback with { Host = "0.0.0.0" }, TestCluster.Node, unencrypted: true);
        system.Terminate();
        Wait.Until(() => system.WhenTerminated.IsCompleted, () => "it has not ended");
    }

    [Fact]
    public void A_port_that_is_taken_is_named_whether_a_stranger_or_a_node_has_it()
    {
        using var stranger = new TcpListener(IPAddress.Loopback, 0);
        stranger.Start();
        int port = ((IPEndPoint)stranger.LocalEndpoint).Port;
        Assert.Equal($"cannot listen on 127.0.0.1:{port}: Address already in use; end the process that has it, or name another port", Refusal<ClusterException>(Loopback with { Port = port }));

        var node = ClusterSystem.Start(Loopback, TestCluster.Node);
        int taken = TestCluster.Cluster(node).SelfAddress.Port!.Value;
        Assert.Contains($"cannot listen on 127.0.0.1:{taken}", Refusal<ClusterException>(Loopback with { Port = taken }));
        node.Terminate();
        Wait.Until(() => node.WhenTerminated.IsCompleted, () => "it has not ended");
    }

    [Fact]
    public void An_address_of_another_machine_is_named() =>
        Assert.Contains("cannot listen on 192.0.2.1:2012: ", Assert.Throws<ClusterException>(() => ClusterSystem.Start(Loopback with { Host = "192.0.2.1", Port = 2012 }, TestCluster.Node, unencrypted: true)).Message);

    [Theory]
    [InlineData("node-1")]
    [InlineData("node-1:")]
    [InlineData("node-1:0")]
    [InlineData("node-1:70000")]
    [InlineData("akka.tcp://alexnet@node-1:2012")]
    [InlineData("\",\"x:1")]
    public void A_seed_is_a_host_and_a_port(string seed) => Assert.Contains($"seed '{seed}' is not HOST:PORT", Refusal<ConfigurationException>(Loopback with { Seeds = [seed] }));

    [Theory]
    [InlineData("127.0.0.1\"")]
    [InlineData("")]
    public void A_host_is_a_name_or_an_address(string host) => Assert.Contains($"'{host}' is no host name", Refusal<ConfigurationException>(Loopback with { PublicHost = host }));

    static string Refusal<T>(ClusterSettings settings) where T : Exception
    {
        string message = Assert.Throws<T>(() => ClusterSystem.Start(settings, TestCluster.Node)).Message;
        Assert.DoesNotContain("\n", message);
        return message;
    }
}
