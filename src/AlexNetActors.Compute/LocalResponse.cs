namespace AlexNetActors.Compute;

/// <summary>
/// Constants of local response normalisation (paper section 3.3): b = a / (K + Alpha * sum of a^2 over Window adjacent channels)^Beta.
/// Alpha multiplies the sum; Caffe and PyTorch multiply the mean, so theirs is Window times larger. Beta is 0.75 and fixed:
/// every device computes y^-0.75 as 1 / (sqrt(y) * sqrt(sqrt(y))), which is exact to rounding and the same everywhere.
/// </summary>
public readonly record struct LocalResponse(float K, float Alpha, int Window)
{
    public const float Beta = 0.75f;

    /// <summary>k = 2, n = 5, alpha = 1e-4 (paper section 3.3).</summary>
    public static LocalResponse Paper => new(2f, 1e-4f, 5);
}
