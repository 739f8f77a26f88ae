namespace AlexNetActors.Data;

/// <summary>Colours for a whole canvas, 0..255, [size, size, 3].</summary>
internal static class Paint
{
    const int Knots = 5;

    internal static double[] Flat(double[] colour, int size)
    {
        var paint = new double[size * size * 3];
        for (int i = 0; i < paint.Length; i++) paint[i] = colour[i % 3];
        return paint;
    }

    /// <summary>A colour that wanders by about <paramref name="sigma"/>: a coarse grid of random offsets, smoothly filled in.</summary>
    internal static double[] Uneven(double[] colour, double sigma, int size, Dice dice)
    {
        var knots = new double[Knots * Knots * 3];
        for (int i = 0; i < knots.Length; i++) knots[i] = colour[i % 3] + sigma * dice.Normal();
        var paint = new double[size * size * 3];
        double step = (Knots - 1) / (double)size;
        for (int y = 0, at = 0; y < size; y++)
            for (int x = 0; x < size; x++, at += 3)
            {
                double ky = (y + 0.5) * step, kx = (x + 0.5) * step;
                int j = (int)ky, i = (int)kx, knot = (j * Knots + i) * 3;
                double fy = ky - j, fx = kx - i;
                for (int c = 0; c < 3; c++)
                {
                    double above = knots[knot + c] + fx * (knots[knot + 3 + c] - knots[knot + c]);
                    double below = knots[knot + 3 * Knots + c] + fx * (knots[knot + 3 * Knots + 3 + c] - knots[knot + 3 * Knots + c]);
                    paint[at + c] = above + fy * (below - above);
                }
            }
        return paint;
    }
}
