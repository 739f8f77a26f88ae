using System.Buffers.Binary;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Akka.Actor;
using Akka.Configuration;
using Akka.Remote;
using AlexNetActors.Actors;

namespace AlexNetActors.Cluster.Tests;

/// <summary>Who has no certificate of the cluster's authority neither joins nor disturbs, whatever he sends.</summary>
public sealed class StrangerTests : IDisposable
{
    const int Mutations = 2000, Callers = 8, Seed = 2012;
    const long GrowthMax = 64 << 20; // bytes; the thousands of connections themselves have come and gone

    static readonly TimeSpan ReplyMax = TimeSpan.FromSeconds(20);

    readonly TestAuthority _foreign = new();

    public void Dispose() => _foreign.Dispose();

    [Fact]
    public void A_node_in_plaintext_or_of_another_authority_does_not_join()
    {
        using var cluster = new TestCluster(encrypted: true);
        Undisturbed(cluster, () =>
        {
            var plain = ClusterSystem.Start(cluster.Settings(0, null), TestCluster.Node);
            int failures = 0;
            plain.EventStream.Subscribe(plain.ActorOf(Props.Create(() => new Counter(() => Interlocked.Increment(ref failures)))), typeof(DisassociatedEvent));
            var foreign = ClusterSystem.Start(cluster.Settings(0, _foreign.Certify("stranger")), TestCluster.Node);
            // Akka stops a system that meets a certificate it does not trust
            Wait.Until(() => foreign.WhenTerminated.IsCompleted, () => "the node of another authority goes on");
            Wait.Until(() => Volatile.Read(ref failures) > 2, () => $"the node in plaintext was turned away {failures} times");
            Assert.DoesNotContain(TestCluster.Cluster(plain).State.Members, m => m.Status == Akka.Cluster.MemberStatus.Up);
            plain.Terminate();
            Wait.Until(() => plain.WhenTerminated.IsCompleted, () => "the node in plaintext does not end");
        });
    }

    [Fact]
    public void A_certificate_is_asked_for_and_must_be_of_this_authority()
    {
        using var cluster = new TestCluster(encrypted: true);
        byte[] hello = Hello();
        Undisturbed(cluster, () =>
        {
            Assert.True(HangsUp(cluster.Port, hello, null));
            Assert.True(HangsUp(cluster.Port, hello, _foreign.Certify("stranger").Certificate));
        });
        cluster.Add();
        cluster.WaitUntilWhole();
    }

    /// <summary>Akka's way: who calls and finds no TLS at the other end stops, whatever else it could call. A supervisor starts it again.</summary>
    [Fact]
    public void A_seed_that_speaks_no_TLS_stops_the_node_that_called_it_and_nobody_else()
    {
        using var cluster = new TestCluster(encrypted: true);
        using var silent = new FalseNode();
        var settings = cluster.Settings(0, cluster.Certify("late"));
        var late = ClusterSystem.Start(settings with { Seeds = [$"127.0.0.1:{silent.Port}", .. settings.Seeds] }, TestCluster.Node);
        silent.HangUp();
        Wait.Until(() => late.WhenTerminated.IsCompleted, () => "it goes on");
        Assert.Equal("TlsHandshakeFailureReason", CoordinatedShutdown.Get(late).ShutdownReason.GetType().Name);
        cluster.WaitUntilWhole(); // it may have been let in by the other seed meanwhile
        Assert.All(cluster.Members, m => Assert.Equal($"after at {cluster.Port}", TestCluster.AskSingleton(m, "after")));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Garbage_closes_its_own_connection_only(bool encrypted)
    {
        using var cluster = new TestCluster(encrypted);
        byte[] hello = Hello();
        var random = new Random(Seed);
        Undisturbed(cluster, () =>
        {
            byte[] endless = [0xff, 0xff, 0xff, 0x7f, .. new byte[100_000]]; // 2 GiB follow
            byte[] negative = [0xff, 0xff, 0xff, 0xff, .. new byte[1000]];
            foreach (byte[] bytes in new[] { endless, negative, hello[..2], hello[..4], hello[..^1], [] }) Send(cluster.Port, bytes);
            byte[][] mutations = [.. Enumerable.Range(0, Mutations).Select(i => i % 10 == 0 ? Noise(random) : Mutate(hello, random))];
            Thread[] callers = [.. mutations.Chunk(Mutations / Callers).Select(some => new Thread(() => { foreach (byte[] bytes in some) Send(cluster.Port, bytes); }))]; // each waits for the node
            foreach (var caller in callers) caller.Start();
            foreach (var caller in callers) caller.Join();
        });
    }

    /// <summary>Runs an attack and asserts that no member saw anything of it and that no memory is kept.</summary>
    static void Undisturbed(TestCluster cluster, Action attack)
    {
        MembershipLog[] logs = [.. cluster.Members.Select(m => new MembershipLog(m))];
        Assert.All(cluster.Members, m => Assert.Equal($"before at {cluster.Port}", TestCluster.AskSingleton(m, "before")));
        long before = GC.GetTotalMemory(forceFullCollection: true);
        attack();
        Assert.All(cluster.Members, m => Assert.Equal($"after at {cluster.Port}", TestCluster.AskSingleton(m, "after")));
        Assert.True(cluster.IsWhole());
        Assert.All(logs, l => Assert.Empty(l.Events));
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, GrowthMax);
    }

