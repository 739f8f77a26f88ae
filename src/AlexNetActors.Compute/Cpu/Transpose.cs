using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace AlexNetActors.Compute.Cpu;

/// <summary>Transposition in blocks of 4 x 4: shuffles of 128 bits exist everywhere.</summary>
internal static unsafe class Transpose
{
    /// <summary>destination[j * destinationRow + i] = source[i * sourceRow + j]</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Copy(float* source, nint sourceRow, int rows, int columns, float* destination, nint destinationRow)
    {
        int rows4 = rows & ~3, columns4 = columns & ~3;
        // Along the longer side: what lies next to each other on the shorter one is then used while it is in the cache.
        if (rows4 > columns4)
            for (int i = 0; i < rows4; i += 4)
                for (int j = 0; j < columns4; j += 4) Block(source + i * sourceRow + j, sourceRow, destination + j * destinationRow + i, destinationRow);
        else
            for (int j = 0; j < columns4; j += 4)
                for (int i = 0; i < rows4; i += 4) Block(source + i * sourceRow + j, sourceRow, destination + j * destinationRow + i, destinationRow);
        for (int j = 0; j < columns; j++)
            for (int i = j < columns4 ? rows4 : 0; i < rows; i++)
                destination[j * destinationRow + i] = source[i * sourceRow + j];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Block(float* s, nint sourceRow, float* d, nint destinationRow)
    {
        var (r0, r1, r2, r3) = (Vector128.Load(s), Vector128.Load(s + sourceRow), Vector128.Load(s + 2 * sourceRow), Vector128.Load(s + 3 * sourceRow));
        var (low0, low1) = (Interleave(r0, r1, false), Interleave(r2, r3, false));
        var (high0, high1) = (Interleave(r0, r1, true), Interleave(r2, r3, true));
        Join(low0, low1, false).Store(d);
        Join(low0, low1, true).Store(d + destinationRow);
        Join(high0, high1, false).Store(d + 2 * destinationRow);
        Join(high0, high1, true).Store(d + 3 * destinationRow);
    }

    // a0 b0 a1 b1, or a2 b2 a3 b3
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector128<float> Interleave(Vector128<float> a, Vector128<float> b, bool upper)
    {
        if (Sse.IsSupported) return upper ? Sse.UnpackHigh(a, b) : Sse.UnpackLow(a, b);
        if (AdvSimd.Arm64.IsSupported) return upper ? AdvSimd.Arm64.ZipHigh(a, b) : AdvSimd.Arm64.ZipLow(a, b);
        return upper ? Vector128.Create(a[2], b[2], a[3], b[3]) : Vector128.Create(a[0], b[0], a[1], b[1]);
    }

    // a0 a1 b0 b1, or a2 a3 b2 b3
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector128<float> Join(Vector128<float> a, Vector128<float> b, bool upper)
    {
        if (Sse.IsSupported) return upper ? Sse.MoveHighToLow(b, a) : Sse.MoveLowToHigh(a, b);
        return upper ? Vector128.Create(a[2], a[3], b[2], b[3]) : Vector128.Create(a[0], a[1], b[0], b[1]);
    }
}
