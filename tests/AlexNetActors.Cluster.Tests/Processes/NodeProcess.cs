using System.Diagnostics;
using AlexNetActors.App;
using AlexNetActors.Tests.App;

namespace AlexNetActors.Cluster.Tests;

/// <summary>One `alexnet node` as a user runs it: a process of its own, whose lines are waited for with a deadline.</summary>
sealed class NodeProcess : IDisposable
{
    static readonly TimeSpan Deadline = TimeSpan.FromSeconds(240); // for a hang: a busy machine may take minutes

    readonly Process _process;
    readonly List<string> _errors = [], _output = [];
    readonly Task _read;

    NodeProcess(string name, Process process)
    {
        (Name, _process, Story) = (name, process, ToString);
        _read = Task.WhenAll(Read(process.StandardError, _errors), Read(process.StandardOutput, _output));
    }

    /// <param name="name">How a failed test calls it.</param>
    /// <param name="args">Behind `alexnet node`.</param>
    public static NodeProcess Start(string name, params IEnumerable<string> args) => new(name, Alexnet.Start([.. Enumerable.Concat(["node"], args)]));

    /// <summary>The same inside a network namespace.</summary>
    public static NodeProcess StartOn(string @namespace, string name, params IEnumerable<string> args) =>
        new(name, Alexnet.StartProcess("ip", ["netns", "exec", @namespace, .. Alexnet.Command, "node", .. args]));

    public string Name { get; }

    /// <summary>What a failed test shows: this node's words, or all nodes'.</summary>
    public Func<string> Story { private get; set; }
    public int Id => _process.Id;

    /// <summary>Memory that it holds now.</summary>
    public long ResidentBytes
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64;
        }
    }

    async Task Read(StreamReader from, List<string> into)
    {
        while (await from.ReadLineAsync() is { } line)
            lock (into) into.Add(line);
    }

    /// <summary>Standard error so far.</summary>
    public IReadOnlyList<string> Lines
    {
        get { lock (_errors) return [.. _errors]; }
    }

    /// <summary>Waits for a line of standard error; fails with all of them when it does not come.</summary>
    public string WaitFor(string part)
    {
        var watch = Stopwatch.StartNew();
        while (true)
        {
            bool ended = _process.HasExited && _read.IsCompleted;
            if (Lines.FirstOrDefault(l => l.Contains(part)) is { } line) return line;
            if (ended || watch.Elapsed > Deadline) throw new TimeoutException($"{Name} has not said '{part}'{(ended ? $", it ended with {_process.ExitCode}" : $" in {Deadline.TotalSeconds} s")}:\n{Story()}");
            Thread.Sleep(10);
        }
    }

    /// <summary>Waits for the end of the process.</summary>
    public Alexnet.Result WaitForEnd()
    {
        if (!_process.WaitForExit(Deadline) || !_read.Wait(Deadline))
        {
            Kill();
            throw new TimeoutException($"{Name} has not ended in {Deadline.TotalSeconds} s:\n{Story()}");
        }
        return new Alexnet.Result(_process.ExitCode, string.Join('\n', _output), string.Join('\n', _errors));
    }

    public void Signal(string signal) => Alexnet.StartProcess("/bin/kill", $"-{signal}", $"{Id}").WaitForExit(Deadline);

    /// <summary>SIGKILL.</summary>
    public void Kill()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        _process.WaitForExit(Deadline);
    }

    public void Dispose()
    {
        Kill();
        _process.Dispose();
    }

    public override string ToString()
    {
        lock (_errors)
            lock (_output) return string.Join('\n', _errors.Concat(_output).Select(l => $"  {Name}: {l}"));
    }
}
