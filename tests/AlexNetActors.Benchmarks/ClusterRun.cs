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
    readonly string _parent = Directory.CreateTempSubdirectory("alexnet-benchmark-").FullName;
    readonly List<Process> _processes = [];

    public string Folder => Path.Combine(_parent, "run");

    /// <summary>Where the first process says what happens, and the second.</summary>
    public string[] Logs => [Path.Combine(_parent, "first.log"), Path.Combine(_parent, "second.log")];

    /// <param name="steps">After which it ends.</param>
    /// <param name="first">Further arguments of the process with the coordinator.</param>
    public void Start(int steps, params string[] first)
    {
        string[] common = ["--seeds", hosts.First, "--set", "alexnet.threads=1", .. more];
        Launch(0, ["node", "--roles", "coordinator,gpu,loader", "--towers", "A", "--listen", hosts.First, "--recipe", "paper", "--set", "network.classes=1000", "--data", data, "--run", Folder, "--steps", $"{steps}", .. common, .. first]);
        Launch(1, ["node", "--roles", "gpu", "--towers", "B", "--listen", hosts.Second, .. common]);
    }

    void Launch(int host, string[] arguments)
    {
        string[] line = [.. launch(host), Path.Combine(AppContext.BaseDirectory, "alexnet"), .. arguments];
        _processes.Add(LoggedProcess.Start(Logs[host], line));
    }

    /// <returns>The metrics of its steps so far.</returns>
    public JsonElement[] Steps() => MetricsFile.Steps(Folder);

    public void Dispose()
    {
        foreach (var process in _processes)
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
            process.WaitForExit();
            process.Dispose();
        }
        Directory.Delete(_parent, recursive: true);
    }
}

/// <summary>A process that says everything to a file.</summary>
static class LoggedProcess
{
    /// <param name="log">The file.</param>
    /// <param name="line">The program and its arguments.</param>
    public static Process Start(string log, IEnumerable<string> line) =>
        Process.Start(new ProcessStartInfo("/bin/sh", ["-c", "log=$1; shift; exec \"$@\" >\"$log\" 2>&1", "sh", log, .. line]) { WorkingDirectory = AppContext.BaseDirectory })!;
}
