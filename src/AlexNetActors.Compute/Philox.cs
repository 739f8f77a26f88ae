using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace AlexNetActors.Compute;

/// <summary>What a random number is for. Part of the counter, so that no two purposes ever share a number. Values are stored in runs: never renumber.</summary>
public enum Purpose : byte
{
    Weights = 1,
    Shuffle = 2,
    Crop = 3,
    ColourShift = 4,
    Dropout = 5,
    BuiltInPictures = 6,
}

/// <summary>
/// Philox4x32-10 (Salmon et al., SC 2011): a number is a pure function of (seed, purpose, layer, time, element).
/// There is no state to save, restore or share between threads.
/// </summary>
/// <param name="Seed">The run's seed.</param>
/// <param name="Purpose">What the numbers are for.</param>
/// <param name="Layer">Index of the layer, or 0.</param>
/// <param name="Time">Step, epoch or position in the sample stream.</param>
public readonly record struct Philox(ulong Seed, Purpose Purpose, byte Layer, ulong Time)
{
    /// <summary>The four words of counter block <paramref name="block"/>.</summary>
    public (uint X0, uint X1, uint X2, uint X3) Block(ulong block)
    {
        if (Time >> 48 != 0) throw new ArgumentOutOfRangeException(nameof(Time), Time, "time has 48 bits");
        return Rounds((uint)block, (uint)(block >> 32), (uint)Time, Tag, (uint)Seed, (uint)(Seed >> 32));
    }

    /// <summary>Word number <paramref name="element"/> of the stream: block element / 4, word element % 4.</summary>
    public uint Word(ulong element)
    {
        var (x0, x1, x2, x3) = Block(element >> 2);
        return (element & 3) switch { 0 => x0, 1 => x1, 2 => x2, _ => x3 };
    }

    /// <summary>Uniform in [0, n); the bias is below n / 2^32.</summary>
    public uint Below(ulong element, uint n) => (uint)((ulong)Word(element) * n >> 32);

    /// <summary>Standard normal, a pure function of two words, the same bits on every machine: no libm in it.</summary>
    public double Normal(ulong element)
    {
        var (x0, x1, x2, x3) = Block(element >> 1);
        return (element & 1) == 0 ? Normal(x0, x1) : Normal(x2, x3);
    }

    /// <summary>values[i] = deviation * Normal(first + i), many times as fast.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void FillNormal(ulong first, double deviation, Span<float> values)
    {
        const int Together = 256;
        Span<double> draws = stackalloc double[Together];
        if ((first & 1) == 1 && values.Length > 0) // from here on blocks are whole, but for the last
        {
            values[0] = (float)(deviation * Normal(first++));
            values = values[1..];
        }
        while (values.Length > 0)
        {
            int count = Math.Min(Together, values.Length);
            FillUniform(first >> 1, draws[..((count + 1) & ~1)]);
            DeterministicMath.InverseNormal(draws[..count]);
            int done = 0;
            for (; Avx.IsSupported && done + 4 <= count; done += 4)
                Avx.ConvertToVector128Single(deviation * Vector256.Create<double>(draws[done..])).CopyTo(values[done..]);
            for (; done < count; done++) values[done] = (float)(deviation * draws[done]);
            first += (ulong)count;
            values = values[count..];
        }
    }

    /// <summary>What the two normals of each block are made of, from block <paramref name="block"/> on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    void FillUniform(ulong block, Span<double> values)
    {
        int i = 0;
        if (Avx2.IsSupported && Time >> 48 == 0)
            for (; i + 8 <= values.Length; i += 8, block += 4)
            {
                var (x0, x1, x2, x3) = FourBlocks(block);
                var (even, odd) = (Uniform(x0, x1), Uniform(x2, x3));
                // a0 b0 a2 b2 and a1 b1 a3 b3, then in order
                var (low, high) = (Avx.UnpackLow(even, odd), Avx.UnpackHigh(even, odd));
                Avx.Permute2x128(low, high, 0x20).CopyTo(values[i..]);
                Avx.Permute2x128(low, high, 0x31).CopyTo(values[(i + 4)..]);
            }
        for (; i < values.Length; i += 2, block++)
        {
            var (x0, x1, x2, x3) = Block(block);
            values[i] = Uniform(x0, x1);
            values[i + 1] = Uniform(x2, x3);
        }
    }

    static double Normal(uint high, uint low) => DeterministicMath.InverseNormal(Uniform(high, low));

    const double BelowOne = 1 - 1.0 / (1L << 53); // the last cell's centre would be rounded to 1

    /// <summary>53 bits, centred in their cell: never 0 or 1.</summary>
    static double Uniform(uint high, uint low) => Math.Min((((ulong)high << 21 | low >> 11) + 0.5) * (1.0 / (1L << 53)), BelowOne);

    /// <summary><see cref="Uniform(uint, uint)"/> of words in the low halves of their lanes; every step is exact but the last sum.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector256<double> Uniform(Vector256<ulong> high, Vector256<ulong> low)
    {
        var two52 = Vector256.Create((double)(1L << 52)); // a word in the place of its fraction is 2^52 more
        var whole = ((high | two52.AsUInt64()).AsDouble() - two52) * (1L << 21) + (((low >> 11) | two52.AsUInt64()).AsDouble() - two52);
        return Vector256.Min((whole + Vector256.Create(0.5)) * (1.0 / (1L << 53)), Vector256.Create(BelowOne));
    }

    /// <summary><see cref="Block"/> of four blocks, each word in the low half of its lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    (Vector256<ulong> X0, Vector256<ulong> X1, Vector256<ulong> X2, Vector256<ulong> X3) FourBlocks(ulong block)
    {
        var word = Vector256.Create<ulong>(uint.MaxValue);
        var blocks = Vector256.Create(block) + Vector256.Create(0UL, 1, 2, 3);
        Vector256<ulong> c0 = blocks & word, c1 = blocks >> 32, c2 = Vector256.Create(Time & uint.MaxValue), c3 = Vector256.Create((ulong)Tag);
        Vector256<ulong> k0 = Vector256.Create(Seed & uint.MaxValue), k1 = Vector256.Create(Seed >> 32);
        var (m0, m1) = (Vector256.Create(Multiplier0).AsUInt32(), Vector256.Create(Multiplier1).AsUInt32());
        for (int round = 0; round < RoundCount; round++)
        {
            var (p0, p1) = (Avx2.Multiply(c0.AsUInt32(), m0), Avx2.Multiply(c2.AsUInt32(), m1)); // of the low halves
            (c0, c1, c2, c3) = ((p1 >> 32) ^ c1 ^ k0, p1 & word, (p0 >> 32) ^ c3 ^ k1, p0 & word);
            k0 = (k0 + Vector256.Create<ulong>(Weyl0)) & word;
            k1 = (k1 + Vector256.Create<ulong>(Weyl1)) & word;
        }
        return (c0, c1, c2, c3);
    }

    const int RoundCount = 10;
    const ulong Multiplier0 = 0xD2511F53, Multiplier1 = 0xCD9E8D57;
    const uint Weyl0 = 0x9E3779B9, Weyl1 = 0xBB67AE85;

    internal uint Tag => (uint)(Time >> 32) << 16 | (uint)Layer << 8 | (uint)Purpose;

    internal static (uint, uint, uint, uint) Rounds(uint c0, uint c1, uint c2, uint c3, uint k0, uint k1)
    {
        for (int round = 0; round < RoundCount; round++)
        {
            ulong p0 = Multiplier0 * c0, p1 = Multiplier1 * c2;
            (c0, c1, c2, c3) = ((uint)(p1 >> 32) ^ c1 ^ k0, (uint)p1, (uint)(p0 >> 32) ^ c3 ^ k1, (uint)p0);
            k0 += Weyl0;
            k1 += Weyl1;
        }
        return (c0, c1, c2, c3);
    }
}
