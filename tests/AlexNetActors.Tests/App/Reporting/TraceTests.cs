using System.Text.Json.Nodes;

namespace AlexNetActors.Tests.App;

/// <summary>alexnet trace: a file that Perfetto can show.</summary>
public sealed class TraceTests : IDisposable
{
    readonly Workshop _workshop = new();

    public void Dispose() => _workshop.Dispose();

    [Fact]
    public void Lanes_do_not_overlap_fill_their_steps_and_are_joined_by_the_exchanges()
    {
        _workshop.TrainTo("run", 7);
        var said = Alexnet.Run("trace", _workshop.In("run"), _workshop.In("trace.json"), "--steps", "5", "--json").Expect(0).Json;
        Assert.Equal((3, 7), ((int)said["firstStep"]!, (int)said["lastStep"]!));
        var events = JsonNode.Parse(File.ReadAllText(_workshop.In("trace.json")))!["traceEvents"]!.AsArray().Select(e => e!).ToList();
        IEnumerable<JsonNode> Of(string phase) => events.Where(e => (string)e["ph"]! == phase);

        var processes = Of("M").Where(e => (string)e["name"]! == "process_name").ToDictionary(e => (int)e["pid"]!, e => (string)e["args"]!["name"]!);
        Assert.Equal(["steps", "tower A on cpu of this process", "tower B on cpu of this process"], processes.Values);
        var steps = Of("X").Where(e => processes[(int)e["pid"]!] == "steps").ToList();
        Assert.Equal(["step 3", "step 4", "step 5", "step 6", "step 7"], steps.Select(e => (string)e["name"]!));
        foreach (int tower in processes.Keys.Where(p => processes[p] != "steps"))
        {
            var slices = Of("X").Where(e => (int)e["pid"]! == tower).OrderBy(e => (decimal)e["ts"]!).ToList();
            foreach (var (before, after) in slices.Zip(slices.Skip(1))) Assert.True((decimal)before["ts"]! + (decimal)before["dur"]! <= (decimal)after["ts"]!);
            foreach (var step in steps)
            {
                decimal whole = (decimal)step["dur"]!, sum = slices.Where(s => (int)s["args"]!["step"]! == (int)step["args"]!["step"]!).Sum(s => (decimal)s["dur"]!);
                Assert.InRange(sum / whole, 0.95m, 1.05m);
            }
        }

        var (given, arrived) = (Of("s").ToDictionary(e => (int)e["id"]!), Of("f").ToDictionary(e => (int)e["id"]!));
        Assert.NotEmpty(given);
        Assert.Equal(given.Keys, arrived.Keys);
        Assert.All(given, g => Assert.NotEqual((int)g.Value["pid"]!, (int)arrived[g.Key]["pid"]!));
        Assert.Contains(given.Values, e => (string)e["name"]! == "conv3 forward");
        Assert.Contains(Of("i"), e => (string)e["name"]! == "validation after step 5");
    }

    [Fact]
    public void A_folder_without_a_run_is_wrong_use()
    {
        var refused = Alexnet.Run("trace", _workshop.Data, _workshop.In("trace.json")).Expect(2);
        Assert.Contains("is no run folder", refused.Err);
        Assert.False(File.Exists(_workshop.In("trace.json")));
    }
}
