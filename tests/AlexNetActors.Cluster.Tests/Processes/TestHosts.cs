using AlexNetActors.Tests.App;

namespace AlexNetActors.Cluster.Tests;

/// <summary>Hosts on this machine, each a network namespace with an address of its own, behind a switch of this process: tests/cluster-lab/netns.sh.</summary>
sealed class TestHosts : IDisposable
{
    static readonly string Script = FindScript(), Lab = $"alexnet-test-{Environment.ProcessId}";

    TestHosts(int count) => Run("up", $"{count}").Expect(0);

    static Alexnet.Result Run(params string[] command) => Alexnet.Wait(Alexnet.StartProcess("/usr/bin/env", [$"ALEXNET_LAB={Lab}", Script, .. command]));

    /// <summary>Makes so many, or skips the test and says why not.</summary>
    public static TestHosts Make(int count)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.UserName == "root", "network namespaces need root on Linux");
        Assert.SkipUnless(new[] { "/sbin/ip", "/usr/sbin/ip", "/bin/ip" }.Any(File.Exists), "network namespaces need iproute2");
        var probe = Run("up", "1");
        Assert.SkipUnless(probe.Code == 0, $"this machine cannot make network namespaces: {probe.Err}");
        return new TestHosts(count);
    }

    /// <summary>Of the n-th host, from 1.</summary>
    public static string Address(int host) => $"10.20.12.{host}";

    public static string Namespace(int host) => $"{Lab}-host{host}";

    static string FindScript()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (Path.Combine(folder.FullName, "tests", "cluster-lab", "netns.sh") is var script && File.Exists(script)) return script;
        throw new FileNotFoundException("tests/cluster-lab/netns.sh is not above the tests");
    }

    public void Dispose() => Run("down");
}
