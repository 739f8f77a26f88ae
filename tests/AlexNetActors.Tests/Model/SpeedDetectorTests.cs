using AlexNetActors.Model;

namespace AlexNetActors.Tests.Model;

/// <summary>A run is held against its own history, and what is seen is said once.</summary>
public sealed class SpeedDetectorTests
{
    /// <returns>What was worth saying, and after how many steps.</returns>
    static (int Step, SpeedDetector.Slower Slower)[] Said(int steps, Func<int, double> speed)
    {
        var detector = new SpeedDetector();
        var said = new List<(int, SpeedDetector.Slower)>();
        for (int n = 0; n < steps; n++)
        {
            detector = detector.Observe(speed(n));
            if (detector.JustSlower is { } slower) said.Add((n + 1, slower));
        }
        return [.. said];
    }

    [Fact]
    public void A_run_that_becomes_slow_is_said_once_and_again_after_it_was_fast()
    {
        var said = Said(1000, n => n is (>= 500 and < 700) or >= 900 ? 50 : 100);
        Assert.Equal([550, 950], said.Select(s => s.Step));
        Assert.Equal(new SpeedDetector.Slower(50, 100), said[0].Slower);
        Assert.StartsWith("the run does 50 images/s over its last 50 steps, where it used to do 100:", SpeedDetector.Advice(said[0].Slower));
    }

    [Fact]
    public void A_slow_start_a_little_slower_and_single_slow_steps_are_not() =>
        Assert.Empty(Said(1000, n => n < 100 ? 10 : n % 10 == 0 ? 1 : n < 600 ? 100 : 75));
}
