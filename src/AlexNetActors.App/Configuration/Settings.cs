using Akka.Configuration;

namespace AlexNetActors.App;

/// <summary>The values that <c>--set path=value</c> lays over recipe and node configuration.</summary>
sealed record Settings(Config OfRecipe, Config OfNode)
{
    static readonly string[] NodeBlocks = ["alexnet.", "compute.", "akka."];

    public static Settings None { get; } = new(Config.Empty, Config.Empty);

    /// <summary>Those of them that a run does not keep: the recipe's are part of it.</summary>
    public static IEnumerable<string> NotKept(IEnumerable<string> assignments) => assignments.Where(a => IsOfNode(a.TrimStart()));

    static bool IsOfNode(string path) => NodeBlocks.Any(block => path.StartsWith(block, StringComparison.Ordinal));

    /// <exception cref="UsageException">Not path=value, or an unknown path of the node.</exception>
    public static Settings Parse(IEnumerable<string> assignments)
    {
        var settings = None;
        foreach (string assignment in assignments)
        {
            int at = assignment.IndexOf('=');
            string path = at < 0 ? "" : assignment[..at].Trim();
            if (path == "" || at == assignment.Length - 1 || assignment.AsSpan().ContainsAny('\n', '\r'))
                throw new UsageException($"--set {Hocon.OneLine(assignment)}: wanted path=value, such as --set schedule.rate=0.005");
            var value = Hocon.Parse(assignment, $"--set {assignment}");
            bool node = IsOfNode(path);
            if (node) KnownKeys.OfNodes.Check(Hocon.Leaves(value).Select(l => l.Path), "--set", []); // those of recipes are the RecipeReader's
            settings = node
                ? settings with { OfNode = value.WithFallback(settings.OfNode) }
                : settings with { OfRecipe = value.WithFallback(settings.OfRecipe) };
        }
        return settings;
    }
}
