using AlexNetActors.App;
using AlexNetActors.Tests.App;

namespace AlexNetActors.Cluster.Tests;

/// <summary>A cluster of processes on this machine, each with a port of its own; the coordinator's run folder is "run" in the workshop.</summary>
sealed class ProcessCluster(Workshop workshop) : IDisposable
{
    readonly List<NodeProcess> _nodes = [];

    /// <summary>Arguments of every node beside its roles and ports: encryption, settings.</summary>
    public string[] Common { get; init; } = [];

    public int SeedPort { get; } = FreePorts.Take();

    /// <summary>Ports of the seeds that every node is told of behind the first.</summary>
    public int[] MoreSeedPorts { get; init; } = [];

    public IReadOnlyList<NodeProcess> Nodes => _nodes;

    /// <summary>The node that the others join; it coordinates the tiny recipe.</summary>
    public NodeProcess StartCoordinator(int steps, string roles = "coordinator", params string[] more) =>
        Add("coordinator", SeedPort, ["--roles", roles, "--recipe", workshop.RecipeFile, "--data", workshop.Data, "--run", workshop.In("run"), "--steps", $"{steps}", "--json", .. more]);

    public NodeProcess StartGpu(string name, params string[] more) => Add(name, FreePorts.Take(), ["--roles", "gpu", .. more]);

    public NodeProcess StartLoader(string name, params string[] more) => Add(name, FreePorts.Take(), ["--roles", "loader", "--data", workshop.Data, .. more]);

    public NodeProcess Add(string name, int port, params string[] args)
    {
        var node = NodeProcess.Start(name, [.. args, "--listen", $"127.0.0.1:{port}", "--seeds", string.Join(',', MoreSeedPorts.Prepend(SeedPort).Select(p => $"127.0.0.1:{p}")), .. Common]);
        node.Story = ToString;
        _nodes.Add(node);
        return node;
    }

    public void Dispose()
    {
        foreach (var node in _nodes) node.Dispose();
    }

    /// <summary>What everybody has said, for a failed test.</summary>
    public override string ToString() => string.Join('\n', _nodes);
}
