using System.Diagnostics;
using Akka.Actor;
using Akka.Cluster;

namespace AlexNetActors.Actors;

/// <summary>How a node stands to a cluster, as far as another one can tell.</summary>
public enum Standing
{
    /// <summary>It does not answer: it may be anything.</summary>
    Silent,

    /// <summary>Its machine says that nobody listens there, or a stranger does.</summary>
    Dead,

    /// <summary>It is no member of any cluster.</summary>
    Outside,

    /// <summary>It is, and can let others in.</summary>
    Member,

    /// <summary>So it is, and a coordinator may be in its cluster, of which this node is no member.</summary>
    Led,
}

/// <summary>
/// Says how this node stands, to whoever has been put out of the cluster and wonders whether there still is one; and looks for a coordinator beyond the
/// cluster: <see cref="Reunion"/>.
/// </summary>
public sealed class StandingActor : ReceiveActor, IWithTimers
{
    public const string Name = "standing";

    static readonly TimeSpan AnswerMax = TimeSpan.FromSeconds(2), LookInterval = TimeSpan.FromSeconds(1);

    /// <summary>A stronger cluster that has not been heard of for so long may be gone: one seed that is silent holds up what the others answer.</summary>
    static readonly TimeSpan RememberMax = TimeSpan.FromSeconds(6);

    readonly IReadOnlyCollection<Address> _seeds;
    readonly NodeCredentials? _credentials;
    readonly IActorRef _observer;
    readonly Cluster _cluster = Cluster.Get(Context.System);
    readonly Dictionary<Address, ClusterStrength> _led = []; // heard of since it last looked
    readonly HashSet<Address> _died = []; // whoever is there now is another process
    readonly Dictionary<Address, Stopwatch> _missing = []; // seeds that are no members
    readonly Stopwatch _sinceLed = Stopwatch.StartNew(), _sinceWanted = Stopwatch.StartNew();
    Stopwatch? _strongerHeard;
    bool _asks, _idle;

    sealed record Heard((Address Node, Found Found)[] Seeds) : INoSerializationVerificationNeeded;

    sealed class LookAround : INoSerializationVerificationNeeded
    {
        public static readonly LookAround Instance = new();
    }

