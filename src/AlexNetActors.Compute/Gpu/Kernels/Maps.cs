using ILGPU;

namespace AlexNetActors.Compute.Gpu;

/// <summary>
/// Local response normalisation and pooling, on maps [C, H, W, B]. What neighbours share comes from the cache. Loops count addresses up,
/// for ILGPU moves what it can compute to where it is used: a division before a loop would be made in every turn of it.
/// </summary>
static class Maps
{
    /// <summary>output = a / (k + alpha * sum of a^2 over the window's channels)^0.75 (paper section 3.3).</summary>
    /// <param name="count">Elements.</param>
    /// <param name="s">Shape and constants.</param>
    /// <param name="input">[C, plane]</param>
    /// <param name="output">[C, plane]</param>
    public static void Normalize(int count, NormShape s, ArrayView<float> input, ArrayView<float> output)
    {
        int step = Grid.DimX * Group.DimX;
        for (int i = Grid.IdxX * Group.DimX + Group.IdxX; i < count; i += step)
            output[i] = input[i] * InverseNorm(Norm(input, s, i / s.Plane, i));
    }

    /// <summary>
    /// shares = dO a d^(-b - 1): what each window adds to the gradients of its channels. Kept, since each is wanted by every channel of its
    /// window, and a norm is the dear part.
    /// </summary>
    public static void NormalizeShares(int count, NormShape s, ArrayView<float> input, ArrayView<float> dOutput, ArrayView<float> shares)
    {
        int step = Grid.DimX * Group.DimX;
        for (int i = Grid.IdxX * Group.DimX + Group.IdxX; i < count; i += step)
        {
            float norm = Norm(input, s, i / s.Plane, i);
            shares[i] = dOutput[i] * InverseNorm(norm) * input[i] / norm;
        }
    }

    /// <summary>
    /// dInput = gradient of <see cref="Normalize"/>: dO d^-b - 2 alpha b a * sum of the shares of the windows that hold it; and, if asked, of
    /// the rectifier that made its input.
    /// </summary>
    /// <param name="count">Elements.</param>
    /// <param name="s">Shape and constants.</param>
    /// <param name="rectify">1 when the gradient is 0 wherever the input is not above 0.</param>
    /// <param name="input">[C, plane]</param>
    /// <param name="dOutput">[C, plane]</param>
    /// <param name="shares">[C, plane], of <see cref="NormalizeShares"/>.</param>
    /// <param name="dInput">[C, plane]</param>
    public static void NormalizeBackward(int count, NormShape s, int rectify, ArrayView<float> input, ArrayView<float> dOutput, ArrayView<float> shares, ArrayView<float> dInput)
    {
        int step = Grid.DimX * Group.DimX;
        for (int i = Grid.IdxX * Group.DimX + Group.IdxX; i < count; i += step)
        {
            int c = i / s.Plane, first = IntrinsicMath.Max(c - s.Half, 0), last = IntrinsicMath.Min(c + s.Half, s.Channels - 1);
            float own = dOutput[i] * InverseNorm(Norm(input, s, c, i)), a = input[i], sum = 0;
            for (int j = first, at = i + (first - c) * s.Plane; j <= last; j++, at += s.Plane) sum += shares[at];
            dInput[i] = rectify != 0 && !(a > 0) ? 0 : own - 2 * LocalResponse.Beta * s.Alpha * a * sum;
        }
    }

    static float Norm(ArrayView<float> input, NormShape s, int c, int at)
    {
        int first = IntrinsicMath.Max(c - s.Half, 0), last = IntrinsicMath.Min(c + s.Half, s.Channels - 1);
        float sum = 0;
        for (int j = first, from = at + (first - c) * s.Plane; j <= last; j++, from += s.Plane) sum += input[from] * input[from];
        return s.K + s.Alpha * sum;
    }

    internal static float InverseNorm(float norm)
    {
        float root = MathF.Sqrt(norm);
        return 1 / (root * MathF.Sqrt(root));
    }

