namespace AlexNetActors.Compute.Cpu;

/// <summary>
/// A vector of floats of some width: kernels are written once over this interface and the JIT compiles them once for each struct
/// that implements it, every call inlined. A mask is a vector whose lanes are all ones or all zeros.
/// </summary>
internal unsafe interface ISimdVector<TSelf> where TSelf : struct, ISimdVector<TSelf>
{
    /// <summary>Floats in one vector. Divides 16.</summary>
    static abstract int Count { get; }

    /// <summary>Registers of this width: how tall a tile of accumulators may be.</summary>
    static abstract int Registers { get; }

    static abstract TSelf Zero { get; }
    static abstract TSelf Broadcast(float value);
    static abstract TSelf Load(float* source);
    static abstract void Store(TSelf value, float* destination);

    /// <summary>Stores to aligned memory past the caches: for what is not read again soon.</summary>
    static abstract void StoreThrough(TSelf value, float* destination);

    static abstract TSelf operator +(TSelf a, TSelf b);
    static abstract TSelf operator -(TSelf a, TSelf b);
    static abstract TSelf operator *(TSelf a, TSelf b);
    static abstract TSelf operator /(TSelf a, TSelf b);
    static abstract TSelf operator &(TSelf a, TSelf b);
    static abstract TSelf operator |(TSelf a, TSelf b);

    /// <summary>a &amp; ~b</summary>
    static abstract TSelf AndNot(TSelf a, TSelf b);

    /// <summary>a * b + c, rounded once where the hardware can.</summary>
    static abstract TSelf MultiplyAdd(TSelf a, TSelf b, TSelf c);

    static abstract TSelf Sqrt(TSelf a);

    /// <summary>max(0, a); NaN stays NaN.</summary>
    static abstract TSelf Rectify(TSelf a);

    /// <summary>The greater of both; NaN if either is.</summary>
    static abstract TSelf Max(TSelf a, TSelf b);

    /// <summary>Mask of a &gt; 0; NaN is not.</summary>
    static abstract TSelf IsPositive(TSelf a);

    /// <summary>Mask of a == b.</summary>
    static abstract TSelf IsEqual(TSelf a, TSelf b);
}
