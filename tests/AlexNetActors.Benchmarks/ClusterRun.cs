using System.Diagnostics;
using System.Text.Json;

namespace AlexNetActors.Benchmarks;

/// <summary>
/// The full network in a cluster of two processes: coordinator, loader and tower A in the first, tower B in the second; one compute thread
/// each, which is what two towers in one process have on two cores.
/// </summary>
/// <param name="data">The data set.</param>
/// <param name="hosts">Where they listen, host:port each.</param>
/// <param name="launch">What starts a process on the n-th host, before the program itself; empty on this machine.</param>
/// <param name="more">Further arguments of both.</param>
sealed class ClusterRun(string data, (string First, string Second) hosts, Func<int, string[]> launch, params string[] more) : IDisposable
{
    static readonly TimeSpan EndMax = TimeSpan.FromMinutes(20);
    readonly string _parent = Directory.CreateTempSubdirectory("alexnet-benchmark-").FullName;

    public string Folder => Path.Combine(_parent, "run");

    /// <summary>Where the first process says what happens, and the second.</summary>
    public string[] Logs => [Path.Combine(_parent, "first.log"), Path.Combine(_parent, "second.log")];

    /// <returns>The metrics of its steps.</returns>
    public IReadOnlyList<JsonElement> Train(int steps, TimeSpan? deadline = null)
    {
        string[] common = ["--seeds", hosts.First, "--set", "alexnet.threads=1", .. more];
        using var first = Start(0, ["node", "--roles", "coordinator,gpu,loader", "--towers", "A", "--listen", hosts.First, "--recipe", "paper", "--set", "network.classes=1000", "--data", data, "--run", Folder, "--steps", $"{steps}", .. common]);
        using var second = Start(1, ["node", "--roles", "gpu", "--towers", "B", "--listen", hosts.Second, .. common]);
        try
        {
            if (!first.WaitForExit(deadline ?? EndMax) || first.ExitCode != 0) throw new InvalidOperationException($"the cluster did not train: {File.ReadAllText(Logs[0])}{File.ReadAllText(Logs[1])}");
            second.WaitForExit(EndMax);
            return Metrics();
        }
        finally
        {
            foreach (var process in new[] { first, second })
                if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
    }

    Process Start(int host, string[] arguments)
    {
        string[] line = [.. launch(host), Path.Combine(AppContext.BaseDirectory, "alexnet"), .. arguments];
        var start = new ProcessStartInfo("/bin/sh", ["-c", "log=$1; shift; exec \"$@\" >\"$log\" 2>&1", "sh", Logs[host], .. line]) { WorkingDirectory = AppContext.BaseDirectory };
        return Process.Start(start)!;
    }

    IReadOnlyList<JsonElement> Metrics() =>
        [.. File.ReadLines(Path.Combine(Folder, "metrics.jsonl")).Select(l => JsonDocument.Parse(l).RootElement).Where(l => l.GetProperty("kind").GetString() == "step")];

    public void Dispose() => Directory.Delete(_parent, recursive: true);
}