    /// <summary>The first frame of a node of Akka's that wants to talk to another.</summary>
    static byte[] Hello()
    {
        using var node = new FalseNode();
        var caller = ActorSystem.Create("stranger", ConfigurationFactory.ParseString("akka { loglevel = OFF, stdout-loglevel = OFF, actor.provider = remote, remote.dot-netty.tcp { hostname = 127.0.0.1, port = 0 } }"));
        caller.ActorSelection($"akka.tcp://{AlexNetActors.Actors.ClusterSettings.SystemName}@127.0.0.1:{node.Port}/user/{TestNode.Name}").Tell(new Identify(null));
        byte[] frame = node.FirstFrame();
        caller.Terminate();
        return frame;
    }

    /// <summary>Whether a node ends the connection of a caller by TLS that shows this certificate, before it says a word.</summary>
    static bool HangsUp(int port, byte[] bytes, X509Certificate2? certificate)
    {
        using var client = new TcpClient("127.0.0.1", port) { ReceiveTimeout = (int)ReplyMax.TotalMilliseconds };
        using var stream = new SslStream(client.GetStream(), leaveInnerStreamOpen: false, (_, _, _, _) => true, (_, _, _, _, _) => certificate!);
        try
        {
            stream.AuthenticateAsClient("node");
            stream.Write(bytes);
            return stream.ReadByte() < 0;
        }
        catch (Exception e) when (e is IOException { InnerException: not SocketException { SocketErrorCode: SocketError.TimedOut or SocketError.WouldBlock } } or AuthenticationException)
        {
            return true;
        }
    }

    /// <summary>Sends and hangs up; the node may have done so before.</summary>
    static void Send(int port, byte[] bytes)
    {
        using var client = new TcpClient("127.0.0.1", port) { ReceiveTimeout = 50, LingerState = new LingerOption(true, 0) }; // ms; time for the node to read before the connection is torn down
        try
        {
            client.GetStream().Write(bytes);
            client.GetStream().ReadByte();
        }
        catch (IOException)
        {
            // closed, or no answer: what was asserted is how the cluster fares
        }
    }

    static byte[] Noise(Random random)
    {
        byte[] noise = new byte[random.Next(1, 4000)];
        random.NextBytes(noise);
        return noise;
    }

    /// <summary>Bytes changed, cut out or put in; half of the time with a length that fits, so that the damage is inside of a whole frame.</summary>
    static byte[] Mutate(byte[] frame, Random random)
    {
        List<byte> bytes = [.. frame];
        for (int n = random.Next(1, 5); n > 0; n--)
        {
            int at = random.Next(bytes.Count);
            switch (random.Next(4))
            {
                case 0: bytes[at] = (byte)random.Next(256); break;
                case 1: bytes[at] ^= (byte)(1 << random.Next(8)); break;
                case 2: bytes.InsertRange(at, Noise(random).Take(random.Next(1, 20))); break;
                default: bytes.RemoveRange(at, Math.Min(random.Next(1, 20), bytes.Count - at)); break;
            }
            if (bytes.Count == 0) bytes.Add(0);
        }
        byte[] mutated = [.. bytes];
        if (mutated.Length > 4 && random.Next(2) == 0) BinaryPrimitives.WriteInt32LittleEndian(mutated, mutated.Length - 4);
        return mutated;
    }

    sealed class Counter : ReceiveActor
    {
        public Counter(Action count) => ReceiveAny(_ => count());
    }
}
