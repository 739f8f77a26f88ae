using AlexNetActors.Model;

namespace AlexNetActors.Tests.Model;

public class StallDetectorTests
{
    static int TimesSaid(int classes, IEnumerable<double> losses)
    {
        var detector = new StallDetector(classes);
        int said = 0;
        foreach (double loss in losses)
        {
            detector = detector.Observe(loss);
            if (detector.JustStalled) said++;
        }
        return said;
    }

    [Fact]
    public void A_loss_that_stays_at_chance_is_said_once() =>
        Assert.Equal(1, TimesSaid(1000, Enumerable.Range(0, 2000).Select(n => Math.Log(1000) + 0.05 * Math.Sin(n))));

    [Fact]
    public void A_loss_that_starts_at_chance_and_falls_is_not_said() =>
        Assert.Equal(0, TimesSaid(10, Enumerable.Range(0, 1000).Select(n => Math.Log(10) * Math.Exp(-n / 500.0))));

    [Fact]
    public void It_is_said_again_after_a_recovery_that_did_not_last()
    {
        var stuck = Enumerable.Repeat(Math.Log(10), 500);
        Assert.Equal(2, TimesSaid(10, [.. stuck, .. Enumerable.Repeat(1.5, 300), .. stuck]));
    }
}
