using ILGPU;

namespace AlexNetActors.Compute.Gpu;

/// <summary>One thread, one element, the next a whole grid further on. Bound by memory: the arithmetic is free.</summary>
static class Elementwise
{
    /// <summary>dOutput = 0 wherever output is not above 0.</summary>
    public static void RectifyBackward(int count, ArrayView<Float4> output, ArrayView<Float4> dOutput)
    {
        int step = Grid.DimX * Group.DimX;
        for (int i = Grid.IdxX * Group.DimX + Group.IdxX; i < count; i += step)
        {
            Float4 o = output[i], d = dOutput[i];
            dOutput[i] = new(o.X > 0 ? d.X : 0, o.Y > 0 ? d.Y : 0, o.Z > 0 ? d.Z : 0, o.W > 0 ? d.W : 0);
        }
    }

    /// <summary>sums += values</summary>
    public static void Add(int count, ArrayView<Float4> values, ArrayView<Float4> sums)
    {
        int step = Grid.DimX * Group.DimX;
        for (int i = Grid.IdxX * Group.DimX + Group.IdxX; i < count; i += step)
        {
            Float4 v = values[i], s = sums[i];
            sums[i] = new(s.X + v.X, s.Y + v.Y, s.Z + v.Z, s.W + v.W);
        }
    }

    /// <summary>values *= factor</summary>
    public static void Scale(int count, float factor, ArrayView<float> values)
    {
        int step = Grid.DimX * Group.DimX;
        for (int i = Grid.IdxX * Group.DimX + Group.IdxX; i < count; i += step) values[i] *= factor;
    }

    /// <summary>activation[c, b] = 0 where word (firstFeature + c) * images + b of the stream is below the threshold (paper section 4.2).</summary>
    /// <param name="features">Neurons of this tower.</param>
    /// <param name="images">Images.</param>
    /// <param name="stride">Distance of a feature from the next.</param>
    /// <param name="firstFeature">Number of this tower's first neuron in the whole layer.</param>
    /// <param name="threshold">Rate times 2^32.</param>
    /// <param name="key">Of the random numbers: <see cref="Philox"/>'s.</param>
    /// <param name="activation">[C, B]</param>
    public static void Dropout(int features, int images, int stride, int firstFeature, ulong threshold, PhiloxKey key, ArrayView<float> activation)
    {
        int step = Grid.DimX * Group.DimX, count = features * images;
        for (int i = Grid.IdxX * Group.DimX + Group.IdxX; i < count; i += step)
        {
            int c = i / images, b = i - c * images;
            ulong element = (ulong)(firstFeature + c) * (ulong)images + (ulong)b, block = element >> 2;
            var (x0, x1, x2, x3) = Philox.Rounds((uint)block, (uint)(block >> 32), key.Time, key.Tag, key.Seed0, key.Seed1);
            uint word = (uint)element & 3;
            if ((word == 0 ? x0 : word == 1 ? x1 : word == 2 ? x2 : x3) < threshold) activation[c * stride + b] = 0;
        }
    }

    /// <summary>v = momentum * v - decay * rate * w - rate * gradient; w = w + v (paper section 5).</summary>
    public static void Descend(int count, float rate, float momentum, float decayRate, ArrayView<float> gradient, ArrayView<float> velocity, ArrayView<float> weights)
    {
        int step = Grid.DimX * Group.DimX;
        for (int i = Grid.IdxX * Group.DimX + Group.IdxX; i < count; i += step)
        {
            float w = weights[i], v = momentum * velocity[i] - decayRate * w - rate * gradient[i];
            velocity[i] = v;
            weights[i] = w + v;
        }
    }
}

/// <summary>The constant words of a <see cref="Philox"/> stream's counter and key.</summary>
struct PhiloxKey
{
    public uint Time, Tag, Seed0, Seed1;

    public static PhiloxKey Of(Philox random) => new() { Time = (uint)random.Time, Tag = random.Tag, Seed0 = (uint)random.Seed, Seed1 = (uint)(random.Seed >> 32) };
}
