using AlexNetActors.Model;
using Time = AlexNetActors.Model.StragglerDetector.Time;

namespace AlexNetActors.Tests.Model;

public class StragglerDetectorTests
{
    static (List<StragglerDetector.Slow> Slow, List<double> Waited) Said(IEnumerable<Time[]> steps)
    {
        var (detector, slow, waited) = (new StragglerDetector(), new List<StragglerDetector.Slow>(), new List<double>());
        foreach (var towers in steps)
        {
            detector = detector.Observe(towers);
            if (detector.JustSlow is { } s) slow.Add(s);
            if (detector.JustWaited is { } w) waited.Add(w);
        }
        return (slow, waited);
    }

    static Time[] Step(double a, double b, double data = 0) => [new("A", a, Math.Max(0, b - a), data), new("B", b, Math.Max(0, a - b), data)];

    [Fact]
    public void A_slow_tower_is_named_once_with_its_factor()
    {
        var (slow, waited) = Said(Enumerable.Range(0, 500).Select(n => Step(100 + n % 7, 200 + 2 * (n % 7))));
        Assert.Equal(new StragglerDetector.Slow("B", 2), Assert.Single(slow));
        Assert.Empty(waited);
        Assert.StartsWith("B has computed 2.0 times as long", StragglerDetector.Advice(slow[0]));
    }

    [Fact]
    public void Equal_towers_and_rare_pauses_are_not_said()
    {
        var (slow, waited) = Said(Enumerable.Range(0, 500).Select(n => Step(100, n % 10 == 0 ? 5000 : 110, n % 20 == 0 ? 3000 : 1)));
        Assert.Empty(slow);
        Assert.Empty(waited);
    }

    [Fact]
    public void Towers_that_wait_for_their_batches_are_said_once()
    {
        var (slow, waited) = Said(Enumerable.Repeat(Step(100, 100, data: 100), 500));
        Assert.Empty(slow);
        Assert.Equal(0.5, Assert.Single(waited));
    }

    [Fact]
    public void It_is_said_again_when_it_had_gone_and_comes_back()
    {
        IEnumerable<Time[]> slow = Enumerable.Repeat(Step(300, 100), 100), even = Enumerable.Repeat(Step(100, 100), 100);
        Assert.Equal(["A", "A"], Said([.. slow, .. even, .. slow]).Slow.Select(s => s.Name));
    }

    [Fact]
    public void One_device_of_both_towers_has_nobody_to_be_held_against() =>
        Assert.Empty(Said(Enumerable.Repeat(new[] { new Time("A+B", 100, 0, 0) }, 200)).Slow);
}
