using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Configuration;
using Akka.Remote;
using Akka.Remote.Transport.DotNetty;
using AlexNetActors.Actors;

namespace AlexNetActors.Cluster.Tests;

/// <summary>A member's certificate lets a caller speak the protocol, but not create types or actors here, and not disturb the rest.</summary>
public sealed class ForgeryTests(ForgeryTests.Shared shared) : IClassFixture<ForgeryTests.Shared>
{
    /// <summary>A cluster that outlives all attacks on it.</summary>
    public sealed class Shared : IDisposable
    {
        internal TestCluster Cluster { get; } = new(encrypted: true);

        public void Dispose() => Cluster.Dispose();
    }

    const int ProtocolId = 2012;

    static int s_created;

    /// <summary>What an attacker wants made: it tells by whom it was made by how often.</summary>
    public sealed class Trap
    {
        public Trap() => Interlocked.Increment(ref s_created);

        public string Value { get; set; } = "";
    }

    public sealed class TrapActor : ReceiveActor
    {
        public TrapActor() => Interlocked.Increment(ref s_created);
    }

    public sealed class TrapException : Exception
    {
        public TrapException()
        {
        }

#pragma warning disable SYSLIB0051 // the way by which exceptions were once sent, and by Akka still are
        TrapException(SerializationInfo info, StreamingContext context) : base(info, context) => Interlocked.Increment(ref s_created);
#pragma warning restore SYSLIB0051
    }

    /// <summary>An Akka as it comes out of the box, but for a certificate.</summary>
    static ActorSystem OutOfTheBox(string name, NodeCredentials credentials, string more = "")
    {
        var config = ConfigurationFactory.ParseString($$"""
            akka.loglevel = OFF
            akka.stdout-loglevel = OFF
            akka.log-serializer-override-on-start = off
            akka.actor.provider = remote
            akka.remote.dot-netty.tcp { hostname = 127.0.0.1, port = 0, enable-ssl = on }
            akka.actor.serializers.alexnet = "AlexNetActors.Actors.ProtocolSerializer, AlexNetActors.Actors"
            akka.actor.serialization-bindings {
              "AlexNetActors.Actors.IProtocolMessage, AlexNetActors.Actors" = alexnet
            }
            {{more}}
            """);
        return ActorSystem.Create(name, BootstrapSetup.Create().WithConfig(config).And(new DotNettySslSetup(credentials.Certificate, false, true, (certificate, _, _, _, _) => credentials.Trusts(certificate))));
    }

    static string Forging(int identifier) => $$"""
        akka.actor.serializers.forging = "AlexNetActors.Cluster.Tests.ForgingSerializer, AlexNetActors.Cluster.Tests"
        akka.actor.serialization-settings.forging.identifier = {{identifier}}
        akka.actor.serialization-bindings {
          "AlexNetActors.Cluster.Tests.Forged, AlexNetActors.Cluster.Tests" = forging
        }
        """;

    /// <summary>Runs an attack by a certified caller; the node answers him before and after it, by the same connection, and no member saw anything.</summary>
    /// <returns>How many traps it made.</returns>
    int Attack(Action<ActorSystem, IActorRef> attack, string more = "")
    {
        MembershipLog[] logs = [.. shared.Cluster.Members.Select(m => new MembershipLog(m))];
        var attacker = OutOfTheBox("attacker", shared.Cluster.Certify("attacker")!, more);
        int ends = 0;
        Action end = () => Interlocked.Increment(ref ends);
        attacker.EventStream.Subscribe(attacker.ActorOf(Props.Create(() => new Counter(end))), typeof(DisassociatedEvent));
        var node = Resolve(attacker, shared.Cluster.Address);
        Assert.Equal($"before at {shared.Cluster.Port}", TestCluster.Ask(node, "before"));
        int before = s_created;
        attack(attacker, node);
        Assert.Equal($"after at {shared.Cluster.Port}", TestCluster.Ask(node, "after"));
        int created = s_created - before;
        Assert.Equal(0, Volatile.Read(ref ends));
        Assert.All(logs, l => Assert.Empty(l.Events));
        attacker.Terminate();
        Wait.Until(() => attacker.WhenTerminated.IsCompleted, () => "the attacker does not end");
        return created;
    }

    static IActorRef Resolve(ActorSystem from, Address node) => ((ExtendedActorSystem)from).Provider.ResolveActorRef($"{node}/user/{TestNode.Name}");

