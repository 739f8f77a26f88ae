using System.Text.Json.Nodes;

namespace AlexNetActors.Tests.App;

/// <summary>Lines of metrics.jsonl and events.jsonl that are JSON and yet none that a run writes: each is passed over, and no command ends by it.</summary>
public sealed class DamagedLinesTests : IDisposable
{
    readonly Workshop _workshop = new();

    public void Dispose() => _workshop.Dispose();

    string File(string name) => Path.Combine(_workshop.In("run"), name);

    static readonly Action<JsonNode>[] DamagedSteps =
    [
        l => l["towers"]![0]!["exchanges"]![0]!.AsObject().Remove("exchange"),
        l => l["towers"]![0]!.AsObject().Remove("towers"),
        l => l["towers"]![1]!["towers"] = "A",
        l => l["towers"] = new JsonArray(),
        l => l["towers"] = new JsonArray(null, null),
        l => l["towers"]![0]!["computeMs"] = -5,
        l => l["towers"]![0]!["exchanges"]![0]!["got"] = 1e300,
        l => l["towers"]![0]!["exchanges"]![0]!["exchange"] = "gather 300",
        l => l["imagesPerSecond"] = 1e-320,
        l => l["rate"] = -1e30,
        l => l["top1"] = 7,
        l => l.AsObject().Remove("loss"),
    ];

    [Fact]
    public void A_run_with_damaged_lines_is_reported_traced_and_goes_on()
    {
        int steps = DamagedSteps.Length + 4;
        string digest = _workshop.TrainTo("run", steps).Digest;
        var lines = System.IO.File.ReadLines(File("metrics.jsonl")).Select(l => JsonNode.Parse(l)!).ToList();
        foreach (var (n, damage) in DamagedSteps.Index()) damage(lines.Single(l => (string)l["kind"]! == "step" && (int)l["step"]! == n + 1));
        string endless = $"\"step\":{DamagedSteps.Length + 1},"; // and a loss that is no number
        System.IO.File.WriteAllLines(File("metrics.jsonl"), lines.Select(l => l.ToJsonString()).Select(l => l.Contains("\"kind\":\"step\"") && l.Contains(endless) || l.Contains("\"kind\":\"validation\"") ? l.Replace("\"loss\":", "\"loss\":1e999,\"was\":") : l));
        System.IO.File.AppendAllLines(File("events.jsonl"), ["""{"event":"wrong","time":1,"what":"\ud800"}""", """{"event":"wrong","time":1,"\ud800":1}""", """{"event":"wrong","time":1e999}"""]);

        Alexnet.Run("report", _workshop.In("run")).Expect(0);
        Alexnet.Run("trace", _workshop.In("run"), _workshop.In("trace.json")).Expect(0);
        JsonNode.Parse(System.IO.File.ReadAllText(_workshop.In("trace.json")));
        var resumed = Alexnet.Run(_workshop.Resume("run", "--steps", $"{steps}", "--dashboard", "0")).Expect(0);
        Assert.Equal(digest, resumed.Digest);
        Assert.Null(resumed.Json["loss"]);
    }
}