    /// <param name="seeds">Those that this node was told of.</param>
    /// <param name="credentials">Its own; null for an unencrypted cluster.</param>
    /// <param name="observer">Hears <see cref="CoordinatorElsewhere"/>.</param>
    public StandingActor(IReadOnlyCollection<Address> seeds, NodeCredentials? credentials, IActorRef observer)
    {
        (_seeds, _credentials, _observer) = (seeds, credentials, observer);
        Receive<StandingAsked>(m =>
        {
            bool strange = !IsAmongUs(Sender.Path.Address);
            if (m.Led is { } led && strange && Sender.Path.Address.HasGlobalScope) _led[Sender.Path.Address] = led;
            Sender.Tell(new StandingTold(IsMember(_cluster), strange ? StrengthIfLed(_cluster) : null));
        });
        Receive<LookAround>(_ => OnLookAround());
        Receive<Heard>(m =>
        {
            _asks = false;
            foreach (var (node, found) in m.Seeds)
            {
                if (found.Led is { } led) _led[node] = led;
                if (found.Standing == Standing.Dead) _died.Add(node);
            }
        });
        Receive<CoordinatorWaits>(m => _idle = m.ForMembers);
        Receive<NodeDied>(m => _died.Add(m.Node));
        Receive<ClusterEvent.MemberUp>(m => _died.Remove(m.Member.Address));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(IReadOnlyCollection<Address> seeds, NodeCredentials? credentials, IActorRef observer) => Akka.Actor.Props.Create(() => new StandingActor(seeds, credentials, observer));

    public static bool IsMember(Cluster cluster) => cluster.SelfMember.Status is not (MemberStatus.Joining or MemberStatus.Removed);

    /// <summary>Whether this node is in a cluster in which a coordinator may be, or may come to be.</summary>
    public static bool IsLed(Cluster cluster) => IsMember(cluster) && Present(cluster).Any(m => m.HasRole(ClusterSettings.CoordinatorRole));

    static IEnumerable<Member> Present(Cluster cluster) => cluster.State.Members.Where(m => m.Status is not (MemberStatus.Down or MemberStatus.Removed));

    static ClusterStrength? StrengthIfLed(Cluster cluster) => IsLed(cluster) ? StrengthOf(cluster) : null;

    static ClusterStrength StrengthOf(Cluster cluster)
    {
        Address[] reached = [.. Present(cluster).Except(cluster.State.Unreachable).Select(m => m.Address)];
        return new ClusterStrength(reached.Length, Majority.NodeName(reached.Append(cluster.SelfAddress).Min(Member.AddressOrdering)!));
    }

    bool IsAmongUs(Address node) => _cluster.State.Members.Any(m => m.Address.Equals(node));

    protected override void PreStart()
    {
        Context.System.EventStream.Subscribe(Self, typeof(NodeDied));
        Context.System.EventStream.Subscribe(Self, typeof(CoordinatorWaits));
        _cluster.Subscribe(Self, ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents, typeof(ClusterEvent.MemberUp));
        Timers.StartPeriodicTimer(LookAround.Instance, LookAround.Instance, LookInterval);
    }

    protected override void PostStop() => _cluster.Unsubscribe(Self);

    void OnLookAround()
    {
        if (!IsMember(_cluster) || IsLed(_cluster)) _sinceLed.Restart();
        foreach (var seed in _seeds)
        {
            if (!IsMember(_cluster) || IsAmongUs(seed)) _missing.Remove(seed);
            else _missing.TryAdd(seed, Stopwatch.StartNew());
        }
        Address[] stronger = _idle ? [.. _led.Where(l => l.Value.IsMoreThan(StrengthOf(_cluster))).Select(l => l.Key)] : [];
        if (stronger.Length > 0) _strongerHeard = Stopwatch.StartNew();
        if (!_idle || !(_strongerHeard?.Elapsed < RememberMax)) _sinceWanted.Restart();
        if (Reunion.Goals(_sinceLed.Elapsed, _led.Keys) is [_, ..] goals) _observer.Tell(new CoordinatorElsewhere(goals, Idle: false));
        else if (Reunion.GoalsOfTheIdle(_sinceWanted.Elapsed, stronger) is [_, ..] others) _observer.Tell(new CoordinatorElsewhere(others, Idle: true));
        _led.Clear();
        if (_asks || _missing.Count == 0) return;
        _asks = true;
        Ask([.. _missing.Select(m => (m.Key, Reunion.MayAsk(m.Value.Elapsed, _died.Contains(m.Key))))]).PipeTo(Self);
    }

    async Task<Heard> Ask((Address Node, bool May)[] seeds)
    {
        var system = Context.System;
        var found = await Task.WhenAll(seeds.Select(s => s.May ? Find(system, s.Node, _credentials) : Reach(s.Node, _credentials)));
        return new Heard([.. seeds.Select(s => s.Node).Zip(found)]);
    }

    /// <summary>Without a word to it.</summary>
    static async Task<Found> Reach(Address node, NodeCredentials? credentials) => new(Of(await NodeProbe.Ask(node, credentials, AnswerMax)));

    static Standing Of(Answer answer) => answer is Answer.Refused or Answer.Stranger ? Standing.Dead : Standing.Silent;

    /// <summary>Asks another node; its deadline is four seconds.</summary>
    public static async Task<Standing> Of(ActorSystem system, Address node, NodeCredentials? credentials) => (await Find(system, node, credentials)).Standing;

    static async Task<Found> Find(ActorSystem system, Address node, NodeCredentials? credentials)
    {
        if (await NodeProbe.Ask(node, credentials, AnswerMax) is var answer && answer != Answer.Node) return new Found(Of(answer));
        try
        {
            var told = await system.ActorSelection(new RootActorPath(node) / "user" / Name).Ask<StandingTold>(new StandingAsked(StrengthIfLed(Cluster.Get(system))), AnswerMax);
            return new Found(told.Led is not null ? Standing.Led : told.Member ? Standing.Member : Standing.Outside, told.Led);
        }
        catch (Exception e) when (e is AskTimeoutException or OperationCanceledException)
        {
            return new Found(Standing.Silent);
        }
    }

    sealed record Found(Standing Standing, ClusterStrength? Led = null);
}

/// <summary>
/// If all who are left of a cluster were put out, nobody can let anybody in, and one of them begins anew: only when it is certain that no others go on
/// somewhere. Pure.
/// </summary>
public static class Founding
{
    /// <param name="self">A node that was put out.</param>
    /// <param name="others">All that it knew, and how they stand.</param>
    /// <param name="seeds">Names of nodes, the one that is to begin first.</param>
    /// <returns>Who begins; null while one of them can let others in, or most of them may be together somewhere.</returns>
    public static Address? Founder(Address self, IReadOnlyCollection<(Address Node, Standing Standing)> others, IEnumerable<string> seeds)
    {
        if (others.Any(o => o.Standing is Standing.Member or Standing.Led)) return null;
        Address[] here = [.. others.Where(o => o.Standing == Standing.Outside).Select(o => o.Node), self];
        int accounted = here.Length + others.Count(o => o.Standing == Standing.Dead);
        if (2 * accounted <= others.Count + 1) return null;
        return seeds.Select(s => here.FirstOrDefault(a => Majority.NodeName(a) == s)).FirstOrDefault(a => a is not null) ?? here.Min(Member.AddressOrdering);
    }
}

/// <summary>
/// A seed that starts again while no other seed answers founds a cluster of its own, and there are two where there was one. Whoever is in the one in which no
/// coordinator can be goes to the one in which there is: seeds are known to all, so they are asked, and hear who asks. Where both have one, a coordinator that
/// waits for members goes to the stronger cluster, and the others of its own, which then has none, follow. One that leads a group stays. Pure.
/// </summary>
public static class Reunion
{
    /// <summary>A coordinator, or a seed, that starts again comes back within this time if it can.</summary>
    public static TimeSpan Patience { get; } = TimeSpan.FromSeconds(3);

