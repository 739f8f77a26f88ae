using System.Runtime.CompilerServices;

namespace AlexNetActors.Compute.Cpu.Winograd;

/// <summary>
/// The one-dimensional steps of fast convolution (Winograd 1980; Lavin and Gray 2015, arXiv:1509.09308). Outputs y of one tile are a
/// correlation of inputs x with taps g. Seen as polynomials, the product is made at a few points instead of coefficient by coefficient:
/// <code>y = Gather(Evaluate(g) / N * Inputs(x))          dg = Gather(Evaluate(dy) * Inputs(x)) / N</code>
/// <para>The points are 0, 1, -1, 1/2, -1/2, infinity; tiles of seven have 2 besides, tiles of eight 2 and -2. Smaller tiles have the
/// first points of larger ones, so weights are evaluated once for tiles of all sizes, and gradients of all add up point by point. Evaluate
/// is the Vandermonde matrix of the points, Gather its transpose, Inputs the rows of the inverse without their divisors N, which go to the weights.</para>
/// </summary>
internal enum LineTransform
{
    Inputs6, Inputs7, Inputs8,
    Evaluate3At7, Evaluate4At6, Evaluate4At8, Evaluate5At7,
    Gather3From7, Gather4From6, Gather4From8, Gather5From7,

    /// <summary>Of weights, with the divisors N.</summary>
    EvaluateWeights3At7, EvaluateWeights5At8, GatherWeights3From7, GatherWeights5From8,
}

/// <summary>Where the elements of lines lie.</summary>
internal interface ILine<TSelf>
{
    /// <summary>The same of another line, n floats on.</summary>
    TSelf At(int line, int n);

    TVector Load<TVector>(int index) where TVector : struct, ISimdVector<TVector>;
    void Store<TVector>(int index, TVector value) where TVector : struct, ISimdVector<TVector>;
}

/// <summary>A step as code, compiled once for each kind of line.</summary>
internal interface ILineTransform
{
    static abstract void Run<TVector, TFrom, TTo>(TFrom from, TTo to)
        where TVector : struct, ISimdVector<TVector> where TFrom : struct, ILine<TFrom> where TTo : struct, ILine<TTo>;
}

internal static class LineTransforms
{
    /// <summary>Elements of a line before the transform.</summary>
    public static int From(this LineTransform transform) => transform switch
    {
        LineTransform.Evaluate3At7 or LineTransform.EvaluateWeights3At7 => 3,
        LineTransform.Evaluate4At6 or LineTransform.Evaluate4At8 => 4,
        LineTransform.Evaluate5At7 or LineTransform.EvaluateWeights5At8 => 5,
        LineTransform.Inputs6 or LineTransform.Gather4From6 => 6,
        LineTransform.Inputs8 or LineTransform.Gather4From8 or LineTransform.GatherWeights5From8 => 8,
        _ => 7,
    };

    /// <summary>Elements of a line after it.</summary>
    public static int To(this LineTransform transform) => transform switch
    {
        LineTransform.Gather3From7 or LineTransform.GatherWeights3From7 => 3,
        LineTransform.Gather4From6 or LineTransform.Gather4From8 => 4,
        LineTransform.Gather5From7 or LineTransform.GatherWeights5From8 => 5,
        LineTransform.Inputs6 or LineTransform.Evaluate4At6 => 6,
        LineTransform.Inputs8 or LineTransform.Evaluate4At8 or LineTransform.EvaluateWeights5At8 => 8,
        _ => 7,
    };

    public static LineTransform Inputs(int points) => LineTransform.Inputs6 + points - 6;

    /// <summary>Of a tile's outputs, seen as the filter of the gradient by the weights.</summary>
    public static LineTransform Evaluate(int outputs, int points) => (outputs, points) switch
    {
        (3, 7) => LineTransform.Evaluate3At7,
        (4, 6) => LineTransform.Evaluate4At6,
        (4, 8) => LineTransform.Evaluate4At8,
        _ => LineTransform.Evaluate5At7,
    };

    public static LineTransform Gather(int outputs, int points) => Evaluate(outputs, points) + (LineTransform.Gather3From7 - LineTransform.Evaluate3At7);

    public static LineTransform EvaluateWeights(int taps) => taps == 3 ? LineTransform.EvaluateWeights3At7 : LineTransform.EvaluateWeights5At8;

