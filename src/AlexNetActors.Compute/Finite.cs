using System.Numerics;
using System.Runtime.InteropServices;

namespace AlexNetActors.Compute;

/// <summary>Looks for infinity and NaN, at the speed of memory.</summary>
public static class Finite
{
    const int Exponent = 0x7F800000; // all ones: IEEE 754-2019, 3.4

    /// <summary>Whether no value is infinite or not a number.</summary>
    public static bool All(ReadOnlySpan<float> values)
    {
        var exponent = new Vector<int>(Exponent);
        var vectors = MemoryMarshal.Cast<float, Vector<int>>(values);
        foreach (var v in vectors)
            if (Vector.EqualsAny(v & exponent, exponent)) return false;
        foreach (float v in values[(vectors.Length * Vector<float>.Count)..])
            if (!float.IsFinite(v)) return false;
        return true;
    }
}
