using System.Text.RegularExpressions;
using AlexNetActors.App;
using AlexNetActors.Cluster.Tests;
using AlexNetActors.Data;

namespace AlexNetActors.Page.Tests;

/// <summary>A coordinator with a dashboard, two nodes with a device and two loaders that train the quickstart recipe on a few pictures, for ever.</summary>
public sealed class FiveProcesses : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("alexnet-page-").FullName;
    readonly Dictionary<string, (string[] Arguments, int Port)> _started = [];
    readonly Dictionary<string, NodeProcess> _nodes = [];
    readonly int _seed = FreePorts.Take();

    string Data => Path.Combine(_folder, "data");

    public string Address { get; private set; } = "";
    public string Token { get; private set; } = "";

    /// <summary>How the cluster calls a node.</summary>
    public string NameOf(string node) => $"127.0.0.1:{_started[node].Port}";

    /// <summary>The coordinator, unless it is there.</summary>
    public void StartCoordinator()
    {
        if (_nodes.Count > 0) return;
        BuiltInPictures.Create(Data, new BuiltInSettings(1200, Validation: 200, RecordSize: 36)).Dispose();
        Start("coordinator", _seed, "--roles", "coordinator", "--data", Data, "--run", Path.Combine(_folder, "run"), "--steps", "1000000",
            "--set", "schedule.patience=1000000", "--set", "alexnet.loaders=2", "--dashboard", "0");
        var said = Regex.Match(_nodes["coordinator"].WaitFor("dashboard on "), "dashboard on (?<address>http://127.0.0.1:[0-9]+), token for its buttons (?<token>[0-9a-f]+)$");
        (Address, Token) = (said.Groups["address"].Value, said.Groups["token"].Value);
    }

    /// <summary>All five, unless they are there.</summary>
    public void Start()
    {
        StartCoordinator();
        if (_nodes.Count > 1) return;
        foreach (string gpu in new[] { "gpu-1", "gpu-2" }) Start(gpu, FreePorts.Take(), "--roles", "gpu", "--set", "alexnet.threads=1");
        foreach (string loader in new[] { "loader-1", "loader-2" }) Start(loader, FreePorts.Take(), "--roles", "loader", "--data", Data);
    }

    public void Kill(string node) => _nodes[node].Kill();

    /// <summary>The same process again, by the same name.</summary>
    public void StartAgain(string node)
    {
        _nodes[node].Dispose();
        Start(node, _started[node].Port, _started[node].Arguments);
    }

    void Start(string node, int port, params string[] arguments)
    {
        _started[node] = (arguments, port);
        _nodes[node] = NodeProcess.Start(node, [.. arguments, "--listen", $"127.0.0.1:{port}", "--seeds", $"127.0.0.1:{_seed}"]);
    }

    public void Dispose()
    {
        foreach (var node in _nodes.Values) node.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
