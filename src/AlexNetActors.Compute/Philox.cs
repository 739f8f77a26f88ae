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
        uint time = (uint)Time, tag = (uint)(Time >> 32) << 16 | (uint)Layer << 8 | (uint)Purpose;
        return Rounds((uint)block, (uint)(block >> 32), time, tag, (uint)Seed, (uint)(Seed >> 32));
    }

    /// <summary>Word number <paramref name="element"/> of the stream: block element / 4, word element % 4.</summary>
    public uint Word(ulong element)
    {
        var (x0, x1, x2, x3) = Block(element >> 2);
        return (element & 3) switch { 0 => x0, 1 => x1, 2 => x2, _ => x3 };
    }

    /// <summary>Uniform in [0, n), for n up to 2^32; the bias is below n / 2^32.</summary>
    public uint Below(ulong element, uint n) => (uint)((ulong)Word(element) * n >> 32);

    /// <summary>Standard normal, a pure function of two words, the same bits on every machine: no libm in it.</summary>
    public double Normal(ulong element)
    {
        var (x0, x1, x2, x3) = Block(element >> 1);
        return (element & 1) == 0 ? Normal(x0, x1) : Normal(x2, x3);
    }

    /// <summary>values[i] = deviation * Normal(first + i), twice as fast: a block holds two.</summary>
    public void FillNormal(ulong first, double deviation, Span<float> values)
    {
        int i = 0;
        if ((first & 1) == 1 && values.Length > 0) values[i++] = (float)(deviation * Normal(first));
        for (; i + 1 < values.Length; i += 2)
        {
            var (x0, x1, x2, x3) = Block(first + (ulong)i >> 1);
            values[i] = (float)(deviation * Normal(x0, x1));
            values[i + 1] = (float)(deviation * Normal(x2, x3));
        }
        if (i < values.Length) values[i] = (float)(deviation * Normal(first + (ulong)i));
    }

    static double Normal(uint high, uint low)
    {
        // 53 bits, centred in their cell: never 0 or 1.
        double uniform = (((ulong)high << 21 | low >> 11) + 0.5) * (1.0 / (1L << 53));
        return DeterministicMath.InverseNormal(uniform);
    }

    internal static (uint, uint, uint, uint) Rounds(uint c0, uint c1, uint c2, uint c3, uint k0, uint k1)
    {
        for (int round = 0; round < 10; round++)
        {
            ulong p0 = 0xD2511F53UL * c0, p1 = 0xCD9E8D57UL * c2;
            (c0, c1, c2, c3) = ((uint)(p1 >> 32) ^ c1 ^ k0, (uint)p1, (uint)(p0 >> 32) ^ c3 ^ k1, (uint)p0);
            k0 += 0x9E3779B9;
            k1 += 0xBB67AE85;
        }
        return (c0, c1, c2, c3);
    }
}
