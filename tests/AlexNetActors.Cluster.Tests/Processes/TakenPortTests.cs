using AlexNetActors.App;
using AlexNetActors.Tests.App;

namespace AlexNetActors.Cluster.Tests;

/// <summary>
/// Another program listens where a member was that has died. Akka ends the actor system of every member that dials it by TLS: they come back, leave that port
/// alone, and the run goes on.
/// </summary>
public sealed class TakenPortTests : IDisposable
{
    const int Steps = 400;

    readonly Workshop _workshop = new();

    public void Dispose() => _workshop.Dispose();

    [Fact]
    public void Whoever_takes_a_dead_members_port_and_hangs_up_ends_no_other_node()
    {
        Alexnet.Run("certificates", _workshop.In("certificates"), "--nodes", "127.0.0.1").Expect(0);
        using var cluster = new ProcessCluster(_workshop) { Common = ["--certificates", Path.Combine(_workshop.In("certificates"), "127.0.0.1")] };
        int port = FreePorts.Take();
        var coordinator = cluster.StartCoordinator(Steps, "coordinator,loader");
        var dies = cluster.Add("gpu-1", port, "--roles", "gpu");
        NodeProcess[] others = [coordinator, cluster.StartGpu("gpu-2"), cluster.StartLoader("loader")];
        foreach (var other in others) other.WaitFor("is admitted");
        Wait.Until(() => _workshop.Metrics("run", "step").Count >= 4, () => $"step 4 is not reached:\n{cluster}");

        dies.Kill();
        using var stranger = new FalseNode(port);
        stranger.HangUpOnAll();
        Wait.Until(() => stranger.Calls > 0, () => $"nobody has called:\n{cluster}");
        cluster.StartGpu("spare");

        Assert.Equal(_workshop.Expected(Steps), coordinator.WaitForEnd().Expect(0).Digest);
        foreach (var other in others) other.WaitForEnd().Expect(0);
        Assert.All(others.SelectMany(o => o.Lines).Where(l => l.Contains("the TLS handshake with 1")), l => Assert.Contains($"127.0.0.1:{port}", l)); // whom it dialled
    }
}
