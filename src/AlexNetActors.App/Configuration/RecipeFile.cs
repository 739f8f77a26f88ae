using Akka.Configuration;

namespace AlexNetActors.App;

/// <summary>A recipe as text: the file of that name or path, with the recipes it is based on laid under it.</summary>
/// <param name="Name">File name without extension.</param>
/// <param name="Values">Its own values over those of its bases.</param>
sealed record RecipeFile(string Name, Config Values)
{
    const string Extension = ".conf";
    const int BasesMax = 8;

    static string Folder => Path.Combine(AppContext.BaseDirectory, "hocon", "recipes");

    /// <summary>Names of the recipes that come with the program.</summary>
    public static IReadOnlyList<string> Names { get; } =
        Directory.Exists(Folder) ? [.. Directory.EnumerateFiles(Folder, "*" + Extension).Select(f => Path.GetFileNameWithoutExtension(f)!).Order(StringComparer.Ordinal)] : [];

    /// <exception cref="UsageException">There is no such recipe, or it is not a recipe.</exception>
    public static RecipeFile Load(string nameOrFile)
    {
        string path = Find(nameOrFile, besides: null), name = Path.GetFileNameWithoutExtension(path);
        var chain = new List<(string Path, Config Values)> { (path, Hocon.ParseFile(path, $"recipe {path}")) };
        while (chain[^1].Values.GetString("base", "") is { Length: > 0 } next)
        {
            if (chain.Count > BasesMax) throw new UsageException($"recipe {name} is based on more than {BasesMax} others: is one based on itself?");
            path = Find(next, Path.GetDirectoryName(path));
            chain.Add((path, Hocon.ParseFile(path, $"recipe {path}")));
        }
        var values = chain.Select(c => c.Values).Aggregate((over, under) => over.WithFallback(under));
        foreach (var (file, own) in chain)
            KnownKeys.OfRecipes.Check(Hocon.Leaves(own).Select(l => l.Path).Where(k => k != "base"), $"recipe {file}", LayersOf(values));
        return new RecipeFile(name, values);
    }

    /// <summary>The layer table's names; their blocks are known keys.</summary>
    public static IReadOnlyList<string> LayersOf(Config values) =>
        values.GetValue("network.layers") is { } list && list.IsArray() ? [.. values.GetStringList("network.layers")] : [];

    static string Find(string nameOrFile, string? besides)
    {
        string[] places = [.. besides is null ? [] : new[] { Path.Combine(besides, nameOrFile), Path.Combine(besides, nameOrFile + Extension) }, Path.Combine(Folder, nameOrFile + Extension), nameOrFile];
        return places.FirstOrDefault(File.Exists)
            ?? throw new UsageException($"there is no recipe '{nameOrFile}': use {string.Join(", ", Names)}, or name a file");
    }
}
