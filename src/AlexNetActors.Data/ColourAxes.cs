namespace AlexNetActors.Data;

/// <summary>
/// Principal axes of the RGB values of all training pixels (paper section 4.1): eigenvalues and eigenvectors of their 3x3 covariance
/// matrix, largest first. A vector's largest component is positive, so that the axes have one form.
/// </summary>
public sealed class ColourAxes
{
    /// <summary>Variances along the axes, in squared units of 0..255, [3].</summary>
    public IReadOnlyList<double> Values { get; }

    /// <summary>Unit vectors (R, G, B), one an axis, [3][3].</summary>
    public IReadOnlyList<IReadOnlyList<double>> Vectors { get; }

    internal ColourAxes(double[] values, double[][] vectors)
    {
        Values = values;
        Vectors = vectors;
    }

    /// <summary>Axes of a covariance matrix by Jacobi's rotations; only +, -, *, / and sqrt, so the same bits everywhere.</summary>
    /// <param name="covariance">Symmetric [3, 3].</param>
    internal static ColourAxes Of(double[,] covariance)
    {
        var a = (double[,])covariance.Clone();
        double[,] v = { { 1, 0, 0 }, { 0, 1, 0 }, { 0, 0, 1 } };
        for (int sweep = 0; sweep < 32; sweep++)
            for (int p = 0; p < 2; p++)
                for (int q = p + 1; q < 3; q++)
                    Rotate(a, v, p, q);

        int[] order = [0, 1, 2];
        Array.Sort(order, (x, y) => a[y, y].CompareTo(a[x, x]));
        return new ColourAxes(
            order.Select(i => Math.Max(0, a[i, i])).ToArray(),
            order.Select(i => Upright([v[0, i], v[1, i], v[2, i]])).ToArray());
    }

    /// <summary>One rotation that makes a[p, q] zero.</summary>
    static void Rotate(double[,] a, double[,] v, int p, int q)
    {
        if (a[p, q] == 0) return;
        double theta = (a[q, q] - a[p, p]) / (2 * a[p, q]);
        double t = (theta < 0 ? -1 : 1) / (Math.Abs(theta) + Math.Sqrt(theta * theta + 1));
        double c = 1 / Math.Sqrt(t * t + 1), s = t * c;
        for (int k = 0; k < 3; k++) (a[k, p], a[k, q]) = (c * a[k, p] - s * a[k, q], s * a[k, p] + c * a[k, q]);
        for (int k = 0; k < 3; k++) (a[p, k], a[q, k]) = (c * a[p, k] - s * a[q, k], s * a[p, k] + c * a[q, k]);
        for (int k = 0; k < 3; k++) (v[k, p], v[k, q]) = (c * v[k, p] - s * v[k, q], s * v[k, p] + c * v[k, q]);
        a[p, q] = a[q, p] = 0;
    }

    static double[] Upright(double[] vector)
    {
        double largest = vector.MaxBy(Math.Abs);
        return largest < 0 ? vector.Select(x => -x).ToArray() : vector;
    }
}
