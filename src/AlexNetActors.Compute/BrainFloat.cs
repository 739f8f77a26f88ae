using System.Numerics;
using System.Runtime.InteropServices;

namespace AlexNetActors.Compute;

/// <summary>bfloat16: the upper half of a float32, its sign, its exponent and 7 bits of its mantissa.</summary>
public static class BrainFloat
{
    const uint ExponentMask = 0x7F80_0000, MagnitudeMask = 0x7FFF_FFFF, QuietBit = 0x0040_0000, UpperHalf = 0xFFFF_0000, JustBelowHalf = 0x7FFF;

    /// <summary>Rounds to the nearest bfloat16, ties to even, in place; infinities stay, what is not a number stays none.</summary>
    public static void Round(Span<float> values)
    {
        var words = MemoryMarshal.Cast<float, uint>(values);
        var vectors = MemoryMarshal.Cast<uint, Vector<uint>>(words);
        foreach (ref var v in vectors)
        {
            var isNumber = Vector.LessThanOrEqual(v & new Vector<uint>(MagnitudeMask), new Vector<uint>(ExponentMask));
            var rounded = v + new Vector<uint>(JustBelowHalf) + ((v >>> 16) & Vector<uint>.One);
            v = Vector.ConditionalSelect(isNumber, rounded, v | new Vector<uint>(QuietBit)) & new Vector<uint>(UpperHalf);
        }
        foreach (ref uint w in words[(vectors.Length * Vector<uint>.Count)..])
            w = ((w & MagnitudeMask) <= ExponentMask ? w + JustBelowHalf + (w >>> 16 & 1) : w | QuietBit) & UpperHalf;
    }

    /// <summary>The upper halves of rounded values.</summary>
    /// <param name="rounded">[n]</param>
    /// <param name="packed">[n], overwritten.</param>
    public static void Pack(ReadOnlySpan<float> rounded, Span<ushort> packed)
    {
        var words = MemoryMarshal.Cast<float, uint>(rounded);
        int i = 0;
        for (; i <= words.Length - 2 * Vector<uint>.Count; i += 2 * Vector<uint>.Count)
            Vector.Narrow(new Vector<uint>(words[i..]) >>> 16, new Vector<uint>(words[(i + Vector<uint>.Count)..]) >>> 16).CopyTo(packed[i..]);
        for (; i < words.Length; i++) packed[i] = (ushort)(words[i] >>> 16);
    }

    /// <summary>The inverse of <see cref="Pack"/>.</summary>
    public static void Unpack(ReadOnlySpan<ushort> packed, Span<float> values)
    {
        var words = MemoryMarshal.Cast<float, uint>(values);
        int i = 0;
        for (; i <= packed.Length - Vector<ushort>.Count; i += Vector<ushort>.Count)
        {
            Vector.Widen(new Vector<ushort>(packed[i..]), out var low, out var high);
            (low << 16).CopyTo(words[i..]);
            (high << 16).CopyTo(words[(i + Vector<uint>.Count)..]);
        }
        for (; i < packed.Length; i++) words[i] = (uint)packed[i] << 16;
    }
}
