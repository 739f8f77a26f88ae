using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;

namespace AlexNetActors.Compute.Cpu;

/// <summary>4 floats: SSE, or ARM64's AdvSimd, or plain scalar code.</summary>
internal readonly unsafe struct Simd128(Vector128<float> value) : ISimdVector<Simd128>
{
    readonly Vector128<float> value = value;

    public static int Count => 4;
    public static int Registers => AdvSimd.IsSupported ? 32 : 16;

    public static Simd128 Zero => new(Vector128<float>.Zero);
    public static Simd128 Broadcast(float value) => new(Vector128.Create(value));
    public static Simd128 Load(float* source) => new(Vector128.Load(source));
    public static void Store(Simd128 value, float* destination) => value.value.Store(destination);
    public static void StoreThrough(Simd128 value, float* destination) => value.value.StoreAlignedNonTemporal(destination);

    public static Simd128 operator +(Simd128 a, Simd128 b) => new(a.value + b.value);
    public static Simd128 operator -(Simd128 a, Simd128 b) => new(a.value - b.value);
    public static Simd128 operator *(Simd128 a, Simd128 b) => new(a.value * b.value);
    public static Simd128 operator /(Simd128 a, Simd128 b) => new(a.value / b.value);
    public static Simd128 operator &(Simd128 a, Simd128 b) => new(a.value & b.value);
    public static Simd128 operator |(Simd128 a, Simd128 b) => new(a.value | b.value);
    public static Simd128 AndNot(Simd128 a, Simd128 b) => new(Vector128.AndNot(a.value, b.value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Simd128 MultiplyAdd(Simd128 a, Simd128 b, Simd128 c) => new(Vector128.MultiplyAddEstimate(a.value, b.value, c.value));

    public static Simd128 Sqrt(Simd128 a) => new(Vector128.Sqrt(a.value));

    // MAXPS gives its second operand if either is NaN, FMAX (ARM) gives NaN: in this order both keep NaN.
    public static Simd128 Rectify(Simd128 a) => new(Vector128.MaxNative(Vector128<float>.Zero, a.value));

    public static Simd128 Max(Simd128 a, Simd128 b) => new(Vector128.Max(a.value, b.value));
    public static Simd128 IsPositive(Simd128 a) => new(Vector128.GreaterThan(a.value, Vector128<float>.Zero));
    public static Simd128 IsEqual(Simd128 a, Simd128 b) => new(Vector128.Equals(a.value, b.value));
}
