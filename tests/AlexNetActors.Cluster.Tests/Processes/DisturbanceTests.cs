using System.Net.Sockets;
using Akka.Actor;
using AlexNetActors.Actors;
using AlexNetActors.App;
using AlexNetActors.Tests.App;

namespace AlexNetActors.Cluster.Tests;

/// <summary>Who does not belong to a run that goes on: neither takes part nor disturbs it.</summary>
public sealed class DisturbanceTests : IDisposable
{
    const int Steps = 300, Attacks = 3000;
    const long MemoryGrowthMax = 128 << 20; // bytes; what the run itself may take meanwhile

    readonly Workshop _workshop = new();

    public void Dispose() => _workshop.Dispose();

    string Certificates(string authority, string node)
    {
        Alexnet.Run("certificates", _workshop.In(authority), "--nodes", node).Expect(0);
        return Path.Combine(_workshop.In(authority), node);
    }

    [Fact]
    public void Garbage_on_every_port_and_foreign_certificates_change_nothing_of_a_run()
    {
        int tensorPort = FreePorts.Take();
        using var cluster = new ProcessCluster(_workshop);
        var coordinator = cluster.StartCoordinator(Steps, "coordinator,gpu,loader", "--certificates", Certificates("ours", "one"), "--set", $"alexnet.cluster.tensor-port={tensorPort}");
        var foreign = cluster.StartGpu("foreign", "--certificates", Certificates("theirs", "one"));
        var plain = cluster.StartGpu("plain");
        coordinator.WaitFor("is admitted");
        long before = coordinator.ResidentBytes;
        var attack = new Thread(() => Attack([cluster.SeedPort, tensorPort])) { IsBackground = true };
        attack.Start();
        cluster.StartGpu("two", "--certificates", Certificates("ours", "two"));
        coordinator.WaitFor("training from step 0");
        Assert.True(attack.Join(TimeSpan.FromSeconds(120)), "the attack has not ended");
        long grown = coordinator.ResidentBytes - before;
        var result = coordinator.WaitForEnd().Expect(0);

        Assert.Equal(_workshop.Expected(Steps), result.Digest);
        Assert.Matches("refused meanwhile: connections .*security", result.Err); // counted: garbage is no TLS
        Assert.Equal(2, coordinator.Lines.Count(l => l.Contains(" joins: cpu"))); // itself and the other one
        Assert.InRange(grown, long.MinValue, MemoryGrowthMax);
        Assert.Contains($"the TLS handshake with 127.0.0.1:{cluster.SeedPort} failed", foreign.WaitForEnd().Expect(1).Err);
        foreach (var stranger in new[] { foreign, plain }) Assert.DoesNotContain("is admitted", stranger.ToString());
    }

    /// <summary>Random bytes, frames cut short, a length of 2 GiB, a TLS record that is none; from a seed.</summary>
    static void Attack(int[] ports)
    {
        var random = new Random(2012);
        for (int n = 0; n < Attacks; n++)
        {
            byte[] bytes = new byte[random.Next(1, 400)];
            random.NextBytes(bytes);
            if (n % 4 == 1) new byte[] { 0x7F, 0xFF, 0xFF, 0xFF }.AsSpan(0, Math.Min(4, bytes.Length)).CopyTo(bytes);
            if (n % 4 == 2) new byte[] { 0x16, 0x03, 0x01 }.AsSpan(0, Math.Min(3, bytes.Length)).CopyTo(bytes);
            try
            {
                using var client = new TcpClient("127.0.0.1", ports[n % ports.Length]);
                client.GetStream().Write(bytes);
                if (n % 3 == 0) client.Client.LingerState = new LingerOption(true, 0); // a reset instead of an end
            }
            catch (Exception e) when (e is SocketException or IOException)
            {
                // Turned away already.
            }
        }
    }

    [Fact]
    public async Task A_node_of_another_version_is_refused_with_both_versions()
    {
        using var cluster = new ProcessCluster(_workshop);
        var coordinator = cluster.StartCoordinator(3, "coordinator,loader");
        var node = NodeSettings.Read(App.Settings.None);
        using var system = ClusterSystem.Start(new ClusterSettings("127.0.0.1", 0, "127.0.0.1", [$"127.0.0.1:{cluster.SeedPort}"], ["gpu"], null), node.Akka);
        var told = new TaskCompletionSource<NodeTurnedAway>(TaskCreationOptions.RunContinuationsAsynchronously);
        var observer = system.ActorOf(Props.Create(() => new Observer(told)));
        var means = new NodeMeans("0.0.1", "old", null, null, null, [], 0, TimeSpan.FromSeconds(10), RecipeReader.ReadText, null, new SnapshotShelf());
        system.ActorOf(NodeActor.Props(means, null, Akka.Cluster.Tools.Singleton.ClusterSingletonProxy.Props("/user/node/coordinator", Akka.Cluster.Tools.Singleton.ClusterSingletonProxySettings.Create(system).WithRole("coordinator")), observer), "node");
        var answer = await told.Task.WaitAsync(TimeSpan.FromSeconds(60));
        Assert.StartsWith("old runs version 0.0.1, the coordinator runs 0.", answer.Reason);
        coordinator.WaitFor("refused: old runs version 0.0.1");
        await system.Terminate().WaitAsync(TimeSpan.FromSeconds(10));
    }

    sealed class Observer : ReceiveActor
    {
        public Observer(TaskCompletionSource<NodeTurnedAway> told)
        {
            Receive<NodeTurnedAway>(m => told.TrySetResult(m));
            ReceiveAny(_ => { });
        }
    }
}