    [Fact]
    public void A_type_that_json_names_is_not_created() => Assert.Equal(1, Attack((_, node) => node.Tell(new Trap()))); // the attacker's own

    [Fact]
    public void An_exception_that_a_failure_names_is_not_created() => Assert.Equal(0, Attack((_, node) => node.Tell(new Status.Failure(new TrapException()))));

    [Fact]
    public void An_actor_that_another_node_deploys_is_not_created_and_costs_him_his_connection()
    {
        MembershipLog[] logs = [.. shared.Cluster.Members.Select(m => new MembershipLog(m))];
        var attacker = OutOfTheBox("deployer", shared.Cluster.Certify("deployer")!);
        int ends = 0, before = s_created;
        Action end = () => Interlocked.Increment(ref ends);
        attacker.EventStream.Subscribe(attacker.ActorOf(Props.Create(() => new Counter(end))), typeof(DisassociatedEvent));
        TestCluster.Ask(Resolve(attacker, shared.Cluster.Address), "before");
        Deploy(attacker, shared.Cluster.Address);
        Wait.Until(() => Volatile.Read(ref ends) > 0, () => "he is still connected");
        attacker.Terminate();
        Wait.Until(() => attacker.WhenTerminated.IsCompleted, () => "the attacker does not end");
        Assert.Equal(0, Attack((_, _) => { }) + s_created - before);
        Assert.All(logs, l => Assert.Empty(l.Events));
    }

    [Fact]
    public void An_order_to_stop_is_not_heard() => Assert.Equal(0, Attack((_, node) =>
    {
        node.Tell(PoisonPill.Instance);
        node.Tell(Kill.Instance);
    }));

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(6)]
    [InlineData(16)]
    [InlineData(22)]
    [InlineData(36)]
    [InlineData(99)]
    public void No_serializer_creates_what_a_manifest_names(int identifier) => Assert.Equal(0, Attack((_, node) =>
    {
        node.Tell(new Forged(typeof(Trap).AssemblyQualifiedName!, []));
        node.Tell(new Forged(typeof(Trap).AssemblyQualifiedName!, "{\"$type\":\"x\"}"u8.ToArray()));
        node.Tell(new Forged("STF", [10, 4, 10, 2, 65, 66]));
        node.Tell(new Forged("", [1, 2, 3]));
    }, Forging(identifier)));

    [Fact]
    public void An_unknown_manifest_and_a_malformed_message_are_refused_and_counted()
    {
        long before = ProtocolSerializer.Refused;
        Attack((_, node) =>
        {
            node.Tell(new Forged("exit", []));
            node.Tell(new Forged("group-waits", [0xc1]));
            node.Tell(new Forged("", []));
        }, Forging(ProtocolId));
        Assert.Equal(3, ProtocolSerializer.Refused - before);
    }

    [Fact]
    public void The_same_attacks_reach_an_Akka_out_of_the_box()
    {
        using var authority = new TestAuthority();
        var victim = OutOfTheBox("victim", authority.Certify("victim"));
        var attacker = OutOfTheBox("attacker", authority.Certify("attacker"));
        var address = ((ExtendedActorSystem)victim).Provider.DefaultAddress;
        Action ignore = () => { };
        victim.ActorOf(Props.Create(() => new Counter(ignore)), TestNode.Name);
        int before = s_created;
        Resolve(attacker, address).Tell(new Trap());
        Wait.Until(() => s_created == before + 2, () => $"JSON made {s_created - before - 1}");
        Resolve(attacker, address).Tell(new Status.Failure(new TrapException()));
        Wait.Until(() => s_created == before + 3, () => "the exception was not made");
        Deploy(attacker, address);
        Wait.Until(() => s_created == before + 4, () => "the actor was not made");
        foreach (var system in new[] { attacker, victim }) system.Terminate();
        Wait.Until(() => attacker.WhenTerminated.IsCompleted && victim.WhenTerminated.IsCompleted, () => "they do not end");
    }

    static void Deploy(ActorSystem attacker, Address victim) => attacker.ActorOf(Props.Create<TrapActor>().WithDeploy(new Deploy(new RemoteScope(victim))), "deployed");

    sealed class Counter : ReceiveActor
    {
        public Counter(Action count) => ReceiveAny(_ => count());
    }
}
