using System.Collections.Immutable;
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

    readonly NodeCredentials? _credentials;
    readonly IActorRef _observer;
    readonly Cluster _cluster = Cluster.Get(Context.System);
    readonly Stopwatch _since = Stopwatch.StartNew();
    Reunion _reunion;
    bool? _waits; // of the coordinator, where it is here: whether it waits for members
    bool _asks;

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
        (_reunion, _credentials, _observer) = (new Reunion(seeds), credentials, observer);
        Receive<StandingAsked>(m =>
        {
            bool strange = !IsAmongUs(Sender.Path.Address);
            if (m.Led is { } led && strange && Sender.Path.Address.HasGlobalScope) _reunion = _reunion.Hear(Sender.Path.Address, led);
            Sender.Tell(new StandingTold(IsMember(_cluster), strange ? Strength : null));
        });
        Receive<LookAround>(_ => OnLookAround());
        Receive<Heard>(m =>
        {
            _asks = false;
            foreach (var (node, found) in m.Seeds)
            {
                if (found.Led is { } led) _reunion = _reunion.Hear(node, led);
                if (found.Standing == Standing.Dead) _reunion = _reunion.HearDied(node);
            }
        });
        Receive<CoordinatorWaits>(m => _waits = m.ForMembers);
        Receive<NodeDied>(m => _reunion = _reunion.HearDied(m.Node));
        Receive<ClusterEvent.MemberUp>(m => _reunion = _reunion.HearUp(m.Member.Address));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(IReadOnlyCollection<Address> seeds, NodeCredentials? credentials, IActorRef observer) => Akka.Actor.Props.Create(() => new StandingActor(seeds, credentials, observer));

    public static bool IsMember(Cluster cluster) => cluster.SelfMember.Status is not (MemberStatus.Joining or MemberStatus.Removed);

    /// <summary>Whether this node is in a cluster in which a coordinator may be, or may come to be.</summary>
    public static bool IsLed(Cluster cluster) => IsMember(cluster) && Present(cluster).Any(m => m.HasRole(ClusterSettings.CoordinatorRole));

    static IEnumerable<Member> Present(Cluster cluster) => cluster.State.Members.Where(m => m.Status is not (MemberStatus.Down or MemberStatus.Removed));

    /// <summary>Of this node's cluster, if a coordinator may be in it.</summary>
    ClusterStrength? Strength => StrengthIfLed(_cluster) is { } led ? led with { Leads = _waits == false } : null;

    static ClusterStrength? StrengthIfLed(Cluster cluster)
    {
        if (!IsLed(cluster)) return null;
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
        (_reunion, var elsewhere) = _reunion.Look(new Surroundings(_since.Elapsed, IsMember(_cluster), Strength, Waits: _waits == true, [.. _cluster.State.Members.Select(m => m.Address)]));
        if (elsewhere is not null) _observer.Tell(elsewhere);
        if (_asks || _reunion.Missing.IsEmpty) return;
        _asks = true;
        Ask([.. _reunion.Missing.Keys.Select(seed => (seed, _reunion.MayAsk(seed)))]).PipeTo(Self);
    }

    async Task<Heard> Ask((Address Node, bool May)[] seeds)
    {
        var (system, strength) = (Context.System, Strength);
        var found = await Task.WhenAll(seeds.Select(s => s.May ? Find(system, s.Node, _credentials, strength) : Reach(s.Node, _credentials)));
        return new Heard([.. seeds.Select(s => s.Node).Zip(found)]);
    }

    /// <summary>Without a word to it.</summary>
    static async Task<Found> Reach(Address node, NodeCredentials? credentials) => new(Of(await NodeProbe.Ask(node, credentials, AnswerMax)));

    static Standing Of(Answer answer) => answer is Answer.Refused or Answer.Stranger ? Standing.Dead : Standing.Silent;

    /// <summary>Asks another node; its deadline is four seconds.</summary>
    public static async Task<Standing> Of(ActorSystem system, Address node, NodeCredentials? credentials) => (await Find(system, node, credentials, StrengthIfLed(Cluster.Get(system)))).Standing;

    static async Task<Found> Find(ActorSystem system, Address node, NodeCredentials? credentials, ClusterStrength? strength)
    {
        if (await NodeProbe.Ask(node, credentials, AnswerMax) is var answer && answer != Answer.Node) return new Found(Of(answer));
        try
        {
            var told = await system.ActorSelection(new RootActorPath(node) / "user" / Name).Ask<StandingTold>(new StandingAsked(strength), AnswerMax);
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

/// <summary>What a node sees of its own cluster.</summary>
/// <param name="At">When, since it first looked.</param>
/// <param name="IsIn">Whether it is a member of one.</param>
/// <param name="Led">How strong that is, if a coordinator may be in it; else null.</param>
/// <param name="Waits">The coordinator is on this node, and waits for members.</param>
/// <param name="Members">Who is in it.</param>
public sealed record Surroundings(TimeSpan At, bool IsIn, ClusterStrength? Led, bool Waits, IReadOnlyCollection<Address> Members);

/// <summary>
/// A seed that starts again while no other seed answers founds a cluster of its own, and there are two where there was one. Whoever is in the one in which no
/// coordinator can be goes to the one in which there is: seeds are known to all, so they are asked, and hear who asks. Where both have one, a coordinator that
/// waits for members goes to the one that leads a group, or else to the stronger cluster, and the others of its own, which then has none, follow. One that
/// leads a group stays. Pure.
/// </summary>
/// <param name="Seeds">Those that the node was told of.</param>
public sealed record Reunion(IReadOnlyCollection<Address> Seeds)
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

    /// <summary>A stronger cluster that has not been heard of for so long may be gone: one seed that is silent holds up what the others answer.</summary>
    static readonly TimeSpan RememberMax = TimeSpan.FromSeconds(6);

    /// <summary>Seeds that are no members, and since when.</summary>
    public ImmutableDictionary<Address, TimeSpan> Missing { get; private init; } = ImmutableDictionary<Address, TimeSpan>.Empty;

    /// <summary>Nodes of other clusters in which a coordinator may be, heard of since it last looked.</summary>
    ImmutableDictionary<Address, ClusterStrength> Others { get; init; } = ImmutableDictionary<Address, ClusterStrength>.Empty;

    /// <summary>Nodes that are known to have ended: whoever is there now is another process.</summary>
    ImmutableHashSet<Address> Died { get; init; } = [];

    TimeSpan At { get; init; }

    /// <summary>When a coordinator could last be in its own cluster.</summary>
    TimeSpan LedAt { get; init; }

    /// <summary>When its coordinator last wanted nothing, or knew of nobody stronger; when it last heard of somebody.</summary>
    TimeSpan ContentAt { get; init; }

    TimeSpan? StrongerAt { get; init; }

    /// <summary>A node of another cluster says how strong that is.</summary>
    public Reunion Hear(Address node, ClusterStrength led) => this with { Others = Others.SetItem(node, led) };

    public Reunion HearDied(Address node) => this with { Died = Died.Add(node) };

    public Reunion HearUp(Address node) => this with { Died = Died.Remove(node) };

    /// <summary>It looks around, once a second.</summary>
    /// <returns>Through whom it goes to another cluster; null while it stays.</returns>
    public (Reunion Next, CoordinatorElsewhere? Elsewhere) Look(Surroundings own)
    {
        Address[] stronger = own is { Waits: true, Led: { } strength } ? [.. Others.Where(o => o.Value.IsMoreThan(strength)).Select(o => o.Key)] : [];
        var strongerAt = stronger.Length > 0 ? own.At : StrongerAt;
        bool wants = own.Waits && own.At - strongerAt < RememberMax;
        var next = this with
        {
            At = own.At,
            Missing = own.IsIn ? Seeds.Except(own.Members).ToImmutableDictionary(s => s, s => Missing.GetValueOrDefault(s, own.At)) : Missing.Clear(),
            Others = Others.Clear(),
            LedAt = !own.IsIn || own.Led is not null ? own.At : LedAt,
            StrongerAt = strongerAt,
            ContentAt = wants ? ContentAt : own.At,
        };
        return own.At - next.LedAt >= Patience && !Others.IsEmpty ? (next, new CoordinatorElsewhere([.. Others.Keys], Idle: false))
            : own.At - next.ContentAt >= PatienceOfTheIdle && stronger.Length > 0 ? (next, new CoordinatorElsewhere(stronger, Idle: true))
            : (next, null);
    }

    /// <param name="seed">One that is missing.</param>
    /// <returns>Whether to ask how it stands.</returns>
    public bool MayAsk(Address seed) => At - Missing[seed] >= (Died.Contains(seed) ? Patience : PatienceWithTheSilent);
}

/// <summary>To the observer of a node: there is a coordinator in another cluster, through whose members it is to be let in.</summary>
/// <param name="Through">Those.</param>
/// <param name="Idle">The one in its own waits for members; else none can be there.</param>
public sealed record CoordinatorElsewhere(Address[] Through, bool Idle) : INoSerializationVerificationNeeded;

/// <summary>From the coordinator, on its node: whether it waits for members, or leads them; null when it has ended.</summary>
sealed record CoordinatorWaits(bool? ForMembers) : INoSerializationVerificationNeeded;
