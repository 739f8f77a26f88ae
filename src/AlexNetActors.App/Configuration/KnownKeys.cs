using System.Text.RegularExpressions;

namespace AlexNetActors.App;

/// <summary>
/// The keys there are: those of the files that hold every key, hocon/recipes/paper.conf and hocon/node.conf. A block of a layer takes the
/// keys of network.layer.
/// </summary>
sealed partial class KnownKeys
{
    readonly HashSet<string> _keys;
    readonly HashSet<string> _layers, _layerKeys;

    public static KnownKeys OfRecipes => s_ofRecipes.Value;
    static readonly Lazy<KnownKeys> s_ofRecipes = new(() => new KnownKeys(Path.Combine(AppContext.BaseDirectory, "hocon", "recipes", "paper.conf")));

    public static KnownKeys OfNodes => s_ofNodes.Value;
    static readonly Lazy<KnownKeys> s_ofNodes = new(() => new KnownKeys(NodeSettings.File));

    KnownKeys(string file)
    {
        var leaves = Hocon.Leaves(Hocon.ParseFile(file, file)).ToDictionary();
        _keys = [.. leaves.Keys];
        var blocks = _keys.Select(k => LayerKey().Match(k)).Where(m => m.Success).ToArray();
        string[] layers = leaves.TryGetValue("network.layers", out var list) ? list.Trim('[', ']').Split(", ") : [];
        _layers = [.. layers];
        _layerKeys = [.. blocks.Where(m => m.Groups[1].Value == "layer" || _layers.Contains(m.Groups[1].Value)).Select(m => m.Groups[2].Value)];
    }

    [GeneratedRegex(@"^network\.([^.]+)\.([^.]+)$")]
    private static partial Regex LayerKey();

    /// <exception cref="UsageException">A key is not known; the message suggests the nearest one.</exception>
    public void Check(IEnumerable<string> keys, string where, IEnumerable<string> moreLayers)
    {
        var layers = _layers.Union(moreLayers).ToHashSet();
        foreach (string key in keys)
        {
            if (_keys.Contains(key)) continue;
            var m = LayerKey().Match(key);
            if (m.Success && layers.Contains(m.Groups[1].Value) && _layerKeys.Contains(m.Groups[2].Value)) continue;
            var all = _keys.Concat(layers.SelectMany(l => _layerKeys.Select(k => $"network.{l}.{k}")));
            throw new UsageException(all.FirstOrDefault(k => k.StartsWith(key + ".", StringComparison.Ordinal)) is { } within
                ? $"{where}: {key} is a block, not a value: set one of its keys, such as {within}"
                : $"{where} has an unknown key, {key}: did you mean {Nearest(key, all)}?");
        }
    }

    /// <summary>The known key with the fewest edits to the whole, or to the last word: who types "momentum" means descent.momentum.</summary>
    static string Nearest(string key, IEnumerable<string> known) =>
        known.OrderBy(k => Math.Min(Edits(key, k), 1 + Edits(key.Split('.')[^1], k.Split('.')[^1]))).ThenBy(k => Edits(key, k)).ThenBy(k => k, StringComparer.Ordinal).First();

    /// <summary>Levenshtein's distance.</summary>
    static int Edits(string a, string b)
    {
        int[] row = [.. Enumerable.Range(0, b.Length + 1)];
        for (int i = 1; i <= a.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
                (diagonal, row[j]) = (row[j], Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)));
        }
        return row[^1];
    }
}
