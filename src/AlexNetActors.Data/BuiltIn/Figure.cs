namespace AlexNetActors.Data;

/// <summary>The classes of the built-in pictures, in the order of labels.</summary>
internal enum Figure { Disc, Ring, Crescent, Square, Triangle, Star, Cross, Stripes, Checks, Spots }

/// <summary>The figures as sets of points, about one unit in radius.</summary>
internal static class FigureShape
{
    // Unit vectors towards the tips of a regular pentagon.
    static readonly (double X, double Y)[] Pentagon =
        [(0, 1), (-0.9510565162951535, 0.3090169943749475), (-0.5877852522924731, -0.8090169943749475), (0.5877852522924731, -0.8090169943749475), (0.9510565162951535, 0.3090169943749475)];

    /// <summary>Whether point (u, v) belongs to the figure.</summary>
    /// <param name="figure">Which figure.</param>
    /// <param name="u">Across.</param>
    /// <param name="v">Up.</param>
    /// <param name="period">Of a texture, in the figure's units.</param>
    /// <param name="round">Whether a texture fills a disc; else a square.</param>
    internal static bool Contains(Figure figure, double u, double v, double period, bool round)
    {
        double r2 = u * u + v * v, au = Math.Abs(u), av = Math.Abs(v);
        return figure switch
        {
            Figure.Disc => r2 < 0.9,
            Figure.Ring => r2 is < 1.05 and > 0.4,
            Figure.Crescent => r2 < 1.1 && (u - 0.55) * (u - 0.55) + v * v > 0.6,
            Figure.Square => au < 0.82 && av < 0.82,
            Figure.Triangle => v > -0.6 && 0.8660254037844386 * u + 0.5 * v < 0.6 && -0.8660254037844386 * u + 0.5 * v < 0.6,
            Figure.Star => InStar(u / 1.25, v / 1.25),
            Figure.Cross => au < 0.3 && av < 1.05 || av < 0.3 && au < 1.05,
            Figure.Stripes => InPatch(r2, au, av, round) && Even(v, period),
            Figure.Checks => InPatch(r2, au, av, round) && Even(u, period) == Even(v, period),
            _ => InPatch(r2, au, av, round) && InSpot(u, v, period),
        };
    }

    /// <summary>A pentagram is what lies behind at least four of its five lines.</summary>
    static bool InStar(double u, double v)
    {
        int beyond = 0;
        foreach (var (x, y) in Pentagon)
            if (x * u + y * v > 0.3090169943749475) beyond++;
        return beyond <= 1;
    }

    static bool InPatch(double r2, double au, double av, bool round) => round ? r2 < 1.6 : au < 1.1 && av < 1.1;

    static bool Even(double x, double period)
    {
        double t = x / period;
        return t - Math.Floor(t) < 0.5;
    }

    static bool InSpot(double u, double v, double period)
    {
        double s = u / period, t = v / period;
        double du = s - Math.Floor(s) - 0.5, dv = t - Math.Floor(t) - 0.5;
        return du * du + dv * dv < 0.1;
    }
}
