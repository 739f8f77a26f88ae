using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace AlexNetActors.Compute.Cpu;

/// <summary>Zeroed native memory for floats, on huge pages where they pay and Linux gives them.</summary>
internal sealed unsafe partial class NativeBuffer : IDisposable
{
    const int HugePage = 2 << 20, CacheLine = 64, AdviseHugePage = 14;

    public NativeBuffer(long floats)
    {
        Floats = floats;
        nuint bytes = (nuint)floats * sizeof(float), alignment = bytes >= HugePage ? (nuint)HugePage : CacheLine;
        bytes = (bytes + alignment - 1) / alignment * alignment;
        Pointer = (float*)NativeMemory.AlignedAlloc(bytes, alignment);
        // Only advice: a kernel that refuses it costs speed, not correctness.
        if (alignment == HugePage && OperatingSystem.IsLinux()) _ = Advise(Pointer, bytes, AdviseHugePage);
        NativeMemory.Clear(Pointer, bytes);
    }

    public long Floats { get; }

    public float* Pointer { get; private set; }

    public void Dispose()
    {
        NativeMemory.AlignedFree(Pointer);
        Pointer = null;
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* address, nuint length, int advice);
}
