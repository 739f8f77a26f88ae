using System.Text.Json.Nodes;

namespace AlexNetActors.Tests.App;

/// <summary>TensorBoard's event files through tests/fixtures/event_file.py, which knows nothing of who wrote them.</summary>
static class EventFileReader
{
    const string Python = "/usr/bin/python3";

    public static void SkipUnlessThere() => Assert.SkipUnless(File.Exists(Python), $"there is no {Python} to read event files with");

    /// <summary>The files of a folder in the order of their names, which is TensorBoard's.</summary>
    public static IReadOnlyList<IReadOnlyList<JsonObject>> ReadAll(string folder) => [.. Directory.GetFiles(folder).Order(StringComparer.Ordinal).Select(Read)];

    static IReadOnlyList<JsonObject> Read(string file)
    {
        var read = Alexnet.Wait(Alexnet.StartProcess(Python, "-B", Path.Combine(AppContext.BaseDirectory, "fixtures", "event_file.py"), file)).Expect(0);
        return [.. read.Out.TrimEnd().Split('\n').Select(l => JsonNode.Parse(l)!.AsObject())];
    }

    /// <summary>What TensorBoard shows of a scalar: a file that starts at a step takes back what the ones before it have from there on.</summary>
    public static IReadOnlyList<(long Step, double Value)> Shown(IEnumerable<IReadOnlyList<JsonObject>> files, string tag)
    {
        const int start = 1;
        var points = new List<(long Step, double Value)>();
        foreach (var e in files.SelectMany(f => f))
        {
            long step = (long)e["step"]!;
            if ((int?)e["session"] == start) points.RemoveAll(p => p.Step >= step);
            if (e["scalars"]?[tag] is { } value) points.Add((step, (double)value));
        }
        return points;
    }
}
