using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace AlexNetActors.Actors;

/// <summary>An array's bytes, to send from and to receive into. One instance a buffer: <see cref="MemoryManager{T}.Memory"/> allocates nothing.</summary>
sealed class ByteView<T>(T[] array) : MemoryManager<byte> where T : unmanaged
{
    public override Span<byte> GetSpan() => MemoryMarshal.AsBytes(array.AsSpan());

    public override unsafe MemoryHandle Pin(int elementIndex = 0)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)elementIndex, (uint)GetSpan().Length, nameof(elementIndex));
        var handle = GCHandle.Alloc(array, GCHandleType.Pinned);
        return new MemoryHandle((byte*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(array)) + elementIndex, handle);
    }

    /// <summary>Nothing to do: the handle that <see cref="Pin"/> gives frees itself.</summary>
    public override void Unpin() { }

    protected override void Dispose(bool disposing) { }
}
