namespace AlexNetActors.Compute;

/// <summary>Shape of an activation [B, C, H, W], or of a layer's weights [K, C, R, S].</summary>
public readonly record struct Shape(int Images, int Channels, int Height, int Width)
{
    /// <summary>Number of floats.</summary>
    public long Count => (long)Images * Channels * Height * Width;

    /// <summary>Floats in one image: C * H * W.</summary>
    public int Features => Channels * Height * Width;

    public override string ToString() => $"[{Images}, {Channels}, {Height}, {Width}]";
}
