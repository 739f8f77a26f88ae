using System.Runtime.CompilerServices;

namespace AlexNetActors.Compute.Cpu.Winograd;

/// <summary>
/// The one-dimensional steps of fast convolution (Winograd 1980; Lavin and Gray 2015, arXiv:1509.09308). Outputs y of one tile are a
/// correlation of inputs x with taps g. Seen as polynomials, the product is made at a few points instead of coefficient by coefficient:
/// <code>y = Gather(Evaluate(g) / N * Inputs(x))          dg = Gather(Evaluate(dy) * Inputs(x)) / N</code>
/// <para>The points are 0, 1, -1, 1/2, -1/2, infinity and, for tiles of seven, 2: so the six are the first of the seven, weights are
/// evaluated once for tiles of both sizes, and gradients of both add up point by point. Evaluate is the Vandermonde matrix of the points,
/// Gather its transpose, Inputs the rows of the inverse without their divisors N, which go to the weights.</para>
/// </summary>
internal enum LineTransform
{
    Inputs6, Inputs7,
    Evaluate2At6, Evaluate3At7, Evaluate4At6, Evaluate5At7,
    Gather2From6, Gather3From7, Gather4From6, Gather5From7,

    /// <summary>Of weights, with the divisors N.</summary>
    EvaluateWeights3, EvaluateWeights5, GatherWeights3, GatherWeights5,
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
        LineTransform.Evaluate2At6 => 2,
        LineTransform.Evaluate3At7 or LineTransform.EvaluateWeights3 => 3,
        LineTransform.Evaluate4At6 => 4,
        LineTransform.Evaluate5At7 or LineTransform.EvaluateWeights5 => 5,
        LineTransform.Inputs6 or LineTransform.Gather2From6 or LineTransform.Gather4From6 => 6,
        _ => 7,
    };

    /// <summary>Elements of a line after it.</summary>
    public static int To(this LineTransform transform) => transform switch
    {
        LineTransform.Gather2From6 => 2,
        LineTransform.Gather3From7 or LineTransform.GatherWeights3 => 3,
        LineTransform.Gather4From6 => 4,
        LineTransform.Gather5From7 or LineTransform.GatherWeights5 => 5,
        LineTransform.Inputs6 or LineTransform.Evaluate2At6 or LineTransform.Evaluate4At6 => 6,
        _ => 7,
    };

    public static LineTransform Inputs(int points) => points == 7 ? LineTransform.Inputs7 : LineTransform.Inputs6;

    /// <summary>A tile's outputs, seen as the filter of the gradient by the weights.</summary>
    public static LineTransform Evaluate(int outputs) => LineTransform.Evaluate2At6 + outputs - 2;

    public static LineTransform Gather(int outputs) => LineTransform.Gather2From6 + outputs - 2;

    public static LineTransform EvaluateWeights(int taps) => taps == 3 ? LineTransform.EvaluateWeights3 : LineTransform.EvaluateWeights5;

    public static LineTransform GatherWeights(int taps) => taps == 3 ? LineTransform.GatherWeights3 : LineTransform.GatherWeights5;
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

/// <summary>Length of a polynomial and the number of points it meets: constants to the JIT.</summary>
internal interface ISize
{
    static abstract int Length { get; }
    static abstract int Points { get; }
}

internal readonly struct Size2At6 : ISize { public static int Length => 2; public static int Points => 6; }
internal readonly struct Size3At7 : ISize { public static int Length => 3; public static int Points => 7; }
internal readonly struct Size4At6 : ISize { public static int Length => 4; public static int Points => 6; }
internal readonly struct Size5At7 : ISize { public static int Length => 5; public static int Points => 7; }

/// <summary>Values of a polynomial at the points.</summary>
internal readonly struct Evaluate<TSize> : ILineTransform where TSize : struct, ISize
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Run<TVector, TFrom, TTo>(TFrom from, TTo to)
        where TVector : struct, ISimdVector<TVector> where TFrom : struct, ILine<TFrom> where TTo : struct, ILine<TTo>
    {
        int n = TSize.Length, points = TSize.Points;
        TVector half = TVector.Broadcast(0.5f), quarter = TVector.Broadcast(0.25f), two = TVector.Broadcast(2);
        TVector c0 = from.Load<TVector>(0), c1 = from.Load<TVector>(1), last = from.Load<TVector>(n - 1);
        TVector c2 = n > 2 ? from.Load<TVector>(2) : default, c3 = n > 3 ? from.Load<TVector>(3) : default;
        TVector even = c0, odd = c1, even2 = c0, odd2 = c1;
        if (n == 3 || n == 4) (even, even2) = (c0 + c2, TVector.MultiplyAdd(quarter, c2, c0));
        if (n == 5) (even, even2) = (c0 + (c2 + last), TVector.MultiplyAdd(quarter, TVector.MultiplyAdd(quarter, last, c2), c0));
        if (n > 3) (odd, odd2) = (c1 + c3, TVector.MultiplyAdd(quarter, c3, c1));
        to.Store(0, c0);
        to.Store(1, even + odd);
        to.Store(2, even - odd);
        odd2 *= half;
        to.Store(3, even2 + odd2);
        to.Store(4, even2 - odd2);
        to.Store(5, last);
        if (points == 6) return;
        TVector at2 = last;
        if (n > 4) at2 = TVector.MultiplyAdd(two, at2, c3);
        if (n > 3) at2 = TVector.MultiplyAdd(two, at2, c2);
        to.Store(6, TVector.MultiplyAdd(two, TVector.MultiplyAdd(two, at2, c1), c0));
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
        TVector a = from.Load<TVector>(1), b = from.Load<TVector>(2), sum = a + b, difference = a - b;
        a = from.Load<TVector>(3);
        b = from.Load<TVector>(4);
        TVector sum2 = a + b, difference2 = a - b, infinity = from.Load<TVector>(5);
        TVector at2 = points == 7 ? from.Load<TVector>(6) : default;
        TVector y0 = sum + sum2 + from.Load<TVector>(0), y1 = TVector.MultiplyAdd(TVector.Broadcast(0.5f), difference2, difference);
        TVector y2 = n > 2 ? TVector.MultiplyAdd(TVector.Broadcast(0.25f), sum2, sum) : default;
        TVector y3 = n > 3 ? TVector.MultiplyAdd(TVector.Broadcast(0.125f), difference2, difference) : default;
        TVector y4 = n > 4 ? TVector.MultiplyAdd(TVector.Broadcast(0.0625f), sum2, sum) : default;
        if (points == 7)
        {
            y0 += at2;
            y1 = TVector.MultiplyAdd(TVector.Broadcast(2), at2, y1);
            if (n > 2) y2 = TVector.MultiplyAdd(TVector.Broadcast(4), at2, y2);
            if (n > 3) y3 = TVector.MultiplyAdd(TVector.Broadcast(8), at2, y3);
            if (n > 4) y4 = TVector.MultiplyAdd(TVector.Broadcast(16), at2, y4);
        }
        to.Store(0, y0);
        to.Store(1, n == 2 ? y1 + infinity : y1);
        if (n > 2) to.Store(2, n == 3 ? y2 + infinity : y2);
        if (n > 3) to.Store(3, n == 4 ? y3 + infinity : y3);
        if (n > 4) to.Store(4, y4 + infinity);
    }
}

/// <summary>A line of weights at the points, times 1 / N: N is the product of (point - other) over the other finite points of the six (of the seven, for 2).</summary>
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
