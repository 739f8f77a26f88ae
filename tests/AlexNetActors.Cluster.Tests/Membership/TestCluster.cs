using Akka.Actor;
using Akka.Cluster;
using Akka.Configuration;
using AlexNetActors.Actors;
using AlexNetActors.App;
using ClusterSettings = AlexNetActors.Actors.ClusterSettings;

namespace AlexNetActors.Cluster.Tests;

/// <summary>Three members, each an actor system with its own sockets, as node.conf makes them.</summary>
class TestCluster : IDisposable
{
    public const int Size = 3;

    static readonly TimeSpan StopMax = TimeSpan.FromSeconds(20), AnswerMax = TimeSpan.FromSeconds(15);

    readonly TestAuthority? _authority;
    readonly List<ActorSystem> _members = [];
    readonly string _seed = $"127.0.0.1:{FreePorts.Take()}";

    readonly Config _node;

    /// <param name="encrypted">By certificates of an authority of its own.</param>
    /// <param name="node">How its members are; as the program reads it where nothing is said.</param>
    public TestCluster(bool encrypted, Config? node = null)
    {
        _node = node ?? Node;
        _authority = encrypted ? new TestAuthority() : null;
        for (int i = 0; i < Size; i++) Add(i == 0 ? Port : 0);
        WaitUntilWhole();
    }

    /// <summary>As the program reads it, but that a test's end is no farewell: who is told to terminate leaves no cluster, for which it would wait up to 10 s.</summary>
    public static Config Node { get; } = ConfigurationFactory.ParseString("akka.coordinated-shutdown.run-by-actor-system-terminate = off")
        .WithFallback(ConfigurationFactory.ParseString(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "hocon", "node.conf"))));

    public IReadOnlyList<ActorSystem> Members => _members;

    /// <summary>The first member's.</summary>
    public int Port => int.Parse(_seed.Split(':')[1]);

    public Address Address => Cluster(_members[0]).SelfAddress;

    /// <summary>What a certified node has; null where nothing is encrypted.</summary>
    public NodeCredentials? Certify(string name) => _authority?.Certify(name);

    public ClusterSettings Settings(int port, NodeCredentials? credentials) => new("127.0.0.1", port, "127.0.0.1", [_seed], ["gpu", "loader"], credentials);

    public ActorSystem Add(int port = 0)
    {
        var member = ClusterSystem.Start(Settings(port, Certify($"node-{_members.Count}")), _node);
        member.ActorOf(Props.Create(() => new TestNode()), TestNode.Name);
        _members.Add(member);
        return member;
    }

    /// <summary>Every running member sees all of them up, none unreachable.</summary>
    public void WaitUntilWhole() => Wait.Until(IsWhole, () => string.Join("; ", Running.Select(m => $"{Cluster(m).SelfAddress.Port} sees {Cluster(m).State}")));

    public bool IsWhole() => Running.All(m => Cluster(m).State is var s && s.Unreachable.IsEmpty && s.Members.Count == Running.Count() && s.Members.All(x => x.Status == MemberStatus.Up));

    IEnumerable<ActorSystem> Running => _members.Where(m => !m.WhenTerminated.IsCompleted);

    /// <summary>What the singleton answers to a member that asks by its proxy.</summary>
    public static string AskSingleton(ActorSystem member, string text) => Ask(member.ActorSelection($"/user/{TestNode.Name}/{TestNode.Proxy}").ResolveOne(AnswerMax).Result, text);

    public static string Ask(IActorRef actor, string text) => actor.Ask<GroupWaits>(new GroupWaits(text), AnswerMax).Result.For;

    public static Akka.Cluster.Cluster Cluster(ActorSystem member) => Akka.Cluster.Cluster.Get(member);

    public void Dispose()
    {
        foreach (var member in _members) member.Terminate();
        foreach (var member in _members) member.WhenTerminated.Wait(StopMax);
        _authority?.Dispose();
    }
}
