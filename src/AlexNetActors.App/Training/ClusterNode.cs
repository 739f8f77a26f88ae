using System.Diagnostics;
using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Tools.Singleton;
using AlexNetActors.Actors;
using ClusterSettings = AlexNetActors.Actors.ClusterSettings;

namespace AlexNetActors.App;

/// <summary>This process as a member of a cluster, from joining to leaving.</summary>
sealed class ClusterNode : IDisposable
{
    static readonly TimeSpan LeaveMax = TimeSpan.FromSeconds(10), LookInterval = TimeSpan.FromMilliseconds(250);

    /// <summary>
    /// How old a process is at least when it opens a port that was named: it may take the place of one that was killed, which the cluster removes within
    /// about 0.6 s (node.conf). One that associates before that, as a program that is compiled ahead can, is now and then never reached by one of the others:
    /// Akka.Remote loses the new association with the old. Both are then put out, 10 s later.
    /// </summary>
    static readonly TimeSpan AgeMin = TimeSpan.FromSeconds(1);

    /// <summary>How long one who is asked whether he is a node has to answer.</summary>
    static readonly TimeSpan AnswerMax = TimeSpan.FromSeconds(2);

    /// <summary>
    /// How long the coordinator's node stays when the run is over, at the longest: whoever has not heard of it, since he has just come or a message was lost, offers
    /// himself again and is told. Where no group was formed, as the run was over before, that may be anybody.
    /// </summary>
    static readonly TimeSpan TellMax = TimeSpan.FromSeconds(15), TellInterval = TimeSpan.FromMilliseconds(50);

    /// <summary>What it says when it leaves its cluster for another one.</summary>
    public const string GoesThere = "this node goes there";

    /// <summary>The shortest time that the old coordinator is given once the cluster has removed it: it is dead, or has stopped itself when it lost the majority.</summary>
    static readonly TimeSpan RemovalMargin = TimeSpan.FromMilliseconds(1);

    readonly NodeSettings _node;
    readonly NodeCredentials? _credentials;
    readonly Address[] _configuredSeeds, _seeds;
    readonly ActorSystem _system;
    readonly TensorNode _tensors;
    readonly Cluster _cluster;
    volatile Lookout _lookout;

    /// <param name="settings">What this node is told.</param>
    /// <param name="unencrypted">Other machines may connect although nothing is encrypted.</param>
    /// <param name="node">node.conf.</param>
    /// <param name="earlier">Of a node that was a member before: it founds no cluster of its own while one may be there.</param>
    public ClusterNode(ClusterSettings settings, bool unencrypted, NodeSettings node, Membership? earlier)
    {
        (_node, _credentials, _configuredSeeds) = (node, settings.Credentials, [.. settings.SeedAddresses]);
        if (earlier is not null)
        {
            Thread.Sleep(earlier.Pause);
            settings = settings with { Seeds = [.. earlier.Seeds(settings.Seeds).Where(s => s != $"{settings.PublicHost}:{settings.Port}")] };
            settings = settings with { Seeds = [.. settings.Seeds.Except(Strangers(settings.SeedAddresses, settings.Credentials))] };
        }
        _seeds = [.. settings.SeedAddresses];
        var young = AgeMin - TimeSpan.FromSeconds(ProcessMeter.Read().Seconds);
        if (settings.Port != 0 && young > TimeSpan.Zero) Thread.Sleep(young < AgeMin ? young : AgeMin); // a clock that was set back makes nobody younger than new
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
        _lookout = new Lookout(_cluster.SelfAddress, earlier, settings.Roles.Contains(ClusterSettings.CoordinatorRole), [.. _configuredSeeds.Select(Majority.NodeName)], [.. _seeds.Where(s => !s.Equals(_cluster.SelfAddress))]);
    }

    public NodeMeans Means(string? recipe, string? dataPath, DataOffer? data, IReadOnlyList<OfferedDevice> devices, int loaders, SnapshotShelf shelf) => new(
        ProgramVersion.Text, Majority.NodeName(_cluster.SelfAddress), recipe, dataPath, data, devices, loaders, _node.BatchDeadline, RecipeReader.ReadText, _tensors, shelf);

