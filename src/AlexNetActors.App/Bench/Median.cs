namespace AlexNetActors.App;

/// <summary>The middle of some times or speeds: what a few disturbed ones do not move. Of an even number, between the two in the middle.</summary>
static class Median
{
    public static double Of(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
