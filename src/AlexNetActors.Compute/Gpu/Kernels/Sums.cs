using ILGPU;

namespace AlexNetActors.Compute.Gpu;

/// <summary>Sums over more than one group of threads can see: in two stages, each in a fixed order. No atomics: the order of arrival must not show.</summary>
static class Sums
{
    public const int Threads = 128;

    /// <summary>output[i] = parts[0, i] + parts[1, i] + ..., then bias and rectifier as <see cref="Products.Convolve"/> would have done.</summary>
    /// <param name="count">Elements of a part, in units of four.</param>
    /// <param name="partCount">Parts.</param>
    /// <param name="rowLength">Units that share a bias.</param>
    /// <param name="addBias">1 or 0.</param>
    /// <param name="rectify">1 or 0.</param>
    /// <param name="parts">[parts, count]</param>
    /// <param name="bias">[count / rowLength]</param>
    /// <param name="output">[count]</param>
    public static void SumParts(int count, int partCount, int rowLength, int addBias, int rectify, ArrayView<Float4> parts, ArrayView<float> bias, ArrayView<Float4> output)
    {
        int step = Grid.DimX * Group.DimX;
        for (int i = Grid.IdxX * Group.DimX + Group.IdxX; i < count; i += step)
        {
            var sum = parts[i];
            for (int p = 1; p < partCount; p++)
            {
                var part = parts[p * count + i];
                sum = new(sum.X + part.X, sum.Y + part.Y, sum.Z + part.Z, sum.W + part.W);
            }
            output[i] = Products.Finish(sum, addBias != 0 ? bias[i / rowLength] : 0, rectify);
        }
    }

    /// <summary>sums[r, p] = sum of part p of row r. Grid: rows, parts.</summary>
    /// <param name="rowLength">Floats of a row.</param>
    /// <param name="partLength">Floats of a part.</param>
    /// <param name="values">[rows, rowLength]</param>
    /// <param name="sums">[rows, parts]</param>
    public static void SumRows(int rowLength, int partLength, ArrayView<float> values, ArrayView<float> sums)
    {
        var partial = SharedMemory.Allocate<float>(Threads);
        int thread = Group.IdxX, row = Grid.IdxX, from = Grid.IdxY * partLength, to = IntrinsicMath.Min(from + partLength, rowLength);
        float sum = 0;
        for (int i = from + thread; i < to; i += Threads) sum += values[row * rowLength + i];
        partial[thread] = sum;
        Group.Barrier();
        for (int half = Threads / 2; half > 0; half /= 2)
        {
            if (thread < half) partial[thread] += partial[thread + half];
            Group.Barrier();
        }
        if (thread == 0) sums[row * Grid.DimY + Grid.IdxY] = partial[0];
    }

    /// <summary>sums[r] = the sum of its parts in order. One thread a row: there are few.</summary>
    public static void SumRowParts(int rows, int partCount, ArrayView<float> parts, ArrayView<float> sums)
    {
        int step = Grid.DimX * Group.DimX;
        for (int row = Grid.IdxX * Group.DimX + Group.IdxX; row < rows; row += step)
        {
            float sum = 0;
            for (int p = 0; p < partCount; p++) sum += parts[row * partCount + p];
            sums[row] = sum;
        }
    }
}
