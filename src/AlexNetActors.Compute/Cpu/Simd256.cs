using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace AlexNetActors.Compute.Cpu;

/// <summary>8 floats: AVX2.</summary>
internal readonly unsafe struct Simd256(Vector256<float> value) : ISimdVector<Simd256>
{
    readonly Vector256<float> value = value;

    public static int Count => 8;
    public static int Registers => 16;

    public static Simd256 Zero => new(Vector256<float>.Zero);
    public static Simd256 Broadcast(float value) => new(Vector256.Create(value));
    public static Simd256 Load(float* source) => new(Vector256.Load(source));
    public static void Store(Simd256 value, float* destination) => value.value.Store(destination);
    public static void StoreThrough(Simd256 value, float* destination) => value.value.StoreAlignedNonTemporal(destination);

    public static Simd256 operator +(Simd256 a, Simd256 b) => new(a.value + b.value);
    public static Simd256 operator -(Simd256 a, Simd256 b) => new(a.value - b.value);
    public static Simd256 operator *(Simd256 a, Simd256 b) => new(a.value * b.value);
    public static Simd256 operator /(Simd256 a, Simd256 b) => new(a.value / b.value);
    public static Simd256 operator &(Simd256 a, Simd256 b) => new(a.value & b.value);
    public static Simd256 operator |(Simd256 a, Simd256 b) => new(a.value | b.value);
    public static Simd256 AndNot(Simd256 a, Simd256 b) => new(Vector256.AndNot(a.value, b.value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd256 MultiplyAdd(Simd256 a, Simd256 b, Simd256 c) => new(Vector256.MultiplyAddEstimate(a.value, b.value, c.value));

    public static Simd256 Sqrt(Simd256 a) => new(Vector256.Sqrt(a.value));

    // MAXPS gives its second operand if either is NaN, FMAX (ARM) gives NaN: in this order both keep NaN.
    public static Simd256 Rectify(Simd256 a) => new(Vector256.MaxNative(Vector256<float>.Zero, a.value));

    public static Simd256 Max(Simd256 a, Simd256 b) => new(Vector256.Max(a.value, b.value));
    public static Simd256 IsPositive(Simd256 a) => new(Vector256.GreaterThan(a.value, Vector256<float>.Zero));
    public static Simd256 IsEqual(Simd256 a, Simd256 b) => new(Vector256.Equals(a.value, b.value));
}
