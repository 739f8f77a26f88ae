using System.Globalization;
using System.Text.Json.Nodes;

namespace AlexNetActors.Tests.App;

/// <summary>What a user sees of a recipe whose numbers blow up.</summary>
public sealed class NumbersTests : IDisposable
{
    readonly Workshop _workshop = new();

    public void Dispose() => _workshop.Dispose();

    [Fact]
    public void A_recipe_that_blows_up_ends_with_one_line_and_the_batch_is_written_down()
    {
        var result = Alexnet.Run(_workshop.Train("run", "--steps", "30", "--set", "schedule.rate=1000")).Expect(1);
        string[] lines = result.Err.TrimEnd().Split('\n');
        string stopped = lines.First(l => l.Contains(" was stopped before its update: NaN or infinity in ", StringComparison.Ordinal));
        long step = long.Parse(stopped.Split(' ')[1], CultureInfo.InvariantCulture);
        Assert.Equal(2, lines.Count(l => l == stopped)); // the same bits, the same line
        Assert.Matches($@"^alexnet: step {step} was stopped .* on tower [AB] \(cpu\), again .* it is the recipe's doing: lower schedule.rate \(now 1000\) or use recipe robust, in a new run; .* not-finite-step-{step}.json of the run folder$", lines[^1]);
        var dump = JsonNode.Parse(File.ReadAllText(Path.Combine(_workshop.In("run"), $"not-finite-step-{step}.json")))!;
        Assert.Equal(($"step {step}", "training", Workshop.Batch), ((string)dump["pass"]!, (string)dump["pack"]!, dump["records"]!.AsArray().Count));
        Assert.Equal(Enumerable.Range(1, (int)step), _workshop.Metrics("run", "step").Select(l => (int)l["step"]!)); // those done twice stand there once
    }
}
