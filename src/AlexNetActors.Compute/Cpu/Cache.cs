using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace AlexNetActors.Compute.Cpu;

/// <summary>Hints that memory will be read soon. They never fault, and do nothing where the runtime has no such instruction.</summary>
internal static unsafe class Cache
{
    public const int LineFloats = 16;

    /// <summary>From so many floats on a result is stored past the caches: by the time it is read it would have left them anyway, and memory
    /// that is only written need not be read first.</summary>
    public const long LargeFloats = 8 << 20;

    /// <summary>Fetches one line into the nearest cache.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch(float* address)
    {
        if (Sse.IsSupported) Sse.Prefetch0(address);
    }

    /// <summary>Fetches part p of n of a stretch into the second cache, so that n pieces of work together fetch what comes after them.</summary>
    public static void PrefetchPart(float* address, nint floats, int part, int parts)
    {
        if (!Sse.IsSupported) return;
        for (nint n = floats * part / parts; n < floats * (part + 1) / parts; n += LineFloats) Sse.Prefetch1(address + n);
    }
}
