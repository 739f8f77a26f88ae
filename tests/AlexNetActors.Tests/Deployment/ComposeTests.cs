using System.ComponentModel;
using System.Text.RegularExpressions;
using AlexNetActors.Tests.App;

namespace AlexNetActors.Tests.Deployment;

/// <summary>docker-compose.yml without a docker daemon: its nodes, their places, and that `alexnet` knows what it is told.</summary>
public sealed class ComposeTests
{
    static readonly ComposeService[] Nodes = [.. ComposeService.All.Where(s => s.Command[0] == "node")];

    [Theory]
    [InlineData("cpu", "coordinator", "gpu-a", "gpu-b", "loader-1", "loader-2")]
    [InlineData("gpu", "coordinator", "gpu-a-cuda", "gpu-b-cuda", "loader-1", "loader-2")]
    public void EveryProfileIsAClusterOfFive(string profile, params string[] names)
    {
        var nodes = Nodes.Where(n => n.Profile == profile || n.Profile == "").ToArray();
        Assert.Equal(names, nodes.Select(n => n.Name));
        Assert.Equal(["coordinator", "gpu", "gpu", "loader", "loader"], nodes.Select(n => n.Option("--roles")));
        Assert.Equal(["A", "B"], nodes.Select(n => n.Option("--towers")).Where(t => t != ""));
    }

    [Fact]
    public void WithoutAnyOptionTheProcessorComputes() => Assert.Contains("COMPOSE_PROFILES=cpu", File.ReadAllLines(Repository.In(".env")));

    [Fact]
    public void ANodeIsFoundWhereItListensAndShowsItsOwnCertificate()
    {
        string[] certified = ComposeService.All.Single(s => s.Command[0] == "certificates").Option("--nodes").Split(',');
        foreach (var node in Nodes)
        {
            string host = node.Option("--listen").Split(':')[0];
            Assert.Contains(host, certified);
            Assert.EndsWith("/" + host, node.Option("--certificates"));
            Assert.Equal("coordinator:2012,gpu-a:2012,gpu-b:2012", node.Option("--seeds")); // of three, so that one may start again alone
            Assert.True(node.Name == host || node.Text.Contains($"aliases: [{host}]"), $"nobody finds {node.Name} as {host}");
            Assert.Equal(node.Option("--roles") != "gpu", node.Command.Contains("${ALEXNET_DATA:-}")); // who has a GPU gets batches and needs no packs
            if (node.Hostname != "") Assert.Equal(host, node.Hostname);
        }
    }

    [Fact]
    public void ItsHealthIsWhetherItAnswersThere()
    {
        foreach (var node in Nodes.Where(n => n.Profile != "gpu")) // those are the others, on GPUs
            Assert.Equal(["/app/alexnet", "check", node.Option("--listen"), "--certificates", node.Option("--certificates")], node.Health);
    }

    [Fact]
    public void ItSeesNoCertificatesButItsOwn()
    {
        string[] certified = ComposeService.All.Single(s => s.Command[0] == "certificates").Option("--nodes").Split(',');
        var hidden = Regex.Matches(File.ReadAllText(Repository.In("docker-compose.yml")), @"^  - &(no-\S+) ""/alexnet/certificates/(\S+):mode=000""$", RegexOptions.Multiline).ToDictionary(m => m.Groups[1].Value, m => m.Groups[2].Value);
        foreach (var node in Nodes.Where(n => n.Profile != "gpu")) // those have the others' tmpfs
        {
            string own = node.Option("--certificates").Split('/')[^1];
            Assert.Equal(certified.Append("authority").Except([own]).Order(), node.Tmpfs.Where(t => t.StartsWith('*')).Select(t => hidden[t[1..]]).Order());
        }
    }

    [Fact]
    public void ItStartsAgainHoweverOftenItHasFailed() => Assert.Matches(@"(?m)^  restart: on-failure( #|$)", File.ReadAllText(Repository.In("docker-compose.yml"))); // on-failure:5 counts in all of a container's life

    [Fact]
    public void TheProgramKnowsEveryOptionThatIsUsed()
    {
        foreach (var commands in ComposeService.All.SelectMany(s => new[] { s.Command, s.Health[Math.Min(1, s.Health.Length)..] }).Where(c => c.Length > 0).GroupBy(c => c[0]))
        {
            string help = Alexnet.Run(commands.Key, "--help").Expect(0).Out;
            foreach (string option in commands.SelectMany(c => c).Where(w => w.StartsWith("--")).Distinct())
                Assert.True(help.Contains(option + " "), $"docker-compose.yml says alexnet {commands.Key} {option}, which it does not know:\n{help}");
        }
    }

    [Theory]
    [InlineData("cpu")]
    [InlineData("gpu")]
    public void ComposeAcceptsIt(string profile)
    {
        foreach (string[] compose in new string[][] { ["docker", "compose"], ["docker-compose"] })
        {
            if (Try(compose, "version").Code != 0) continue;
            var config = Try(compose, "--project-directory", Repository.Root, "--file", Repository.In("docker-compose.yml"), "--profile", profile, "config", "--quiet");
            Assert.True(config.Code == 0, $"{string.Join(' ', compose)} config: {config.Err}");
            return;
        }
        Assert.Skip("there is neither `docker compose` nor `docker-compose`");
    }

    static Alexnet.Result Try(string[] program, params string[] args)
    {
        try
        {
            return Alexnet.Wait(Alexnet.StartProcess(program[0], [.. program[1..], .. args]));
        }
        catch (Win32Exception) // there is no such program
        {
            return new Alexnet.Result(127, "", "");
        }
    }
}
