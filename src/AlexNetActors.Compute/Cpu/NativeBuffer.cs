using System.Runtime.InteropServices;

namespace AlexNetActors.Compute.Cpu;

/// <summary>Zeroed native memory for floats, on huge pages where they pay and Linux gives them.</summary>
internal sealed unsafe partial class NativeBuffer : IDisposable
{
    const int HugePage = 2 << 20, Page = 4 << 10, CacheLine = 64, AdviseHugePage = 14;

    readonly void* block;
    int holders = 1; // the owner

    /// <exception cref="DeviceException">There is not so much memory.</exception>
    public NativeBuffer(long floats)
    {
        Floats = floats;
        nuint bytes = (nuint)floats * sizeof(float), alignment = bytes >= HugePage ? (nuint)HugePage : CacheLine;
        bytes = (bytes + alignment - 1) / alignment * alignment;
        try
        {
            // The system's pages come zeroed, so nobody has to write them again.
            block = NativeMemory.AllocZeroed(bytes + alignment);
        }
        catch (OutOfMemoryException e)
        {
            throw new DeviceException($"the processor's memory has no room for {bytes:N0} bytes more: use a smaller batch (--set batch=N)", e);
        }
        Pointer = (float*)(((nuint)block + alignment - 1) / alignment * alignment);
        // Only advice: a kernel that refuses it costs speed, not correctness.
        if (alignment == HugePage && OperatingSystem.IsLinux()) _ = Advise(Pointer, bytes, AdviseHugePage);
        // The system finds the memory now, not in the middle of the first step.
        for (nuint at = 0; at < bytes; at += Page) *(byte*)((nuint)Pointer + at) = 0;
    }

    /// <summary>None once it is disposed of.</summary>
    public long Floats { get; private set; }

    public float* Pointer { get; private set; }

    /// <summary>Another thread reads this memory: its owner may go meanwhile, the memory stays until <see cref="Release"/>. False when it is gone already.</summary>
    public bool TryHold()
    {
        for (int n = Volatile.Read(ref holders); n > 0; n = Volatile.Read(ref holders))
            if (Interlocked.CompareExchange(ref holders, n + 1, n) == n) return true;
        return false;
    }

    public void Release()
    {
        if (Interlocked.Decrement(ref holders) == 0) NativeMemory.Free(block);
    }

    public void Dispose()
    {
        if (Pointer == null) return;
        Pointer = null;
        Floats = 0;
        Release();
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* address, nuint length, int advice);
}
