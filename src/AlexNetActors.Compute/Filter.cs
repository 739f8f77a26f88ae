namespace AlexNetActors.Compute;

/// <summary>
/// Geometry of a convolution as one tower computes it: input [B, C, H, W], weights [K, C, R, S] with R = S = Size, output [B, K, OH, OW].
/// A fully connected layer is the filter that covers its whole input: <c>FullyConnected(C, H, W, neurons)</c> has weights [K, C, H, W] and output [B, K, 1, 1].
/// </summary>
public readonly record struct Filter(int Channels, int Height, int Width, int Kernels, int SizeY, int SizeX, int Stride, int Pad)
{
    public static Filter Convolution(int channels, int height, int width, int kernels, int size, int stride, int pad) =>
        new(channels, height, width, kernels, size, size, stride, pad);

    public static Filter FullyConnected(int channels, int height, int width, int neurons) =>
        new(channels, height, width, neurons, height, width, 1, 0);

    public int OutputHeight => (Height + 2 * Pad - SizeY) / Stride + 1;
    public int OutputWidth => (Width + 2 * Pad - SizeX) / Stride + 1;

    /// <summary>True for a fully connected layer: one output position that sees every input.</summary>
    public bool CoversInput => SizeY == Height && SizeX == Width && Pad == 0;

    public Shape InputShape(int images) => new(images, Channels, Height, Width);
    public Shape OutputShape(int images) => new(images, Kernels, OutputHeight, OutputWidth);
    public Shape WeightsShape => new(Kernels, Channels, SizeY, SizeX);

    /// <summary>Multiply-accumulates for one image, padding taps included.</summary>
    public long MultiplyAccumulates => (long)Kernels * OutputHeight * OutputWidth * Channels * SizeY * SizeX;
}
