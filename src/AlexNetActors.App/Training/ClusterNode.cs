using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Tools.Singleton;
using AlexNetActors.Actors;
using ClusterSettings = AlexNetActors.Actors.ClusterSettings;

namespace AlexNetActors.App;

/// <summary>This process as a member of a cluster, from joining to leaving.</summary>
sealed class ClusterNode : IDisposable
{
    const string CoordinatorRole = "coordinator";
    static readonly TimeSpan LeaveMax = TimeSpan.FromSeconds(10);

    /// <summary>How long a node waits to be let in before it says what may be wrong; it goes on trying.</summary>
    static readonly TimeSpan JoinPatience = TimeSpan.FromSeconds(20);

    readonly NodeSettings _node;
    readonly string _seeds;
    readonly ActorSystem _system;
    readonly TensorNode _tensors;
    readonly SnapshotShelf _shelf = new();
    readonly Cluster _cluster;

    public ClusterNode(ClusterSettings settings, bool unencrypted, NodeSettings node)
    {
        (_node, _seeds) = (node, string.Join(", ", settings.Seeds));
        _system = ClusterSystem.Start(settings, node.Akka, unencrypted);
        _cluster = Cluster.Get(_system);
        try
        {
            _tensors = new TensorNode(node.Tensors with { Host = settings.Host, AdvertisedHost = settings.PublicHost, Credentials = settings.Credentials });
        }
        catch
        {
            _system.Terminate().Wait(LeaveMax);
            throw;
        }
    }

    public NodeMeans Means(string? recipe, string? dataPath, DataOffer? data, IReadOnlyList<OfferedDevice> devices, int loaders) => new(
        ProgramVersion.Text, $"{_cluster.SelfAddress.Host}:{_cluster.SelfAddress.Port}", recipe, dataPath, data, devices, loaders, _node.BatchDeadline, RecipeReader.ReadText, _tensors, _shelf);

    /// <summary>Takes part until the run is over, the node is asked to stop or is not wanted.</summary>
    /// <param name="means">What it brings along.</param>
    /// <param name="office">Of a node that may be coordinator; else null.</param>
    /// <param name="output">Where it says what happens.</param>
    /// <returns>The exit code.</returns>
    public int Take(NodeMeans means, RunOffice? office, Output output)
    {
        var observed = new NodeJournal(means.Name, office, output);
        var observer = _system.ActorOf(Props.Create(() => new NodeObserverActor(observed)), "observer");
        var manager = office is null ? null : ClusterSingletonManager.Props(
            CoordinatorActor.Props(() => observed.Open(office), means.Name, _tensors, observer), PoisonPill.Instance, ClusterSingletonManagerSettings.Create(_system).WithRole(CoordinatorRole));
        var proxy = ClusterSingletonProxy.Props("/user/node/coordinator", ClusterSingletonProxySettings.Create(_system).WithRole(CoordinatorRole));
        var nodeActor = _system.ActorOf(NodeActor.Props(means, manager, proxy, observer), "node");
        output.Log.WriteLine($"{means.Name} joins the cluster{(means.Devices.Count > 0 ? $" with {string.Join(" and ", means.Devices.Select(d => d.Factory.Name))}" : "")}");
        using var outside = new Timer(_ => SayIfOutside(output), null, JoinPatience, JoinPatience);
        _system.WhenTerminated.ContinueWith(_ => observed.End.TrySetResult(new NodeEnd(WhyOut(), Failed: true)), TaskScheduler.Default);
        void Stop()
        {
            observed.Stopping = true;
            nodeActor.Tell(new StopRun(HandsOver: _cluster.State.Members.Any(m => m.HasRole(CoordinatorRole) && m.Status is (MemberStatus.Joining or MemberStatus.WeaklyUp or MemberStatus.Up) && !m.UniqueAddress.Equals(_cluster.SelfUniqueAddress))));
        }
        using var signals = new StopSignals(output.Log.WriteLine, Stop, late: why => observed.End.TrySetResult(new NodeEnd(why, Failed: true)));
        var end = observed.Follow();
        try
        {
            return observed.Report(end);
        }
        finally
        {
            SayRefusals(output);
            Leave(); // and with it the coordinator closes the run
        }
    }

    /// <summary>What came to this node's ports that was not for it.</summary>
    void SayRefusals(Output output)
    {
        var counters = _tensors.Counters;
        string[] connections = [.. Enum.GetValues<Refusal>().Where(r => r != Refusal.NotYet && counters.ConnectionsRefused(r) > 0).Select(r => $"{counters.ConnectionsRefused(r)} {r}".ToLowerInvariant())];
        if (connections.Length > 0 || counters.FramesRefused > 0 || ProtocolSerializer.Refused > 0)
            output.Log.WriteLine($"refused meanwhile: connections {(connections.Length > 0 ? string.Join(", ", connections) : "none")}; frames {counters.FramesRefused}; messages {ProtocolSerializer.Refused}");
    }

    /// <summary>The actor system has ended without being asked to.</summary>
    string WhyOut() => CoordinatedShutdown.Get(_system).ShutdownReason?.GetType().Name == "TlsHandshakeFailureReason" // Akka ends a node whose handshake fails
        ? $"the TLS handshake with another node failed: this node's certificates and the seeds' ({_seeds}) are not of one authority, or have expired, or there is no TLS there; name its own folder with --certificates, or start it again if the other one has just died"
        : "the cluster has put this node out: it could not be reached for too long, or is of a part that was cut off; start it again";

    void SayIfOutside(Output output)
    {
        if (_cluster.SelfMember.Status is MemberStatus.Joining or MemberStatus.Removed && !_system.WhenTerminated.IsCompleted)
            output.Log.WriteLine($"no seed has let this node in yet ({_seeds}): is one of them up, is that its address, and have both certificates of one authority, or neither of them any?");
    }

    void Leave() => CoordinatedShutdown.Get(_system).Run(CoordinatedShutdown.ClusterLeavingReason.Instance).Wait(LeaveMax);

    public void Dispose()
    {
        Leave();
        _tensors.Dispose();
    }
}
