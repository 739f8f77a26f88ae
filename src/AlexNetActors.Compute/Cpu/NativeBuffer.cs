using System.Runtime.InteropServices;

namespace AlexNetActors.Compute.Cpu;

/// <summary>Zeroed native memory for floats, on huge pages where they pay and Linux gives them.</summary>
internal sealed unsafe partial class NativeBuffer : IDisposable
{
    const int HugePage = 2 << 20, Page = 4 << 10, CacheLine = 64, AdviseHugePage = 14;

    readonly void* block;

    public NativeBuffer(long floats)
    {
        Floats = floats;
        nuint bytes = (nuint)floats * sizeof(float), alignment = bytes >= HugePage ? (nuint)HugePage : CacheLine;
        bytes = (bytes + alignment - 1) / alignment * alignment;
        // The system's pages come zeroed, so nobody has to write them again.
        block = NativeMemory.AllocZeroed(bytes + alignment);
        Pointer = (float*)(((nuint)block + alignment - 1) / alignment * alignment);
        // Only advice: a kernel that refuses it costs speed, not correctness.
        if (alignment == HugePage && OperatingSystem.IsLinux()) _ = Advise(Pointer, bytes, AdviseHugePage);
        // The system finds the memory now, not in the middle of the first step.
        for (nuint at = 0; at < bytes; at += Page) *(byte*)((nuint)Pointer + at) = 0;
    }

    public long Floats { get; }

    public float* Pointer { get; private set; }

    public void Dispose()
    {
        if (Pointer != null) NativeMemory.Free(block);
        Pointer = null;
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* address, nuint length, int advice);
}
