using System.Text.Json.Nodes;
using Spectre.Console;

namespace AlexNetActors.App;

/// <summary>What a network takes the pictures of each class for: the confusion matrix. Only counts above 0 are kept: of a thousand classes most pairs never occur.</summary>
sealed class ClassResults(IReadOnlyList<string> names)
{
    const int ShownMax = 10;

    readonly SortedDictionary<int, int>[] _guesses = [.. names.Select(_ => new SortedDictionary<int, int>())];

    public void Add(int label, int guess) => _guesses[label][guess] = _guesses[label].GetValueOrDefault(guess) + 1;

    int Images(int label) => _guesses[label].Values.Sum();

    /// <summary>Null where there are no pictures.</summary>
    double? Error(int label) => Images(label) is var images and > 0 ? (double)(images - _guesses[label].GetValueOrDefault(label)) / images : null;

    /// <summary>The classes with the largest errors, as many as are read at a glance.</summary>
    public void Show(Output output)
    {
        int[] worst = [.. Enumerable.Range(0, names.Count).Where(label => Error(label) is not null).OrderByDescending(Error)];
        var table = new Table().Border(TableBorder.Simple).AddColumn("class").AddColumns(Right("pictures"), Right("top-1 error")).AddColumn("most often taken for");
        foreach (int label in worst.Take(ShownMax))
            table.AddRow([.. new[] { names[label], Words.Count(Images(label)), Words.Percent(Error(label)!.Value), Instead(label) }.Select(Markup.Escape)]);
        output.Table(table);
        if (worst.Length > ShownMax) output.Result.WriteLine($"the {ShownMax} classes with the largest errors of {Words.Count(worst.Length)}; --json has all");
    }

    static TableColumn Right(string title) => new TableColumn(title).RightAligned();

    string Instead(int label) => _guesses[label].Where(g => g.Key != label).OrderByDescending(g => g.Value).Select(g => $"{names[g.Key]} ({Words.Count(g.Value)})").FirstOrDefault("");

    /// <summary>Of every class, in the order of labels.</summary>
    public JsonArray Json() => [.. names.Select((name, label) => new JsonObject
    {
        ["class"] = name,
        ["images"] = Images(label),
        ["top1Error"] = Error(label),
        ["guesses"] = new JsonObject(_guesses[label].Select(g => KeyValuePair.Create(names[g.Key], (JsonNode?)g.Value))),
    })];
}
