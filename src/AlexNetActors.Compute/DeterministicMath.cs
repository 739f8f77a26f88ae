using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace AlexNetActors.Compute;

/// <summary>
/// exp, log and the inverse normal distribution from +, -, *, / and sqrt alone. The C library's differ in the last bit
/// between platforms; these do not, so neither do weights.
/// </summary>
public static class DeterministicMath
{
    const double Ln2High = 6.93147180369123816490e-01, Ln2Low = 1.90821492927058770002e-10;

    /// <summary>e^x with a relative error below 1e-15; 0 below -708, +infinity above 709.</summary>
    public static double Exp(double x)
    {
        if (double.IsNaN(x)) return x;
        if (x < -708) return 0;
        if (x > 709) return double.PositiveInfinity;
        double n = Math.Round(x * 1.4426950408889634);
        double r = x - n * Ln2High - n * Ln2Low;
        // Taylor to r^13 on |r| <= ln2 / 2: the remainder is below 5e-18.
        double sum = 1;
        for (int k = 13; k >= 1; k--) sum = sum * r / k + 1;
        return sum * BitConverter.Int64BitsToDouble((long)(n + 1023) << 52);
    }

    /// <summary>values[i] = Exp(values[i]), bit for bit: eight at a time, which do not wait for each other.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Exp(Span<double> values)
    {
        for (; values.Length >= 8; values = values[8..])
        {
            var (low, high) = (Exp(Vector256.Create<double>(values)), Exp(Vector256.Create<double>(values[4..])));
            low.CopyTo(values);
            high.CopyTo(values[4..]);
        }
        foreach (ref double value in values) value = Exp(value);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector256<double> Exp(Vector256<double> x)
    {
        var n = Vector256.Round(x * 1.4426950408889634);
        var r = x - n * Ln2High - n * Ln2Low;
        var sum = Term(Vector256<double>.One, r, 13);
        sum = Term(sum, r, 12);
        sum = Term(sum, r, 11);
        sum = Term(sum, r, 10);
        sum = Term(sum, r, 9);
        sum = Term(sum, r, 8);
        sum = Term(sum, r, 7);
        sum = Term(sum, r, 6);
        sum = Term(sum, r, 5);
        sum = Term(sum, r, 4);
        sum = Term(sum, r, 3);
        sum = Term(sum, r, 2);
        sum = sum * r + Vector256<double>.One;
        var power = (Vector256.ConvertToInt64(n + Vector256.Create(1023.0)) << 52).AsDouble();
        var value = Vector256.ConditionalSelect(Vector256.LessThan(x, Vector256.Create(-708.0)), Vector256<double>.Zero, sum * power);
        value = Vector256.ConditionalSelect(Vector256.GreaterThan(x, Vector256.Create(709.0)), Vector256.Create(double.PositiveInfinity), value);
        return Vector256.ConditionalSelect(Vector256.Equals(x, x), value, x); // NaN
    }

    /// <summary>
    /// sum * r / k + 1, bit for bit, without a division: the quotient by the rounded 1 / k is off by a few units of its last place, its remainder is
    /// exact in a fused product, and what that adds rounds to the right quotient, since one by so small a k is never that near the middle of two numbers
    /// (Markstein 1990). Where it is too small for that it is lost in the 1.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector256<double> Term(Vector256<double> sum, Vector256<double> r, double k)
    {
        var product = sum * r;
        if (!Fma.IsSupported && !AdvSimd.Arm64.IsSupported) return product / k + Vector256<double>.One;
        var quotient = product * (1 / k);
        var remainder = Vector256.FusedMultiplyAdd(quotient, Vector256.Create(-k), product);
        return Vector256.FusedMultiplyAdd(remainder, Vector256.Create(1 / k), quotient) + Vector256<double>.One;
    }

    /// <summary>Natural logarithm of a positive normal number, relative error below 1e-15.</summary>
    public static double Log(double x)
    {
        if (!(x > 0) || double.IsInfinity(x)) return x == 0 ? double.NegativeInfinity : x > 0 ? x : double.NaN;
        long bits = BitConverter.DoubleToInt64Bits(x);
        int exponent = (int)(bits >> 52) - 1023;
        double m = BitConverter.Int64BitsToDouble(bits & 0xFFFFFFFFFFFFF | 1023L << 52); // [1, 2)
        if (m > 1.4142135623730951) { m /= 2; exponent++; }
        // log m = 2 atanh(s), s = (m - 1) / (m + 1), |s| <= 0.1716
        double s = (m - 1) / (m + 1), s2 = s * s, sum = 0;
        for (int k = 21; k >= 1; k -= 2) sum = sum * s2 + 1.0 / k;
        return exponent * Ln2High + (exponent * Ln2Low + 2 * s * sum);
    }

    /// <summary>Quantile of N(0, 1) at <paramref name="p"/> in (0, 1). Wichura, algorithm AS 241 (PPND16), relative error about 1e-16.</summary>
    public static double InverseNormal(double p)
    {
        double q = p - 0.5;
        if (Math.Abs(q) <= Central)
        {
            double r = CentralSquare - q * q;
            return q * Polynomial(r, CentralNumerator) / Polynomial(r, CentralDenominator);
        }
        double t = Math.Sqrt(-Log(q < 0 ? p : 1 - p)), value = t <= Near
            ? Polynomial(t - NearShift, NearNumerator) / Polynomial(t - NearShift, NearDenominator)
            : Polynomial(t - Near, FarNumerator) / Polynomial(t - Near, FarDenominator);
        return q < 0 ? -value : value;
    }

    /// <summary>values[i] = InverseNormal(values[i]), bit for bit: four at a time where the processor has vectors of 256 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void InverseNormal(Span<double> values)
    {
        const int Together = 256;
        Span<double> tails = stackalloc double[Together + 4];
        Span<byte> places = stackalloc byte[Together];
        for (; Vector256.IsHardwareAccelerated && values.Length >= 4; values = values[Math.Min(Together, values.Length & ~3)..])
        {
            int count = Math.Min(Together, values.Length & ~3), tailCount = 0;
            for (int i = 0; i < count; i += 4)
            {
                var q = Vector256.Create<double>(values.Slice(i, 4)) - Vector256.Create(0.5);
                // One value in seven lies in a tail: those are gathered and done together.
                for (uint far = Vector256.GreaterThan(Vector256.Abs(q), Vector256.Create(Central)).ExtractMostSignificantBits(); far != 0; far &= far - 1)
                {
                    int place = i + BitOperations.TrailingZeroCount(far);
                    places[tailCount] = (byte)place;
                    tails[tailCount++] = values[place];
                }
                var r = Vector256.Create(CentralSquare) - q * q;
                (q * Polynomial(r, CentralNumerator) / Polynomial(r, CentralDenominator)).CopyTo(values[i..]);
            }
            tails.Slice(tailCount, 4).Fill(0.01); // any tail: the last four may be fewer
            for (int i = 0; i < tailCount; i += 4) InverseNormalTail(tails.Slice(i, 4));
            for (int i = 0; i < tailCount; i++) values[places[i]] = tails[i];
        }
        foreach (ref double value in values) value = InverseNormal(value);
    }

    /// <summary>Four values of which each lies in a tail.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void InverseNormalTail(Span<double> values)
    {
        var half = Vector256.Create(0.5);
        var p = Vector256.Create<double>(values);
        var low = Vector256.LessThan(p - half, Vector256<double>.Zero);
        var t = Vector256.Sqrt(-Log(Vector256.ConditionalSelect(low, p, Vector256<double>.One - p)));
        if (Vector256.GreaterThanAny(t, Vector256.Create(Near))) // once in 10^10
        {
            foreach (ref double one in values) one = InverseNormal(one);
            return;
        }
        t -= Vector256.Create(NearShift);
        var value = Polynomial(t, NearNumerator) / Polynomial(t, NearDenominator);
        Vector256.ConditionalSelect(low, -value, value).CopyTo(values);
    }

    /// <summary><see cref="Log(double)"/> of positive normal numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector256<double> Log(Vector256<double> x)
    {
        var bits = x.AsInt64();
        var exponent = (bits >> 52) - Vector256.Create(1023L);
        var m = (bits & Vector256.Create(0xFFFFFFFFFFFFF) | Vector256.Create(1023L << 52)).AsDouble(); // [1, 2)
        var large = Vector256.GreaterThan(m, Vector256.Create(1.4142135623730951));
        m = Vector256.ConditionalSelect(large, m / 2, m);
        exponent -= large.AsInt64(); // a mask is -1
        Vector256<double> s = (m - Vector256<double>.One) / (m + Vector256<double>.One), s2 = s * s, sum = Vector256<double>.Zero;
        for (int k = 21; k >= 1; k -= 2) sum = sum * s2 + Vector256.Create(1.0 / k);
        var e = Vector256.ConvertToDouble(exponent);
        return e * Ln2High + (e * Ln2Low + 2 * s * sum);
    }

    // Algorithm AS 241: three ranges, each a quotient of polynomials, lowest power first.
    const double Central = 0.425, CentralSquare = 0.180625, Near = 5, NearShift = 1.6;

    static ReadOnlySpan<double> CentralNumerator => [3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3];
    static ReadOnlySpan<double> CentralDenominator => [1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3, 2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3];
    static ReadOnlySpan<double> NearNumerator => [1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0, 1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4];
    static ReadOnlySpan<double> NearDenominator => [1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1, 1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9];
    static ReadOnlySpan<double> FarNumerator => [6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0, 2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7];
    static ReadOnlySpan<double> FarDenominator => [1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2, 7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15];

    /// <summary>c0 + c1 x + ... + c7 x^7 by Horner's rule, written out: half of all initial weights' time is spent here.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static double Polynomial(double x, ReadOnlySpan<double> c) =>
        ((((((c[7] * x + c[6]) * x + c[5]) * x + c[4]) * x + c[3]) * x + c[2]) * x + c[1]) * x + c[0];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector256<double> Polynomial(Vector256<double> x, ReadOnlySpan<double> c) =>
        ((((((Vector256.Create(c[7]) * x + Vector256.Create(c[6])) * x + Vector256.Create(c[5])) * x + Vector256.Create(c[4])) * x
            + Vector256.Create(c[3])) * x + Vector256.Create(c[2])) * x + Vector256.Create(c[1])) * x + Vector256.Create(c[0]);
}
