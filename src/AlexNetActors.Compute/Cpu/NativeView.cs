using System.Buffers;

namespace AlexNetActors.Compute.Cpu;

/// <summary>The bytes of a buffer, which stays its owner's: where it is disposed of nobody may use them any more.</summary>
internal sealed unsafe class NativeView(NativeBuffer memory) : MemoryManager<byte>
{
    public override Span<byte> GetSpan() => memory.Pointer is not null
        ? new Span<byte>(memory.Pointer, checked((int)(memory.Floats * sizeof(float))))
        : throw new ObjectDisposedException(nameof(NativeBuffer));

    public override MemoryHandle Pin(int elementIndex = 0) => new(GetSpan().Length >= elementIndex ? (byte*)memory.Pointer + elementIndex : throw new ArgumentOutOfRangeException(nameof(elementIndex)));

    /// <summary>Nothing to do: native memory stays where it is.</summary>
    public override void Unpin() { }

    protected override void Dispose(bool disposing) { }
}