    public static LineTransform GatherWeights(int taps) => taps == 3 ? LineTransform.GatherWeights3From7 : LineTransform.GatherWeights5From8;
}

/// <summary>
/// Rows of the inverse, for six points: the monic polynomial with every other point as a root, its coefficients applied to x.
/// 1: z (z^2 - 1/4) (z + 1);   1/2: z (z^2 - 1) (z + 1/2);   0: (z^2 - 1) (z^2 - 1/4);   infinity: z (z^2 - 1) (z^2 - 1/4).
/// </summary>
internal readonly struct Inputs6 : ILineTransform
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Run<TVector, TFrom, TTo>(TFrom from, TTo to)
        where TVector : struct, ISimdVector<TVector> where TFrom : struct, ILine<TFrom> where TTo : struct, ILine<TTo>
    {
        TVector quarter = TVector.Broadcast(-0.25f), half = TVector.Broadcast(0.5f), five = TVector.Broadcast(1.25f);
        TVector x1 = from.Load<TVector>(1), x2 = from.Load<TVector>(2), x3 = from.Load<TVector>(3), x4 = from.Load<TVector>(4);
        TVector even = TVector.MultiplyAdd(quarter, x2, x4), odd = TVector.MultiplyAdd(quarter, x1, x3);
        TVector even2 = x4 - x2, odd2 = half * (x3 - x1);
        to.Store(0, even - TVector.MultiplyAdd(quarter, from.Load<TVector>(0), x2));
        to.Store(1, even + odd);
        to.Store(2, even - odd);
        to.Store(3, even2 + odd2);
        to.Store(4, even2 - odd2);
        to.Store(5, from.Load<TVector>(5) - TVector.MultiplyAdd(quarter, x1, five * x3));
    }
}

/// <summary>
/// A seventh point multiplies the others' polynomials by (z - 2): the six of x[j + 1] - 2 x[j], divided by (point - 2) so that N
/// stays theirs; and the new point's own polynomial is infinity's of the six.
/// </summary>
internal readonly struct Inputs7 : ILineTransform
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Run<TVector, TFrom, TTo>(TFrom from, TTo to)
        where TVector : struct, ISimdVector<TVector> where TFrom : struct, ILine<TFrom> where TTo : struct, ILine<TTo>
    {
        TVector quarter = TVector.Broadcast(-0.25f), half = TVector.Broadcast(0.5f), five = TVector.Broadcast(1.25f), two = TVector.Broadcast(-2);
        TVector x1 = from.Load<TVector>(1), x2 = from.Load<TVector>(2), x3 = from.Load<TVector>(3), x4 = from.Load<TVector>(4), x5 = from.Load<TVector>(5);
        to.Store(6, x5 - TVector.MultiplyAdd(five, x3, quarter * x1));
        TVector t0 = TVector.MultiplyAdd(two, from.Load<TVector>(0), x1), t1 = TVector.MultiplyAdd(two, x1, x2), t2 = TVector.MultiplyAdd(two, x2, x3);
        TVector t3 = TVector.MultiplyAdd(two, x3, x4), t4 = TVector.MultiplyAdd(two, x4, x5), t5 = TVector.MultiplyAdd(two, x5, from.Load<TVector>(6));
        TVector even = TVector.MultiplyAdd(quarter, t2, t4), odd = TVector.MultiplyAdd(quarter, t1, t3);
        TVector even2 = t4 - t2, odd2 = half * (t3 - t1);
        to.Store(0, half * (TVector.MultiplyAdd(quarter, t0, t2) - even));
        to.Store(1, TVector.Zero - even - odd);
        to.Store(2, TVector.Broadcast(-1f / 3) * (even - odd));
        to.Store(3, TVector.Broadcast(-2f / 3) * (even2 + odd2));
        to.Store(4, TVector.Broadcast(-2f / 5) * (even2 - odd2));
        to.Store(5, t5 - TVector.MultiplyAdd(five, t3, quarter * t1));
    }
}

