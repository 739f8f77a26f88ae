using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace AlexNetActors.Compute.Cpu;

/// <summary>16 floats: AVX-512.</summary>
internal readonly unsafe struct Simd512(Vector512<float> value) : ISimdVector<Simd512>
{
    readonly Vector512<float> value = value;

    public static int Count => 16;
    public static int Registers => 32;

    public static Simd512 Zero => new(Vector512<float>.Zero);
    public static Simd512 Broadcast(float value) => new(Vector512.Create(value));
    public static Simd512 Load(float* source) => new(Vector512.Load(source));
    public static void Store(Simd512 value, float* destination) => value.value.Store(destination);
    public static void StoreThrough(Simd512 value, float* destination) => value.value.StoreAlignedNonTemporal(destination);

    public static Simd512 operator +(Simd512 a, Simd512 b) => new(a.value + b.value);
    public static Simd512 operator -(Simd512 a, Simd512 b) => new(a.value - b.value);
    public static Simd512 operator *(Simd512 a, Simd512 b) => new(a.value * b.value);
    public static Simd512 operator /(Simd512 a, Simd512 b) => new(a.value / b.value);
    public static Simd512 operator &(Simd512 a, Simd512 b) => new(a.value & b.value);
    public static Simd512 operator |(Simd512 a, Simd512 b) => new(a.value | b.value);
    public static Simd512 AndNot(Simd512 a, Simd512 b) => new(Vector512.AndNot(a.value, b.value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd512 MultiplyAdd(Simd512 a, Simd512 b, Simd512 c) => new(Vector512.MultiplyAddEstimate(a.value, b.value, c.value));

    public static Simd512 Sqrt(Simd512 a) => new(Vector512.Sqrt(a.value));

    // MAXPS gives its second operand if either is NaN, FMAX (ARM) gives NaN: in this order both keep NaN.
    public static Simd512 Rectify(Simd512 a) => new(Vector512.MaxNative(Vector512<float>.Zero, a.value));

    public static Simd512 Max(Simd512 a, Simd512 b) => new(Vector512.Max(a.value, b.value));
    public static Simd512 IsPositive(Simd512 a) => new(Vector512.GreaterThan(a.value, Vector512<float>.Zero));
    public static Simd512 IsEqual(Simd512 a, Simd512 b) => new(Vector512.Equals(a.value, b.value));
}