    /// <summary>Takes part until the run is over, the node is asked to stop, is not wanted, or is put out.</summary>
    /// <param name="means">What it brings along.</param>
    /// <param name="office">Of a node that may be coordinator; else null.</param>
    /// <param name="output">Where it says what happens.</param>
    /// <returns>The exit code; or null where it is to join again, and with what if it was a member.</returns>
    public (int? Code, Membership? Return) Take(NodeMeans means, RunOffice? office, Output output)
    {
        var observed = new NodeJournal(means.Name, office, output);
        var actor = new TaskCompletionSource<IActorRef>(); // a signal may come before there is anybody to tell
        _system.WhenTerminated.ContinueWith(_ => observed.End.TrySetResult(new NodeEnd(WhyOut(), Failed: true, PutOut: true)), TaskScheduler.Default);
        bool handsOver = false;
        void Stop()
        {
            observed.Stopping = true;
            handsOver = Others.Any(m => m.HasRole(ClusterSettings.CoordinatorRole));
            actor.Task.ContinueWith(t => t.Result.Tell(new StopRun(handsOver)), TaskScheduler.Default);
        }
        using var signals = new StopSignals(output.Log.WriteLine, Stop, late: why => observed.End.TrySetResult(new NodeEnd(why, Failed: true)));
        string[] asked = [.. _lookout.Asked.Select(Majority.NodeName)];
        if (asked.Length > 0) output.Log.WriteLine($"{means.Name} asks {string.Join(" or ", asked)} to let it in");
        bool isIn = false;
        void SayIsIn(bool first)
        {
            if (isIn) return;
            isIn = true;
            output.Log.WriteLine($"{means.Name} {(first ? "founds a" : "joins the")} cluster{(means.Devices.Count > 0 ? $" with {string.Join(" and ", means.Devices.Select(d => d.Factory.Name))}" : "")}");
        }
        try
        {
            actor.SetResult(StartActors(means, office, observed, SayIsIn));
            office?.Board?.Obey(actor.Task.Result, means.Name);
        }
        catch (InvalidOperationException) when (ShutdownReason is not null) { } // put out while it joined: a system that ends takes no new actor
        new Thread(() => LookAround(observed, output)) { Name = "look around", IsBackground = true }.Start();
        var end = observed.Follow();
        try
        {
            if (observed.Stopping || !_lookout.ComesBack(end)) return (observed.Report(end), null);
            var membership = _lookout.Return(end);
            output.Log.WriteLine($"{end.Why}; {(end.Goals is null ? "it joins again" : GoesThere)}");
            Leave();
            return observed.Stopping ? (observed.Report(end with { Why = "stopped as asked", Failed = true }), null) : (null, membership); // asked while it left
        }
        finally
        {
            SayRefusals(output);
            if (observed.RunIsOver && !handsOver) TellTheOthers(observed);
            Leave(); // and with it the coordinator closes the run
        }
    }

    IEnumerable<Member> Others => _cluster.State.Members.Where(m => m.Status is MemberStatus.Joining or MemberStatus.WeaklyUp or MemberStatus.Up && !m.UniqueAddress.Equals(_cluster.SelfUniqueAddress));

    void TellTheOthers(NodeJournal observed)
    {
        var since = Stopwatch.StartNew();
        bool asked = observed.Stopping, mayCome = !asked && !observed.FormedGroup;
        while (since.Elapsed < TellMax && observed.Stopping == asked && (mayCome || Others.Any()) && !_system.WhenTerminated.IsCompleted) Thread.Sleep(TellInterval);
    }

    IActorRef StartActors(NodeMeans means, RunOffice? office, NodeJournal observed, Action<bool> isIn)
    {
        _system.ActorOf(DeathCheck.Props(_credentials), "death-check");
        var observer = _system.ActorOf(Props.Create(() => new NodeObserverActor(observed, isIn)), "observer");
        _system.ActorOf(StandingActor.Props(_configuredSeeds, _credentials, observer), StandingActor.Name);
        var manager = office is null ? null : ClusterSingletonManager.Props(
            CoordinatorActor.Props(() => observed.Open(office, IsReplaced, _configuredSeeds), means.Name, _tensors, observer), PoisonPill.Instance,
            ClusterSingletonManagerSettings.Create(_system).WithRole(ClusterSettings.CoordinatorRole).WithRemovalMargin(RemovalMargin));
        var proxy = ClusterSingletonProxy.Props("/user/node/coordinator", ClusterSingletonProxySettings.Create(_system).WithRole(ClusterSettings.CoordinatorRole));
        return _system.ActorOf(NodeActor.Props(means, manager, proxy, observer), "node");
    }

