using System.Collections.Concurrent;
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

    /// <summary>How long a node waits to be let in before it says what may be wrong; it goes on trying.</summary>
    static readonly TimeSpan JoinPatience = TimeSpan.FromSeconds(20);

    /// <summary>How long a node that was put out tries to get in again; and how long before it thinks of founding the cluster anew.</summary>
    static readonly TimeSpan ReturnMax = TimeSpan.FromSeconds(120), ReturnPatience = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Before it tries again after it was put out without having been let in: 1 s, then twice as long each time, up to 10 s. The first also before it goes to
    /// another cluster, whose nodes have just talked to it where it listens again.
    /// </summary>
    static readonly TimeSpan PauseFirst = TimeSpan.FromSeconds(1), PauseMax = TimeSpan.FromSeconds(10);

    /// <summary>
    /// A process that has not looked around for so long was stopped, and the others have removed it. If they have all started again meanwhile, nothing tells it so, and Akka.Remote may
    /// never reach at their addresses who is there now: each of them asks for ever to be let in.
    /// </summary>
    static readonly TimeSpan SleptMin = TimeSpan.FromSeconds(8);

    /// <summary>How long one who is asked whether he is a node has to answer.</summary>
    static readonly TimeSpan AnswerMax = TimeSpan.FromSeconds(2);

    /// <summary>
    /// How long the coordinator's node stays when the run is over, at the longest: whoever has not heard of it, since he has just come or a message was lost, offers
    /// himself again and is told. Where no group was formed, as the run was over before, that may be anybody.
    /// </summary>
    static readonly TimeSpan TellMax = TimeSpan.FromSeconds(15), TellInterval = TimeSpan.FromMilliseconds(50);

    /// <summary>What it says when it leaves its cluster for another one.</summary>
    public const string GoesThere = "this node goes there";

    /// <summary>How many times in a row all others are to be found dead before this node gives up: they may be about to start again.</summary>
    const int AloneMax = 3;

    /// <summary>The shortest time that the old coordinator is given once the cluster has removed it: it is dead, or has stopped itself when it lost the majority.</summary>
    static readonly TimeSpan RemovalMargin = TimeSpan.FromMilliseconds(1);

    readonly NodeSettings _node;
    readonly Membership? _earlier;
    readonly NodeCredentials? _credentials;
    readonly Address[] _seeds;
    readonly ActorSystem _system;
    readonly TensorNode _tensors;
    readonly Cluster _cluster;
    readonly ConcurrentDictionary<Address, byte> _seen = new(); // members, ever
    readonly Timer _look;
    readonly Address[] _configuredSeeds;
    int _alone; // times in a row that all others were found dead
    volatile bool _wasIn;

    /// <summary>What a node that was put out takes along, or one that goes to another cluster.</summary>
    /// <param name="Members">The nodes that it knew.</param>
    /// <param name="Failures">How many times it was put out since it was last in.</param>
    /// <param name="Goals">Those of the other cluster who are to let it in, as the members are not; null where it comes back to them.</param>
    public sealed record Membership(Address[] Members, int Failures, Address[]? Goals = null)
    {
        public IEnumerable<string> Seeds(IEnumerable<string> configured) =>
            Goals is null ? Names(Members).Union(configured) : Names(Goals).Union(configured.Except(Names(Members)));

        static IEnumerable<string> Names(Address[] nodes) => nodes.Select(Majority.NodeName);

        public TimeSpan Pause => Failures == 0 ? Goals is null ? TimeSpan.Zero : PauseFirst : TimeSpan.FromTicks(Math.Min(PauseFirst.Ticks << Math.Min(Failures - 1, 10), PauseMax.Ticks));
    }

    /// <param name="settings">What this node is told.</param>
    /// <param name="unencrypted">Other machines may connect although nothing is encrypted.</param>
    /// <param name="node">node.conf.</param>
    /// <param name="earlier">Of a node that was a member before: it founds no cluster of its own while one may be there.</param>
    public ClusterNode(ClusterSettings settings, bool unencrypted, NodeSettings node, Membership? earlier)
    {
        (_node, _earlier, _credentials, _configuredSeeds) = (node, earlier, settings.Credentials, [.. settings.SeedAddresses]);
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
        _look = new Timer(_ => LookAround(), null, LookInterval, LookInterval);
    }

    public NodeMeans Means(string? recipe, string? dataPath, DataOffer? data, IReadOnlyList<OfferedDevice> devices, int loaders, SnapshotShelf shelf) => new(
        ProgramVersion.Text, Majority.NodeName(_cluster.SelfAddress), recipe, dataPath, data, devices, loaders, _node.BatchDeadline, RecipeReader.ReadText, _tensors, shelf);

    /// <summary>Takes part until the run is over, the node is asked to stop, is not wanted, or is put out.</summary>
    /// <param name="means">What it brings along.</param>
    /// <param name="office">Of a node that may be coordinator; else null.</param>
    /// <param name="output">Where it says what happens.</param>
    /// <returns>The exit code; or with what the node, which was a member and was put out, may come back.</returns>
    public (int Code, Membership? Return) Take(NodeMeans means, RunOffice? office, Output output)
    {
        var observed = new NodeJournal(means.Name, office, output);
        var actor = new TaskCompletionSource<IActorRef>(); // a signal may come before there is anybody to tell
        using var outside = new Timer(_ => SayIfOutside(output), null, JoinPatience, JoinPatience);
        using var founding = _earlier is not { Goals: null } ? null : new Timer(_ => FoundIfNobodyElseCan(observed, office is not null), null, ReturnPatience, ReturnPatience);
        long looked = Stopwatch.GetTimestamp();
        bool slept = false;
        using var sleep = new Timer(_ =>
        {
            slept |= Stopwatch.GetElapsedTime(Interlocked.Exchange(ref looked, Stopwatch.GetTimestamp())) > SleptMin;
            if (slept && _seen.Count > 1 && _cluster.State.Members.Count == 1) observed.End.TrySetResult(new NodeEnd("this process stood still for so long that no other node of its cluster is left", Failed: true, PutOut: true));
        }, null, LookInterval, LookInterval);
        using var late = _earlier is null ? null : new Timer(_ =>
        {
            if (!IsMember) observed.End.TrySetResult(new NodeEnd($"no node of the cluster {(_earlier.Goals is null ? "that has put this one out has let it in again" : "with a coordinator has let this one in")} within {ReturnMax.TotalSeconds:0} s; start it again when one is up", Failed: true));
        }, null, ReturnMax, Timeout.InfiniteTimeSpan);
        _system.WhenTerminated.ContinueWith(_ => observed.End.TrySetResult(new NodeEnd(WhyOut(), Failed: true, PutOut: true)), TaskScheduler.Default);
        bool handsOver = false;
        void Stop()
        {
            observed.Stopping = true;
            handsOver = Others.Any(m => m.HasRole(ClusterSettings.CoordinatorRole));
            actor.Task.ContinueWith(t => t.Result.Tell(new StopRun(handsOver)), TaskScheduler.Default);
        }
        using var signals = new StopSignals(output.Log.WriteLine, Stop, late: why => observed.End.TrySetResult(new NodeEnd(why, Failed: true)));
        string[] asked = [.. _seeds.Where(s => !s.Equals(_cluster.SelfAddress)).Select(Majority.NodeName)];
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
        var end = observed.Follow();
        try
        {
            bool joinsAgain = end.Goals is not null || (end.PutOut && (_wasIn || _earlier is not null));
            if (!joinsAgain || observed.Stopping) return (observed.Report(end), null);
            output.Log.WriteLine($"{end.Why}; {(end.Goals is null ? "it joins again" : GoesThere)}");
            var membership = Return(end.Goals);
            Leave();
            return observed.Stopping ? (observed.Report(end with { Why = "stopped as asked", Failed = true }), null) : (0, membership); // asked while it left
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

    Membership Return(Address[]? goals) => this switch
    {
        _ when goals is not null => new Membership([.. _cluster.State.Members.Select(m => m.Address)], 0, goals),
        { _wasIn: false, _earlier: { Goals: not null } earlier } => earlier with { Failures = earlier.Failures + 1 },
        _ => new Membership([.. _seen.Keys.Union(_earlier is { Goals: null } known ? known.Members : []).Where(a => !a.Equals(_cluster.SelfAddress))], _wasIn ? 0 : _earlier!.Failures + 1),
    };

    IActorRef StartActors(NodeMeans means, RunOffice? office, NodeJournal observed, Action<bool> isIn)
    {
        _system.ActorOf(DeathCheck.Props(_credentials), "death-check");
        var observer = _system.ActorOf(Props.Create(() => new NodeObserverActor(observed, isIn)), "observer");
        _system.ActorOf(StandingActor.Props(_configuredSeeds, _credentials, observer), StandingActor.Name);
        var manager = office is null ? null : ClusterSingletonManager.Props(
            CoordinatorActor.Props(() => observed.Open(office, IsReplaced), means.Name, _tensors, observer), PoisonPill.Instance,
            ClusterSingletonManagerSettings.Create(_system).WithRole(ClusterSettings.CoordinatorRole).WithRemovalMargin(RemovalMargin));
        var proxy = ClusterSingletonProxy.Props("/user/node/coordinator", ClusterSingletonProxySettings.Create(_system).WithRole(ClusterSettings.CoordinatorRole));
        return _system.ActorOf(NodeActor.Props(means, manager, proxy, observer), "node");
    }

    bool IsMember => StandingActor.IsMember(_cluster);

    void LookAround()
    {
        foreach (var member in _cluster.State.Members) _seen.TryAdd(member.Address, 0);
        if (IsMember) _wasIn = true;
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
        LookAround();
        return _seen.Keys.Any(a => Majority.NodeName(a) == node) && _cluster.State.Members.All(m => Majority.NodeName(m.Address) != node || m.Status is MemberStatus.Down or MemberStatus.Removed);
    }

    /// <summary>If all who are left of a cluster were put out, one of them begins anew: <see cref="Founding"/>.</summary>
    /// <param name="observed">Told when there is nobody left to come back to.</param>
    /// <param name="coordinates">Whether a cluster of this node alone could do anything.</param>
    void FoundIfNobodyElseCan(NodeJournal observed, bool coordinates)
    {
        if (_cluster.State.Members.Count > 1 || _system.WhenTerminated.IsCompleted) return;
        var standings = Task.WhenAll(_earlier!.Members.Select(a => StandingActor.Of(_system, a, _credentials))).GetAwaiter().GetResult(); // each has a deadline
        _alone = standings.All(s => s == Standing.Dead) ? _alone + 1 : 0;
        if (!coordinates && _alone > 0) // also when it has founded a cluster, for others that then ended
        {
            if (_alone >= AloneMax) observed.End.TrySetResult(new NodeEnd("every other node of the cluster that has put this one out has ended; start it again with them", Failed: true));
            return;
        }
        if (!IsMember && _cluster.SelfAddress.Equals(Founding.Founder(_cluster.SelfAddress, [.. _earlier.Members.Zip(standings)], _configuredSeeds.Select(Majority.NodeName)))) _cluster.Join(_cluster.SelfAddress);
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
        string[] strangers = Strangers(_seeds.Union(_seen.Keys).Where(a => !a.Equals(_cluster.SelfAddress)), _credentials); // Akka, which ends a node whose handshake fails, does not say whom it dialled
        return strangers.Length == 0
            ? $"the TLS handshake with another node failed, which has ended since; this node's seeds are {SeedNames}"
            : $"the TLS handshake with {string.Join(" and ", strangers)} failed: its certificate and this node's are not of one authority, or have expired, or no node listens there; name this node's own folder with --certificates, or end what listens there";
    }

    string SeedNames => string.Join(", ", _seeds.Select(Majority.NodeName));

    void SayIfOutside(Output output)
    {
        if (!IsMember && !_system.WhenTerminated.IsCompleted)
            output.Log.WriteLine($"no seed has let this node in yet ({SeedNames}): is one of them up, is that its address, and have both certificates of one authority, or neither of them any?");
    }

    void Leave() => CoordinatedShutdown.Get(_system).Run(CoordinatedShutdown.ClusterLeavingReason.Instance).Wait(LeaveMax);

    public void Dispose()
    {
        _look.Dispose();
        Leave();
        _tensors.Dispose();
    }
}
