using AlexNetActors.App;
using AlexNetActors.Data;
using AlexNetActors.Tests.App;

namespace AlexNetActors.Cluster.Tests;

/// <summary>50 steps of the quickstart recipe and 3 of the full network: one digest in one process, in two, in five, and on five hosts.</summary>
public sealed class PlacesTests(PlacesTests.OneProcess one) : IClassFixture<PlacesTests.OneProcess>, IDisposable
{
    /// <summary>Pictures for each recipe, and what a run in one process makes of them.</summary>
    public sealed class OneProcess : IDisposable
    {
        readonly string _folder = Directory.CreateTempSubdirectory("alexnet-places-").FullName;
        readonly Dictionary<string, string> _digests = [];

        public void Dispose() => Directory.Delete(_folder, recursive: true);

        /// <summary>Small ones for the small network, full-size ones for the full one.</summary>
        public string Data(string recipe) => Path.Combine(_folder, recipe);

        public string Digest(string recipe, int steps)
        {
            if (_digests.TryGetValue(recipe, out string? digest)) return digest;
            BuiltInPictures.Create(Data(recipe), new BuiltInSettings(Training: 300, Validation: 20, RecordSize: recipe == "paper" ? 256 : 48)).Dispose();
            return _digests[recipe] = Alexnet.Run(["train", .. Training(recipe, steps, Data(recipe), Path.Combine(_folder, $"{recipe}-run"))]).Expect(0).Digest;
        }
    }

    readonly string _folder = Directory.CreateTempSubdirectory("alexnet-places-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    string In(string name) => Path.Combine(_folder, name);

    [Theory]
    [InlineData("quickstart", 50)]
    [InlineData("paper", 3)]
    public void The_weights_are_the_same_in_one_process_in_two_and_in_five(string recipe, int steps)
    {
        string expected = one.Digest(recipe, steps), data = one.Data(recipe);
        Assert.Equal(expected, OnThisMachine("two", recipe, steps, data, "coordinator,gpu,loader", "gpu"));
        Assert.Equal(expected, OnThisMachine("five", recipe, steps, data, "coordinator", "gpu", "gpu", "loader", "loader"));
    }

    [Theory]
    [InlineData("quickstart", 50)]
    [InlineData("paper", 3)]
    public void The_weights_are_the_same_on_five_hosts(string recipe, int steps)
    {
        using var hosts = TestHosts.Make(5);
        string expected = one.Digest(recipe, steps), data = one.Data(recipe);
        string[] names = ["coordinator", "gpu-1", "gpu-2", "loader-1", "loader-2"];
        Alexnet.Run("certificates", In("certificates"), "--nodes", string.Join(',', names)).Expect(0);
        var nodes = new List<NodeProcess>();
        try
        {
            foreach (var (name, i) in names.Select((n, i) => (n, i + 1)))
                nodes.Add(NodeProcess.StartOn(TestHosts.Namespace(i), name, [.. Arguments(name.Split('-')[0], recipe, steps, data, In("hosts")),
                    "--listen", $"{TestHosts.Address(i)}:2012", "--seeds", $"{TestHosts.Address(1)}:2012", "--certificates", Path.Combine(In("certificates"), name)]));
            Assert.Equal(expected, nodes[0].WaitForEnd().Expect(0).Digest);
        }
        finally
        {
            foreach (var node in nodes) node.Dispose();
        }
    }

    string OnThisMachine(string run, string recipe, int steps, string data, params string[] roles)
    {
        int port = FreePorts.Take();
        var nodes = new List<NodeProcess>();
        try
        {
            foreach (var (role, i) in roles.Select((r, i) => (r, i)))
                nodes.Add(NodeProcess.Start($"{role}-{i}", [.. Arguments(role, recipe, steps, data, In(run)), "--listen", $"127.0.0.1:{(i == 0 ? port : 0)}", "--seeds", $"127.0.0.1:{port}"]));
            return nodes[0].WaitForEnd().Expect(0).Digest;
        }
        finally
        {
            foreach (var node in nodes) node.Dispose();
        }
    }

    static string[] Arguments(string roles, string recipe, int steps, string data, string run) =>
    [
        "--roles", roles, "--set", "alexnet.threads=1",
        .. roles.Contains("coordinator") ? Training(recipe, steps, data, run) : roles == "loader" ? ["--data", data] : [],
    ];

    /// <summary>The full network has 1,000 classes, however many the pictures have; a quarter of its batch is still 3 MB at an exchange.</summary>
    static string[] Training(string recipe, int steps, string data, string run) =>
        ["--recipe", recipe, "--steps", $"{steps}", "--data", data, "--run", run, "--json", .. recipe == "paper" ? new[] { "--set", "network.classes=1000", "--set", "batch=32" } : []];
}