/// <summary>Two points more, 2 and -2, multiply the others' polynomials by (z^2 - 4): the six of x[j + 2] - 4 x[j], divided by (point^2 - 4).</summary>
internal readonly struct Inputs8 : ILineTransform
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Run<TVector, TFrom, TTo>(TFrom from, TTo to)
        where TVector : struct, ISimdVector<TVector> where TFrom : struct, ILine<TFrom> where TTo : struct, ILine<TTo>
    {
        TVector quarter = TVector.Broadcast(-0.25f), half = TVector.Broadcast(0.5f), five = TVector.Broadcast(1.25f), four = TVector.Broadcast(-4);
        TVector x1 = from.Load<TVector>(1), x2 = from.Load<TVector>(2), x3 = from.Load<TVector>(3), x4 = from.Load<TVector>(4);
        TVector x5 = from.Load<TVector>(5), x6 = from.Load<TVector>(6);
        TVector low = half * (x5 - TVector.MultiplyAdd(five, x3, quarter * x1)), high = quarter * (TVector.MultiplyAdd(five, x4, quarter * x2) - x6);
        to.Store(6, high + low);
        to.Store(7, high - low);
        TVector t0 = TVector.MultiplyAdd(four, from.Load<TVector>(0), x2), t1 = TVector.MultiplyAdd(four, x1, x3), t2 = TVector.MultiplyAdd(four, x2, x4);
        TVector t3 = TVector.MultiplyAdd(four, x3, x5), t4 = TVector.MultiplyAdd(four, x4, x6), t5 = TVector.MultiplyAdd(four, x5, from.Load<TVector>(7));
        TVector even = TVector.MultiplyAdd(quarter, t2, t4), odd = TVector.MultiplyAdd(quarter, t1, t3);
        TVector even2 = t4 - t2, odd2 = half * (t3 - t1);
        to.Store(0, quarter * (even - TVector.MultiplyAdd(quarter, t0, t2)));
        to.Store(1, TVector.Broadcast(-1f / 3) * (even + odd));
        to.Store(2, TVector.Broadcast(-1f / 3) * (even - odd));
        to.Store(3, TVector.Broadcast(-4f / 15) * (even2 + odd2));
        to.Store(4, TVector.Broadcast(-4f / 15) * (even2 - odd2));
        to.Store(5, t5 - TVector.MultiplyAdd(five, t3, quarter * t1));
    }
}

/// <summary>Length of a polynomial and the number of points it meets: constants to the JIT.</summary>
internal interface ISize
{
    static abstract int Length { get; }
    static abstract int Points { get; }
}

internal readonly struct Size3At7 : ISize { public static int Length => 3; public static int Points => 7; }
internal readonly struct Size4At6 : ISize { public static int Length => 4; public static int Points => 6; }
internal readonly struct Size4At8 : ISize { public static int Length => 4; public static int Points => 8; }
internal readonly struct Size5At7 : ISize { public static int Length => 5; public static int Points => 7; }
internal readonly struct Size5At8 : ISize { public static int Length => 5; public static int Points => 8; }

/// <summary>Values of a polynomial at the points: even and odd powers apart, their sum at a point and their difference at its negative.</summary>
internal readonly struct Evaluate<TSize> : ILineTransform where TSize : struct, ISize
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Run<TVector, TFrom, TTo>(TFrom from, TTo to)
        where TVector : struct, ISimdVector<TVector> where TFrom : struct, ILine<TFrom> where TTo : struct, ILine<TTo>
    {
        int n = TSize.Length, points = TSize.Points;
        TVector half = TVector.Broadcast(0.5f), quarter = TVector.Broadcast(0.25f), two = TVector.Broadcast(2), four = TVector.Broadcast(4);
        TVector c0 = from.Load<TVector>(0), c1 = from.Load<TVector>(1), c2 = from.Load<TVector>(2);
        TVector c3 = n > 3 ? from.Load<TVector>(3) : default, c4 = n > 4 ? from.Load<TVector>(4) : default;
        TVector even = n > 4 ? c0 + (c2 + c4) : c0 + c2, odd = n > 3 ? c1 + c3 : c1;
        TVector evenHalf = TVector.MultiplyAdd(quarter, n > 4 ? TVector.MultiplyAdd(quarter, c4, c2) : c2, c0);
        TVector oddHalf = half * (n > 3 ? TVector.MultiplyAdd(quarter, c3, c1) : c1);
        to.Store(0, c0);
        to.Store(1, even + odd);
        to.Store(2, even - odd);
        to.Store(3, evenHalf + oddHalf);
        to.Store(4, evenHalf - oddHalf);
        to.Store(5, n == 3 ? c2 : n == 4 ? c3 : c4);
        if (points == 6) return;
        TVector evenTwo = TVector.MultiplyAdd(four, n > 4 ? TVector.MultiplyAdd(four, c4, c2) : c2, c0);
        TVector oddTwo = two * (n > 3 ? TVector.MultiplyAdd(four, c3, c1) : c1);
        to.Store(6, evenTwo + oddTwo);
        if (points == 8) to.Store(7, evenTwo - oddTwo);
    }
}

