using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Runtime;

namespace AlexNetActors.Compute.Gpu;

/// <summary>
/// The pixels' way to the GPU: the largest thing that a step brings. Sent ahead they travel on a stream of their own while the last step
/// still computes. Two places on the GPU take turns: one is read while the other is filled. Enters the accelerator itself, and neither while
/// it waits nor while it copies: the other tower queues its work meanwhile.
/// </summary>
sealed class CropTransfer(SharedAccelerator shared) : IDisposable
{
    readonly AcceleratorStream _stream = shared.OpenStream();
    readonly PinnedMemory _pinned = new(shared);
    readonly Scratch<byte>[] _places = [new(shared), new(shared)];
    byte[]? _ahead;
    int _place; // the one to fill next

    public int Made => _pinned.Made + _places.Sum(p => p.Made);
    public long Bytes => _places.Sum(p => p.Bytes);

    public void SendAhead(byte[] pixels)
    {
        if (ReferenceEquals(pixels, _ahead)) return;
        Send(pixels);
        _ahead = pixels;
    }

    /// <summary>The pixels on the GPU, there when this returns.</summary>
    public ArrayView<byte> Receive(ReadOnlySpan<byte> pixels)
    {
        if (!(_ahead.AsSpan() == pixels)) Send(pixels); // the same memory, not the same values
        _ahead = null;
        _stream.Synchronize();
        _pinned.Free();
        var received = _places[_place].Of(pixels.Length, _stream); // as it was made
        _place = 1 - _place;
        return received;
    }

    void Send(ReadOnlySpan<byte> pixels)
    {
        _stream.Synchronize(); // an earlier one that nobody has asked for
        _pinned.Free();
        Span<byte> pinned;
        ArrayView<byte> place;
        using (shared.Enter())
        {
            pinned = _pinned.Rent<byte>(pixels.Length, _stream);
            place = _places[_place].Of(pixels.Length, _stream);
        }
        pixels.CopyTo(pinned);
        using (shared.Enter()) place.CopyFromCPUUnsafeAsync(_stream, ref MemoryMarshal.GetReference(pinned), pixels.Length);
    }

    public void Dispose()
    {
        _stream.Synchronize(); // what was sent ahead and nobody has asked for
        foreach (var place in _places) place.Dispose();
        _pinned.Dispose();
        _stream.Dispose();
    }
}