    /// <summary>Until the node takes part no longer, or its actor system has ended.</summary>
    void LookAround(NodeJournal observed, Output output)
    {
        var since = Stopwatch.StartNew();
        Task<Standing[]>? answers = null;
        do
        {
            (_lookout, var move) = _lookout.Look(new Sight(since.Elapsed, StandingActor.IsMember(_cluster), StandingActor.IsLed(_cluster), [.. _cluster.State.Members.Select(m => m.Address)]));
            if (move is null && answers is { IsCompleted: true } heard)
            {
                answers = null;
                if (heard.IsCompletedSuccessfully) (_lookout, move) = _lookout.Hear(heard.Result); // else the actor system ends
            }
            switch (move)
            {
                case null: break;
                case Move.SayOutside:
                    output.Log.WriteLine($"no seed has let this node in yet ({SeedNames}): is one of them up, is that its address, and have both certificates of one authority, or neither of them any? If the run is over, end this node");
                    break;
                case Move.SayUnled:
                    output.Log.WriteLine($"no node of this cluster has the role {ClusterSettings.CoordinatorRole}: start one with the same --seeds, and the run goes on. If it is over, end this node");
                    break;
                case Move.Ask m: answers = Task.WhenAll(m.Nodes.Select(a => StandingActor.Of(_system, a, _credentials))); break; // each has a deadline
                case Move.Found: _cluster.Join(_cluster.SelfAddress); break;
                case Move.End m: observed.End.TrySetResult(m.How); break;
                default: throw new InvalidOperationException($"no way to do {move}");
            }
        }
        while (Task.WaitAny([observed.End.Task, _system.WhenTerminated], LookInterval) < 0);
    }

    /// <summary>Names of those where somebody listens who is no node of this cluster: to dial him by Akka would end the actor system.</summary>
    static string[] Strangers(IEnumerable<Address> nodes, NodeCredentials? credentials)
    {
        Address[] asked = [.. nodes];
        var answers = Task.WhenAll(asked.Select(a => NodeProbe.Ask(a, credentials, AnswerMax))).GetAwaiter().GetResult(); // each has a deadline
        return [.. asked.Where((_, i) => answers[i] == Answer.Stranger).Select(Majority.NodeName)];
    }

    /// <summary>Whether that node was a member of this cluster and is none any more.</summary>
    bool IsReplaced(string node)
    {
        var members = _cluster.State.Members;
        return _lookout.Seen.Union(members.Select(m => m.Address)).Any(a => Majority.NodeName(a) == node) && members.All(m => Majority.NodeName(m.Address) != node || m.Status is MemberStatus.Down or MemberStatus.Removed);
    }

    /// <summary>What came to this node's ports that was not for it.</summary>
    void SayRefusals(Output output)
    {
        var counters = _tensors.Counters;
        string[] connections = [.. Enum.GetValues<Refusal>().Where(r => r != Refusal.NotYet && counters.ConnectionsRefused(r) > 0).Select(r => $"{counters.ConnectionsRefused(r)} {r}".ToLowerInvariant())];
        if (connections.Length > 0 || counters.FramesRefused > 0 || ProtocolSerializer.Refused > 0)
            output.Log.WriteLine($"refused meanwhile: connections {(connections.Length > 0 ? string.Join(", ", connections) : "none")}; frames {counters.FramesRefused}; messages {ProtocolSerializer.Refused}");
    }

    /// <summary>Why the actor system ends; null while it does not.</summary>
    CoordinatedShutdown.Reason? ShutdownReason => CoordinatedShutdown.Get(_system).ShutdownReason;

    /// <summary>The actor system has ended without being asked to.</summary>
    string WhyOut()
    {
        if (ShutdownReason?.GetType().Name != "TlsHandshakeFailureReason") return "the cluster has put this node out: it could not be reached for too long, or is of a part that was cut off";
        string[] strangers = Strangers(_seeds.Union(_lookout.Seen).Where(a => !a.Equals(_cluster.SelfAddress)), _credentials); // Akka, which ends a node whose handshake fails, does not say whom it dialled
        return strangers.Length == 0
            ? $"the TLS handshake with another node failed, which has ended since; this node's seeds are {SeedNames}"
            : $"the TLS handshake with {string.Join(" and ", strangers)} failed: its certificate and this node's are not of one authority, or have expired, or no node listens there; name this node's own folder with --certificates, or end what listens there";
    }

    string SeedNames => string.Join(", ", _seeds.Select(Majority.NodeName));

    void Leave() => CoordinatedShutdown.Get(_system).Run(CoordinatedShutdown.ClusterLeavingReason.Instance).Wait(LeaveMax);

    public void Dispose()
    {
        Leave();
        _tensors.Dispose();
    }
}