/// <summary>The transpose of <see cref="Evaluate{TSize}"/>: sums over the points.</summary>
internal readonly struct Gather<TSize> : ILineTransform where TSize : struct, ISize
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Run<TVector, TFrom, TTo>(TFrom from, TTo to)
        where TVector : struct, ISimdVector<TVector> where TFrom : struct, ILine<TFrom> where TTo : struct, ILine<TTo>
    {
        int n = TSize.Length, points = TSize.Points;
        TVector a = from.Load<TVector>(1), b = from.Load<TVector>(2), even = a + b, odd = a - b;
        a = from.Load<TVector>(3);
        b = from.Load<TVector>(4);
        TVector evenHalf = a + b, oddHalf = a - b, infinity = from.Load<TVector>(5), evenTwo = default, oddTwo = default;
        if (points > 6) evenTwo = oddTwo = from.Load<TVector>(6);
        if (points == 8)
        {
            b = from.Load<TVector>(7);
            (evenTwo, oddTwo) = (evenTwo + b, oddTwo - b);
        }
        TVector y0 = even + evenHalf + from.Load<TVector>(0);
        to.Store(0, points > 6 ? y0 + evenTwo : y0);
        to.Store(1, Sum(odd, 2, oddHalf, 0.5f, oddTwo));
        TVector y2 = Sum(even, 4, evenHalf, 0.25f, evenTwo);
        to.Store(2, n == 3 ? y2 + infinity : y2);
        if (n == 3) return;
        TVector y3 = Sum(odd, 8, oddHalf, 0.125f, oddTwo);
        to.Store(3, n == 4 ? y3 + infinity : y3);
        if (n == 4) return;
        to.Store(4, Sum(even, 16, evenHalf, 0.0625f, evenTwo) + infinity);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static TVector Sum<TVector>(TVector one, float power, TVector half, float inversePower, TVector two) where TVector : struct, ISimdVector<TVector>
    {
        TVector sum = TVector.MultiplyAdd(TVector.Broadcast(inversePower), half, one);
        return TSize.Points > 6 ? TVector.MultiplyAdd(TVector.Broadcast(power), two, sum) : sum;
    }
}

/// <summary>A line of weights at the points, times 1 / N: N is the product of (point - other) over the other finite points of the six (of the seven, for 2 and -2).</summary>
internal readonly struct DividedByN<TLine>(TLine line) : ILine<DividedByN<TLine>> where TLine : struct, ILine<TLine>
{
    readonly TLine line = line;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public DividedByN<TLine> At(int line, int n) => new(this.line.At(line, n));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVector Load<TVector>(int index) where TVector : struct, ISimdVector<TVector> => TVector.Broadcast(Factor(index)) * line.Load<TVector>(index);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store<TVector>(int index, TVector value) where TVector : struct, ISimdVector<TVector> => line.Store(index, TVector.Broadcast(Factor(index)) * value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static float Factor(int index) => index switch { 0 => 4, 1 or 2 => 2f / 3, 3 or 4 => -8f / 3, 5 => 1, _ => 2f / 45 };
}

/// <summary><see cref="Evaluate{TSize}"/> of weights.</summary>
internal readonly struct EvaluateWeights<TSize> : ILineTransform where TSize : struct, ISize
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Run<TVector, TFrom, TTo>(TFrom from, TTo to)
        where TVector : struct, ISimdVector<TVector> where TFrom : struct, ILine<TFrom> where TTo : struct, ILine<TTo> =>
        Evaluate<TSize>.Run<TVector, TFrom, DividedByN<TTo>>(from, new(to));
}

/// <summary><see cref="Gather{TSize}"/> of a gradient by weights.</summary>
internal readonly struct GatherWeights<TSize> : ILineTransform where TSize : struct, ISize
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Run<TVector, TFrom, TTo>(TFrom from, TTo to)
        where TVector : struct, ISimdVector<TVector> where TFrom : struct, ILine<TFrom> where TTo : struct, ILine<TTo> =>
        Gather<TSize>.Run<TVector, DividedByN<TFrom>, TTo>(new(from), to);
}
