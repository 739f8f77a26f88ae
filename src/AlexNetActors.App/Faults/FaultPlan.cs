using System.Text.RegularExpressions;
using Akka.Configuration;
using AlexNetActors.Actors;
using AlexNetActors.Data;

namespace AlexNetActors.App;

/// <summary>A process of a plan's cluster.</summary>
/// <param name="Name">How faults call it.</param>
/// <param name="Roles">Of `alexnet node`.</param>
/// <param name="Towers">That it must hold; null for any.</param>
/// <param name="StaysDead">Nobody starts it again.</param>
sealed record PlannedNode(string Name, string Roles, string? Towers, bool StaysDead)
{
    public bool Has(string role) => Roles.Split(',', StringSplitOptions.TrimEntries).Contains(role);
}

/// <summary>What `alexnet faults` does: a cluster, a training run, and what goes wrong in it.</summary>
/// <param name="Name">Of the file, or of the command line.</param>
/// <param name="Recipe">By name or file.</param>
/// <param name="Steps">Of a run.</param>
/// <param name="StepTime">That a step takes at least; zero where no fault comes by the clock.</param>
/// <param name="Pictures">That are drawn when no data set is named.</param>
/// <param name="Nodes">The processes.</param>
/// <param name="Set">--set of each.</param>
/// <param name="RestartAfter">How long a dead process stays dead.</param>
/// <param name="Deadline">Longest time that a run gets no further, beside what a fault itself lasts.</param>
/// <param name="AtOnce">Runs that go on at the same time.</param>
/// <param name="Runs">The faults of each run.</param>
sealed partial record FaultPlan(
    string Name, string Recipe, long Steps, TimeSpan StepTime, BuiltInSettings Pictures, IReadOnlyList<PlannedNode> Nodes, IReadOnlyList<string> Set, TimeSpan RestartAfter, TimeSpan Deadline, int AtOnce,
    IReadOnlyList<IReadOnlyList<Fault>> Runs)
{
    const string Extension = ".conf", Defaults = "defaults";

    /// <summary>How long a run goes on after its last fault, at least.</summary>
    static readonly TimeSpan AfterLast = TimeSpan.FromSeconds(5);

    static readonly string[] Keys = ["recipe", "steps", "step-time", "pictures", "nodes", "set", "restart-after", "deadline", "at-once", "faults", "matrix"];

    static string Folder => Path.Combine(AppContext.BaseDirectory, "hocon", "faults");

    /// <summary>Names of the plans that come with the program.</summary>
    public static IEnumerable<string> Names => Directory.EnumerateFiles(Folder, "*" + Extension).Select(f => Path.GetFileNameWithoutExtension(f)!).Except([Defaults, "tiny"]).Order(StringComparer.Ordinal);

    /// <param name="nameOrFile">A plan; null for the cluster of defaults.conf.</param>
    /// <param name="more">Faults of the command line.</param>
    /// <param name="steps">Of the command line.</param>
    /// <exception cref="UsageException">There is no such plan, or it is none.</exception>
    public static FaultPlan Load(string? nameOrFile, IReadOnlyList<string> more, long? steps)
    {
        string? path = nameOrFile is null ? null : new[] { Path.Combine(Folder, nameOrFile + Extension), nameOrFile }.FirstOrDefault(File.Exists)
            ?? throw new UsageException($"there is no fault plan '{nameOrFile}': use {string.Join(", ", Names)}, or name a file");
        string where = path is null ? "the command line" : $"fault plan {path}", defaults = Path.Combine(Folder, Defaults + Extension);
        var own = path is null ? Config.Empty : Hocon.ParseFile(path, where);
        if (!own.IsEmpty && own.Root.GetObject().Items.Keys.FirstOrDefault(k => !Keys.Contains(k)) is { } unknown) throw new UsageException($"{where} has an unknown key, {unknown}: wanted {string.Join(", ", Keys)}");
        var under = Hocon.ParseFile(defaults, defaults);
        var nodes = Block(own.HasPath("nodes") ? own : under, "nodes", where); // a plan's cluster is not laid over the other
        var config = own.WithFallback(under);
        var values = new ValueReader(config, where);
        var runs = ReadRuns(values, more);
        var last = runs.SelectMany(r => r).Max(f => f.When.After); // null when no fault comes by the clock
        var stepTime = values.Time("step-time");
        long needed = last is { } time ? (long)Math.Ceiling((time + AfterLast) / stepTime) : values.Number("steps", 1L, long.MaxValue);
        return new FaultPlan(
            path is null ? "faults" : Path.GetFileNameWithoutExtension(path),
            FindRecipe(values.Text("recipe"), path),
            steps ?? (own.HasPath("steps") ? values.Number("steps", 1L, long.MaxValue) : needed),
            last is null ? TimeSpan.Zero : stepTime,
            new BuiltInSettings(values.Number("pictures.training", 1, 1_000_000), values.Number("pictures.validation", 1, 1_000_000), values.Number("pictures.size", 16, 1024)),
            ReadNodes(nodes, where),
            [.. values.Names("set", mayBeEmpty: true)],
            values.Time("restart-after"),
            values.Time("deadline"),
            values.Number("at-once", 1, 64),
            runs);
    }

    static string FindRecipe(string name, string? plan)
    {
        string[] places = [.. plan is null ? [] : new[] { Path.Combine(Path.GetDirectoryName(Path.GetFullPath(plan))!, name + Extension) }, Path.Combine(Folder, name + Extension)];
        return places.FirstOrDefault(File.Exists) ?? name;
    }

    static Config Block(Config of, string path, string where) => of.GetValue(path).IsObject() ? of.GetConfig(path) : throw new UsageException($"{path} in {where} is one value: wanted a block, {path} {{ ... }}");

    /// <summary>As a plan's file, with nothing left to be drawn: the same run again, wherever it is read.</summary>
    public string Text => Runs.Count > 1 ? throw new UsageException($"a matrix is {Runs.Count} runs, which its own file repeats as they are: --write-plan writes a plan of one run") : $$"""
        # One run, its faults as they were drawn.
        recipe = "{{(Path.GetDirectoryName(Recipe) == Folder ? Path.GetFileNameWithoutExtension(Recipe) : File.Exists(Recipe) ? Path.GetFullPath(Recipe).Replace('\\', '/') : Recipe)}}"
        steps = {{Steps}}{{(StepTime > TimeSpan.Zero ? $"\nstep-time = {FaultLanguage.Text(StepTime)}" : "")}}
        pictures { training = {{Pictures.Training}}, validation = {{Pictures.Validation}}, size = {{Pictures.RecordSize}} }
        nodes {
        {{string.Join('\n', Nodes.Select(n => $"  {n.Name} {{ roles = \"{n.Roles}\"{(n.Towers is { } towers ? $", towers = {towers}" : "")}{(n.StaysDead ? ", stays-dead = on" : "")} }}"))}}
        }
        set = [{{string.Join(", ", Set.Select(s => $"\"{s}\""))}}]
        restart-after = {{FaultLanguage.Text(RestartAfter)}}
        deadline = {{FaultLanguage.Text(Deadline)}}
        faults = [
        {{string.Join('\n', Runs[0].Select(f => $"  \"{f}\""))}}
        ]

        """;

    static PlannedNode[] ReadNodes(Config nodes, string where)
    {
        PlannedNode[] all = [.. nodes.Root.GetObject().Items.Keys.Select(name => Read(name, new ValueReader(Block(nodes, name, $"nodes of {where}"), $"nodes.{name} of {where}")))];
        foreach (string role in new[] { "coordinator", "gpu", "loader" })
            if (!all.Any(n => n.Has(role))) throw new UsageException($"no node of {where} has the role {role}");
        return all;
    }

    static PlannedNode Read(string name, ValueReader values) =>
        new(name, values.Text("roles"), values.Has("towers") ? values.Text("towers") : null, values.Has("stays-dead") && values.Switch("stays-dead"));

    static Fault[][] ReadRuns(ValueReader values, IReadOnlyList<string> more)
    {
        var lines = values.Names("faults", mayBeEmpty: true);
        if (!values.Has("matrix")) return [[.. lines.Concat(more).SelectMany(Read)]];
        if (more.Count > 0) throw new UsageException("a plan with a matrix is many runs of its own: give --fault without it, or put its line into the plan");
        var (whom, places) = (values.Names("matrix.whom"), values.Names("matrix.phase"));
        return [.. from line in lines
                   from name in whom
                   let own = line.Replace("WHOM", name, StringComparison.Ordinal)
                   from run in Every().IsMatch(own) ? [InTurn(own, places)] : places.Select(place => new[] { In(own, place) })
                   select run];
    }

    [GeneratedRegex(@"\bevery (\S+)")]
    private static partial Regex Every();

    /// <summary>"stop loader every 12s in PHASE for 3s": all phases strike one run, one after the other.</summary>
    static Fault[] InTurn(string line, IReadOnlyList<string> places)
    {
        var every = FaultOptions.Time(Every().Match(line).Groups[1].Value);
        return [.. places.Select((place, i) => In(Every().Replace(line, $"at {FaultLanguage.Text((i + 1) * every)}"), place))];
    }

    static Fault In(string line, string place) => FaultOptions.Parse(line.Replace("PHASE", place, StringComparison.Ordinal));

    /// <summary>One fault, or those that "random SEED every 20s for 20m" draws.</summary>
    static IEnumerable<Fault> Read(string line) => RandomFaults.Is(line) ? RandomFaults.Draw(line) : [FaultOptions.Parse(line)];
}
