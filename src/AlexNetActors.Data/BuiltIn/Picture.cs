namespace AlexNetActors.Data;

/// <summary>Draws one built-in picture: uneven ground, clutter, the figure, noise.</summary>
internal static class Picture
{
    const int Samples = 3; // a side of a pixel, for smooth edges

    /// <returns>uint8 RGB [size, size, 3]</returns>
    internal static byte[] Draw(Figure figure, int size, Dice dice)
    {
        double[] groundColour = Colour(dice), figureColour = Colour(dice);
        while (Difference(groundColour, figureColour) < 200) figureColour = Colour(dice);

        double[] canvas = Paint.Uneven(groundColour, dice.Between(8, 30), size, dice);
        for (int lines = dice.Below(3); lines > 0; lines--) Blend(canvas, size, Line(size, dice), Paint.Flat(Colour(dice), size));
        Blend(canvas, size, Outline(figure, size, dice), Paint.Uneven(figureColour, dice.Between(4, 16), size, dice));
        return WithNoise(canvas, dice.Between(3, 12), dice);
    }

    static double[] Colour(Dice dice) => [dice.Between(20, 235), dice.Between(20, 235), dice.Between(20, 235)];

    static double Difference(double[] a, double[] b) => Math.Abs(a[0] - b[0]) + Math.Abs(a[1] - b[1]) + Math.Abs(a[2] - b[2]);

    /// <summary>Which points the figure covers, somewhere, somehow turned and stretched.</summary>
    static Func<double, double, bool> Outline(Figure figure, int size, Dice dice)
    {
        double x0 = size * dice.Between(0.4, 0.6), y0 = size * dice.Between(0.4, 0.6);
        double radius = size * dice.Between(0.24, 0.36), stretch = Math.Sqrt(dice.Between(0.75, 1.33));
        double period = size * dice.Between(0.13, 0.2) / radius;
        bool round = dice.Below(2) == 0;
        var (c, s) = dice.Direction();
        return (x, y) =>
        {
            double dx = (x - x0) / radius, dy = (y - y0) / radius;
            return FigureShape.Contains(figure, (c * dx + s * dy) * stretch, (c * dy - s * dx) / stretch, period, round);
        };
    }

    /// <summary>A thin line somewhere: clutter.</summary>
    static Func<double, double, bool> Line(int size, Dice dice)
    {
        double x0 = dice.Between(0, size), y0 = dice.Between(0, size), half = dice.Between(0.3, 0.8), reach = size * dice.Between(0.1, 0.3);
        var (c, s) = dice.Direction();
        return (x, y) => Math.Abs(c * (y - y0) - s * (x - x0)) < half && Math.Abs(c * (x - x0) + s * (y - y0)) < reach;
    }

    static void Blend(double[] canvas, int size, Func<double, double, bool> covers, double[] paint)
    {
        for (int y = 0, at = 0; y < size; y++)
            for (int x = 0; x < size; x++, at += 3)
            {
                double share = Coverage(covers, x, y);
                for (int c = 0; c < 3; c++) canvas[at + c] += (paint[at + c] - canvas[at + c]) * share;
            }
    }

    static double Coverage(Func<double, double, bool> covers, int x, int y)
    {
        int inside = 0;
        for (int j = 0; j < Samples; j++)
            for (int i = 0; i < Samples; i++)
                if (covers(x + (i + 0.5) / Samples, y + (j + 0.5) / Samples)) inside++;
        return inside / (double)(Samples * Samples);
    }

    /// <summary>Adds noise, nearly normal: the sum of four uniform bytes has a standard deviation of 147.8.</summary>
    static byte[] WithNoise(double[] canvas, double sigma, Dice dice)
    {
        var record = new byte[canvas.Length];
        for (int i = 0; i < record.Length; i++)
        {
            uint word = dice.Word();
            double sum = (word & 255) + (word >> 8 & 255) + (word >> 16 & 255) + (word >> 24) - 510.0;
            record[i] = (byte)Math.Clamp(canvas[i] + sum * (sigma / 147.8) + 0.5, 0, 255);
        }
        return record;
    }
}
