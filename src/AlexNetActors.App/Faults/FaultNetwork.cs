using System.Diagnostics;

namespace AlexNetActors.App;

/// <summary>
/// Hosts of a fault run's own: network namespaces, each with one cable into a switch, a bridge in a namespace of its own whose filter drops
/// what a partition drops. Nothing of it is in the machine's own network. Linux, root, iproute2 and nftables.
/// </summary>
sealed class FaultNetwork : IDisposable
{
    const string Network = "10.20.13", Table = "faults";
    static readonly TimeSpan CommandMax = TimeSpan.FromSeconds(10);
    static int s_made;

    readonly string _prefix;
    readonly int _hosts;

    /// <exception cref="UsageException">This machine or user cannot make them.</exception>
    public FaultNetwork(int hosts)
    {
        if (!OperatingSystem.IsLinux() || Environment.UserName != "root") throw new UsageException("partitions need network namespaces: run this as root on Linux, or leave those faults out");
        (_prefix, _hosts) = ($"alexnet-faults-{Environment.ProcessId}-{Interlocked.Increment(ref s_made)}", hosts);
        Ip("netns", "add", Switch);
        Ip("-n", Switch, "link", "add", "bridge", "type", "bridge");
        Ip("-n", Switch, "link", "set", "bridge", "up");
        for (int i = 0; i < hosts; i++)
        {
            Ip("netns", "add", Name(i));
            Ip("-n", Name(i), "link", "set", "lo", "up");
            Ip("link", "add", $"port{i}", "netns", Switch, "type", "veth", "peer", "name", "eth0", "netns", Name(i));
            Ip("-n", Switch, "link", "set", $"port{i}", "master", "bridge", "up");
            Ip("-n", Name(i), "addr", "add", $"{HostOf(i)}/24", "dev", "eth0");
            Ip("-n", Name(i), "link", "set", "eth0", "up");
        }
    }

    string Switch => $"{_prefix}-switch";

    string Name(int host) => $"{_prefix}-{host}";

    public string HostOf(int host) => $"{Network}.{host + 1}";

    /// <summary>What starts a program on this host, before the program itself.</summary>
    public string[] Enter(int host) => ["ip", "netns", "exec", Name(host)];

    /// <summary>The switch drops what these hosts send those; unless it is one way, also the answers.</summary>
    public void Part(int[] these, int[] those, bool oneWay)
    {
        var rules = from i in these
                    from j in those
                    from rule in oneWay ? [(i, j)] : new[] { (i, j), (j, i) }
                    select $"add rule bridge {Table} forward iifname \"port{rule.Item1}\" oifname \"port{rule.Item2}\" drop";
        Run("ip", string.Join('\n', [$"add table bridge {Table}", $"add chain bridge {Table} forward {{ type filter hook forward priority 0; }}", .. rules]) + "\n", "netns", "exec", Switch, "nft", "-f", "-");
    }

    /// <summary>Everybody hears everybody.</summary>
    public void Heal() => Run("ip", $"add table bridge {Table}\ndelete table bridge {Table}\n", "netns", "exec", Switch, "nft", "-f", "-");

    static void Ip(params string[] arguments) => Run("ip", "", arguments);

    static void Run(string program, string input, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardError = true })!;
            process.StandardInput.Write(input);
            process.StandardInput.Close();
            string error = process.StandardError.ReadToEnd();
            if (!process.WaitForExit(CommandMax) || process.ExitCode != 0) throw new UsageException($"partitions need network namespaces and nftables: {program} {string.Join(' ', arguments)}: {Hocon.OneLine(error)}");
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new UsageException($"partitions need {program}: {Hocon.OneLine(e.Message)}");
        }
    }

    public void Dispose()
    {
        for (int i = 0; i < _hosts; i++) Ip("netns", "del", Name(i));
        Ip("netns", "del", Switch);
    }
}