    /// <summary>The same of a seed that nobody saw die: it may stand still or be cut off, and to whoever dials it then it may have no way back for long.</summary>
    public static TimeSpan PatienceWithTheSilent { get; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How long a coordinator waits for members before it goes to a stronger cluster that has one, too: longer than a node that was put out of a cluster, and
    /// does not know yet, takes itself for one of its members.
    /// </summary>
    public static TimeSpan PatienceOfTheIdle { get; } = TimeSpan.FromSeconds(12);

    /// <param name="missing">For how long the seed has been no member.</param>
    /// <param name="died">Whether its process is known to have ended.</param>
    /// <returns>Whether to ask how it stands.</returns>
    public static bool MayAsk(TimeSpan missing, bool died) => missing >= (died ? Patience : PatienceWithTheSilent);

    /// <param name="unled">For how long this node has been a member of a cluster in which no coordinator can be; about zero where one may.</param>
    /// <param name="led">Nodes of other clusters, in which one may be.</param>
    /// <returns>Through whom it goes to them; none while it stays.</returns>
    public static Address[] Goals(TimeSpan unled, IReadOnlyCollection<Address> led) => unled < Patience ? [] : [.. led];

    /// <param name="wanted">For how long the coordinator has waited for members here while stronger clusters were heard of.</param>
    /// <param name="stronger">Nodes of those.</param>
    /// <returns>Through whom its node goes to them; none while it stays.</returns>
    public static Address[] GoalsOfTheIdle(TimeSpan wanted, IReadOnlyCollection<Address> stronger) => wanted < PatienceOfTheIdle ? [] : [.. stronger];
}

/// <summary>To the observer of a node: there is a coordinator in another cluster, through whose members it is to be let in.</summary>
/// <param name="Through">Those.</param>
/// <param name="Idle">The one in its own waits for members; else none can be there.</param>
public sealed record CoordinatorElsewhere(Address[] Through, bool Idle) : INoSerializationVerificationNeeded;

/// <summary>From the coordinator, on its node: whether it waits for members.</summary>
sealed record CoordinatorWaits(bool ForMembers) : INoSerializationVerificationNeeded;
