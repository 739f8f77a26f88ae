using System.Text.RegularExpressions;

namespace AlexNetActors.Tests.Deployment;

/// <summary>What can be seen of the Dockerfile without building it.</summary>
public sealed class DockerfileTests
{
    static readonly string[] Lines = [.. File.ReadAllText(Repository.In("Dockerfile")).Replace("\\\n", " ").Split('\n').Where(l => l != "" && l[0] != '#')];

    /// <summary>Sources of every COPY from the checkout.</summary>
    static IEnumerable<string> Copied => Lines.Where(l => l.StartsWith("COPY ") && !l.Contains("--from=")).SelectMany(l => l.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1..^1]);

    static string Line(string part) => Lines.Single(l => l.Contains(part));

    [Fact]
    public void WhatItCopiesIsThereAndIsNotIgnored()
    {
        string[] kept = [.. File.ReadAllLines(Repository.In(".dockerignore")).Where(l => l.StartsWith('!')).Select(l => l[1..])];
        foreach (string path in Copied)
        {
            Assert.True(Path.Exists(Repository.In(path)), $"the Dockerfile copies {path}, which is not there");
            Assert.True(kept.Any(k => path == k || path.StartsWith(k + '/')), $"the Dockerfile copies {path}, which .dockerignore leaves out");
        }
    }

    [Fact]
    public void EveryProjectIsThereBeforeTheRestore()
    {
        var before = Lines.TakeWhile(l => !l.Contains("dotnet restore")).ToArray();
        foreach (string project in Directory.GetFiles(Repository.In("src"), "*.csproj", SearchOption.AllDirectories))
        {
            string path = Path.GetRelativePath(Repository.Root, project).Replace('\\', '/');
            Assert.Contains($"COPY {path} {path[..(path.LastIndexOf('/') + 1)]}", before);
        }
    }

    [Fact]
    public void WhatItPublishesIsWhatItStarts()
    {
        var publish = Regex.Match(Line("dotnet publish"), @"dotnet publish (?<project>\S+) .*--no-restore -o (?<folder>/\S+)");
        string folder = publish.Groups["folder"].Value;
        Assert.StartsWith($"RUN dotnet restore {publish.Groups["project"].Value} ", Line("dotnet restore"));
        Assert.Contains($"COPY --from=build {folder} {folder}", Lines);
        string name = Regex.Match(File.ReadAllText(Repository.In(publish.Groups["project"].Value, "AlexNetActors.App.csproj")), "<AssemblyName>(.*)</AssemblyName>").Groups[1].Value;
        Assert.Equal($"ENTRYPOINT [\"{folder}/{name}\"]", Lines[^1]);
    }

    [Fact]
    public void ItRunsAsAPlainUserWhoOwnsWhereItWrites()
    {
        string user = Line("USER ")["USER ".Length..];
        Assert.DoesNotContain("0", user.Split(':'));
        Assert.Contains(Lines, l => l.StartsWith($"COPY --from=build --chown={user} ") && l.EndsWith(Line("WORKDIR /alexnet")["WORKDIR".Length..]));
    }

    [Fact]
    public void ItsRuntimeIsThatOfTheProjects()
    {
        string framework = Regex.Match(File.ReadAllText(Repository.In("Directory.Build.props")), "<TargetFramework>net(.*)</TargetFramework>").Groups[1].Value;
        Assert.Contains($"/sdk:{framework}-", Line("ARG SDK="));
        Assert.Contains($"/aspnet:{framework}-", Line("ARG RUNTIME="));
    }
}
