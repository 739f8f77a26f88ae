using Akka.Actor;
using Akka.Cluster;

namespace AlexNetActors.Actors;

/// <summary>
/// Tells a dead process from a cut cable: where a machine answers that nobody listens on a node's port, or a stranger does, its process is gone, and the cluster need
/// not wait to see whether it can be reached again. Such a node is taken out at once, by the side that has the majority without it; whatever does
/// not answer at all is left to the cluster's failure detector and split brain resolver.
/// </summary>
public sealed class DeathCheck : ReceiveActor
{
    /// <summary>A process that dies closes its connections and its port within this time; one that is asked has this long to answer.</summary>
    static readonly TimeSpan CheckMax = TimeSpan.FromSeconds(2), AnswerMax = TimeSpan.FromMilliseconds(500), Pause = TimeSpan.FromMilliseconds(50);

    readonly NodeCredentials? _credentials;
    readonly Cluster _cluster = Cluster.Get(Context.System);
    readonly HashSet<Address> _checked = [], _dead = [];

    sealed record Verdict(Address Node, bool Dead) : INoSerializationVerificationNeeded;

    /// <param name="credentials">This node's; null for an unencrypted cluster.</param>
    public DeathCheck(NodeCredentials? credentials)
    {
        _credentials = credentials;
        Receive<LinkLost>(m => Suspect(_cluster.State.Members.FirstOrDefault(n => Majority.NodeName(n.Address) == m.Node)?.Address));
        Receive<ClusterEvent.UnreachableMember>(m => Suspect(m.Member.Address));
        Receive<ClusterEvent.MemberRemoved>(m => _dead.Remove(m.Member.Address));
        Receive<ClusterEvent.CurrentClusterState>(_ => { });
        Receive<Verdict>(OnVerdict);
    }

    public static Props Props(NodeCredentials? credentials) => Akka.Actor.Props.Create(() => new DeathCheck(credentials));

    protected override void PreStart()
    {
        Context.System.EventStream.Subscribe(Self, typeof(LinkLost));
        _cluster.Subscribe(Self, typeof(ClusterEvent.UnreachableMember), typeof(ClusterEvent.MemberRemoved));
    }

    protected override void PostStop() => _cluster.Unsubscribe(Self);

    void Suspect(Address? node)
    {
        if (node is null || node.Equals(_cluster.SelfAddress) || !_checked.Add(node)) return;
        Check(node).PipeTo(Self);
    }

    void OnVerdict(Verdict verdict)
    {
        _checked.Remove(verdict.Node);
        if (verdict.Dead) Context.System.EventStream.Publish(new NodeDied(verdict.Node));
        if (!verdict.Dead || _cluster.State.Members.All(m => !m.Address.Equals(verdict.Node))) return;
        _dead.Add(verdict.Node);
        if (!Majority.Holds(_cluster.State, _dead)) return;
        CertainFailureDetector.Tell(_cluster, verdict.Node); // only who is unreachable can be removed
        _cluster.Down(verdict.Node);
    }

    async Task<Verdict> Check(Address node)
    {
        long until = Environment.TickCount64 + (long)CheckMax.TotalMilliseconds;
        while (Environment.TickCount64 < until)
        {
            if (await NodeProbe.Ask(node, _credentials, AnswerMax) is Answer.Refused or Answer.Stranger) return new Verdict(node, Dead: true);
            await Task.Delay(Pause);
        }
        return new Verdict(node, Dead: false);
    }
}

/// <summary>The process of that node has ended; another one may take its place.</summary>
sealed record NodeDied(Address Node) : INoSerializationVerificationNeeded;
