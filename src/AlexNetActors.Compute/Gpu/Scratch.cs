using ILGPU;
using ILGPU.Runtime;

namespace AlexNetActors.Compute.Gpu;

/// <summary>Working memory of a device that grows to the largest need and is then kept.</summary>
sealed class Scratch<T>(SharedAccelerator shared) : IDisposable where T : unmanaged
{
    MemoryBuffer1D<T, Stride1D.Dense>? _buffer;

    public long Bytes => _buffer?.LengthInBytes ?? 0;

    /// <summary>Times it was made.</summary>
    public int Made { get; private set; }

    /// <summary>At least <paramref name="count"/> elements of anything; what a pending kernel still reads is waited for before it goes.</summary>
    public ArrayView<T> Of(long count, AcceleratorStream stream)
    {
        if (_buffer is null || _buffer.Length < count)
        {
            stream.Synchronize();
            _buffer?.Dispose();
            _buffer = null; // there may be no other
            _buffer = shared.Allocate<T>(count, "of working memory");
            Made++;
        }
        return _buffer.View.BaseView.SubView(0, count);
    }

    public void Dispose() => _buffer?.Dispose();
}
