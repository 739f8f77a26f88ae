using System.Runtime.InteropServices;
using ILGPU.Runtime;

namespace AlexNetActors.Compute.Gpu;

/// <summary>
/// Page-locked memory of the host that copies start from and end in. Handed out from the front and free again when the stream has been
/// waited for; grows to the largest need.
/// </summary>
sealed class PinnedMemory(SharedAccelerator shared) : IDisposable
{
    const int Alignment = 64;

    PageLockedArray1D<byte>? _memory;
    int _used;

    /// <summary>Times it was made.</summary>
    public int Made { get; private set; }

    /// <summary>Memory that nobody uses until <see cref="Free"/>; when there is not enough left, what is under way is waited for.</summary>
    public Span<T> Rent<T>(int count, AcceleratorStream stream) where T : unmanaged
    {
        int bytes = checked(count * Marshal.SizeOf<T>());
        if (_memory is null || _used + bytes > _memory.Length)
        {
            stream.Synchronize();
            _used = 0;
            if (_memory is null || bytes > _memory.Length)
            {
                _memory?.Dispose();
                _memory = null; // there may be no other
                _memory = shared.PageLock(bytes);
                Made++;
            }
        }
        var rented = _memory.Span.Slice(_used, bytes);
        _used = (_used + bytes + Alignment - 1) / Alignment * Alignment;
        return MemoryMarshal.Cast<byte, T>(rented);
    }

    /// <summary>All of it is free again: the stream was waited for.</summary>
    public void Free() => _used = 0;

    public void Dispose() => _memory?.Dispose();
}