    /// <summary>output = maximum over size x size windows every stride pixels (paper section 3.4).</summary>
    public static void MaxPool(int count, PoolShape s, ArrayView<float> input, ArrayView<float> output)
    {
        int step = Grid.DimX * Group.DimX;
        for (int i = Grid.IdxX * Group.DimX + Group.IdxX; i < count; i += step)
        {
            int pixel = i / s.Images, b = i - pixel * s.Images, row = pixel / s.OutputWidth, x = pixel - row * s.OutputWidth;
            int c = row / s.OutputHeight, y = row - c * s.OutputHeight;
            int at = ((c * s.Height + y * s.Stride) * s.Width + x * s.Stride) * s.Images + b;
            float max = float.NegativeInfinity;
            for (int r = 0; r < s.Size; r++, at += (s.Width - s.Size) * s.Images)
                for (int t = 0; t < s.Size; t++, at += s.Images)
                {
                    float value = input[at];
                    max = value > max || float.IsNaN(value) ? value : max; // NaN stays: nothing is above it
                }
            output[i] = max;
        }
    }

    /// <summary>
    /// dInput = gradient of <see cref="MaxPool"/>: each pixel looks at the windows that hold it and takes the gradient of those whose
    /// first maximum it is. Gathered, not scattered: nobody writes where another does. Four images a thread: they share what is reckoned of
    /// places, which is most of the work.
    /// </summary>
    public static void MaxPoolBackward(int count, PoolShape s, ArrayView<Float4> input, ArrayView<Float4> output, ArrayView<Float4> dOutput, ArrayView<Float4> dInput)
    {
        int step = Grid.DimX * Group.DimX, units = s.Images / 4;
        for (int i = Grid.IdxX * Group.DimX + Group.IdxX; i < count; i += step)
        {
            int pixel = i / units, b = i - pixel * units, line = pixel / s.Width, x = pixel - line * s.Width;
            int c = line / s.Height, y = line - c * s.Height;
            int firstY = y < s.Size ? 0 : (y - s.Size) / s.Stride + 1, firstX = x < s.Size ? 0 : (x - s.Size) / s.Stride + 1;
            int row = ((c * s.OutputHeight + firstY) * s.OutputWidth + firstX) * units + b;
            Float4 value = input[i], sum = default;
            for (int oy = firstY, r = y - firstY * s.Stride; r >= 0 && oy < s.OutputHeight; oy++, r -= s.Stride, row += s.OutputWidth * units)
                for (int ox = firstX, t = x - firstX * s.Stride, at = row; t >= 0 && ox < s.OutputWidth; ox++, t -= s.Stride, at += units)
                    sum = AddWhereFirst(sum, s, units, input, i, r, t, value, output[at], dOutput[at]);
            dInput[i] = sum;
        }
    }

    /// <summary>sum + d where the value is the window's maximum and none before (r, t) equals it, in the window that has element <paramref name="i"/> there.</summary>
    static Float4 AddWhereFirst(Float4 sum, PoolShape s, int units, ArrayView<Float4> input, int i, int r, int t, Float4 value, Float4 max, Float4 d)
    {
        bool x = max.X == value.X, y = max.Y == value.Y, z = max.Z == value.Z, w = max.W == value.W;
        if (!(x || y || z || w)) return sum;
        int before = r * s.Size + t, at = i - (r * s.Width + t) * units;
        for (int n = 0, column = 0; n < before; n++, at += units)
        {
            var earlier = input[at];
            x = x && earlier.X != value.X;
            y = y && earlier.Y != value.Y;
            z = z && earlier.Z != value.Z;
            w = w && earlier.W != value.W;
            column++;
            if (column == s.Size)
            {
                column = 0;
                at += (s.Width - s.Size) * units;
            }
        }
        return new(x ? sum.X + d.X : sum.X, y ? sum.Y + d.Y : sum.Y, z ? sum.Z + d.Z : sum.Z, w ? sum.W + d.W : sum.W);
    }
}

/// <summary>A normalisation of maps [Channels, Plane]: the paper's k and alpha, and half of its window, n / 2 channels to either side.</summary>
struct NormShape
{
    public int Channels, Plane, Half;
    public float K, Alpha;
}

/// <summary>A pooling: input [C, Height, Width, Images], output [C, OutputHeight, OutputWidth, Images].</summary>
struct PoolShape
{
    public int Height, Width, OutputHeight, OutputWidth, Images, Size, Stride;
}
