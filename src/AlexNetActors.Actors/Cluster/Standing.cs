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
}

/// <summary>Says how this node stands, to whoever has been put out of the cluster and wonders whether there still is one.</summary>
public sealed class StandingActor : ReceiveActor
{
    public const string Name = "standing";

    static readonly TimeSpan AnswerMax = TimeSpan.FromSeconds(2);

    public StandingActor()
    {
        var cluster = Cluster.Get(Context.System);
        Receive<StandingAsked>(_ => Sender.Tell(new StandingTold(IsMember(cluster))));
    }

    public static Props Props() => Akka.Actor.Props.Create(() => new StandingActor());

    public static bool IsMember(Cluster cluster) => cluster.SelfMember.Status is not (MemberStatus.Joining or MemberStatus.Removed);

    /// <summary>Asks another node; its deadline is four seconds.</summary>
    public static async Task<Standing> Of(ActorSystem system, Address node, NodeCredentials? credentials)
    {
        var answer = await NodeProbe.Ask(node, credentials, AnswerMax);
        if (answer != Answer.Node) return answer == Answer.Silence ? Standing.Silent : Standing.Dead;
        try
        {
            var told = await system.ActorSelection(new RootActorPath(node) / "user" / Name).Ask<StandingTold>(new StandingAsked(), AnswerMax);
            return told.Member ? Standing.Member : Standing.Outside;
        }
        catch (Exception e) when (e is AskTimeoutException or OperationCanceledException)
        {
            return Standing.Silent;
        }
    }
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
        if (others.Any(o => o.Standing == Standing.Member)) return null;
        Address[] here = [.. others.Where(o => o.Standing == Standing.Outside).Select(o => o.Node), self];
        int accounted = here.Length + others.Count(o => o.Standing == Standing.Dead);
        if (2 * accounted <= others.Count + 1) return null;
        return seeds.Select(s => here.FirstOrDefault(a => Majority.NodeName(a) == s)).FirstOrDefault(a => a is not null) ?? here.Min(Member.AddressOrdering);
    }
}
