namespace AlexNetActors.App;

/// <summary>The middle of some times or speeds: what a few disturbed ones do not move.</summary>
static class Median
{
    public static double Of(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted[sorted.Length / 2];
    }
}
