using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Runtime;

namespace AlexNetActors.Compute.Gpu;

/// <summary>
/// Values on their way between canonical order in the host's memory and turned order in the GPU's: through page-locked memory, turned on
/// the GPU. Enters the accelerator itself and never while it waits.
/// </summary>
sealed class HostTransfers(SharedAccelerator shared, WorkQueue queue) : IDisposable
{
    /// <summary>Floats that are copied at once at most.</summary>
    public const int FloatsMax = 1 << 22;

    readonly PinnedMemory _pinned = new(shared);
    readonly Scratch<float> _canonical = new(shared); // on the GPU

    public int Made => _pinned.Made + _canonical.Made;
    public long Bytes => _canonical.Bytes;

    /// <summary>Canonical [columns, rows] into rows [firstRow, firstRow + rows) of a tensor, as many images at a time as are worth a copy.</summary>
    public void Upload(string operation, ReadOnlySpan<float> canonical, GpuTensor destination, int firstRow, int rows)
    {
        Require.Length(operation, "values", canonical.Length, (long)rows * destination.Columns);
        if (destination.Stride == 1) // canonical there as here
        {
            using var _ = shared.Enter();
            var pinned = Pin(canonical);
            destination.View.CopyFromCPUUnsafeAsync(queue.Stream, ref MemoryMarshal.GetReference(pinned), pinned.Length);
            return;
        }
        int columns = ColumnsAtOnce(destination, rows);
        for (int column = 0; column < destination.Columns; column += columns)
            UploadColumns(canonical.Slice(column * rows, Math.Min(columns, destination.Columns - column) * rows), destination, firstRow, rows, column);
    }

    public void UploadColumns(ReadOnlySpan<float> canonical, GpuTensor destination, int firstRow, int rows, int column)
    {
        using var _ = shared.Enter();
        var values = ToDevice(canonical, _canonical);
        var s = new TransposeShape { Rows = canonical.Length / rows, Columns = rows, SourceStride = rows, DestinationStride = destination.Stride };
        queue.Transpose(s, 1, values, destination.View.SubView(firstRow * destination.Stride + column));
    }

    /// <summary>The inverse of <see cref="Upload"/>; waits.</summary>
    public void Download(string operation, GpuTensor source, int firstRow, int rows, Span<float> canonical)
    {
        Require.Length(operation, "values", canonical.Length, (long)rows * source.Columns);
        int columns = ColumnsAtOnce(source, rows);
        for (int column = 0; column < source.Columns; column += columns)
        {
            int count = Math.Min(columns, source.Columns - column);
            Span<float> pinned;
            using (shared.Enter())
            {
                var turned = _canonical.Of(count * rows, queue.Stream);
                queue.Transpose(new TransposeShape { Rows = rows, Columns = count, SourceStride = source.Stride, DestinationStride = rows }, 1, source.View.SubView(firstRow * source.Stride + column), turned);
                pinned = _pinned.Rent<float>(count * rows, queue.Stream);
                turned.CopyToCPUUnsafeAsync(queue.Stream, ref MemoryMarshal.GetReference(pinned), count * rows);
            }
            queue.Synchronize();
            pinned.CopyTo(canonical[(column * rows)..]);
            _pinned.Free();
        }
    }

    static int ColumnsAtOnce(GpuTensor tensor, int rows) => Math.Clamp(FloatsMax / rows, 1, tensor.Columns);

    /// <summary>Through page-locked memory, so that the copy runs behind the call.</summary>
    public ArrayView<T> ToDevice<T>(ReadOnlySpan<T> values, Scratch<T> scratch) where T : unmanaged => PinnedToDevice(Pin(values), scratch);

    public ArrayView<T> PinnedToDevice<T>(Span<T> pinned, Scratch<T> scratch) where T : unmanaged
    {
        var view = scratch.Of(pinned.Length, queue.Stream);
        view.CopyFromCPUUnsafeAsync(queue.Stream, ref MemoryMarshal.GetReference(pinned), pinned.Length);
        return view;
    }

    Span<T> Pin<T>(ReadOnlySpan<T> values) where T : unmanaged
    {
        var pinned = _pinned.Rent<T>(values.Length, queue.Stream);
        values.CopyTo(pinned);
        return pinned;
    }

    /// <summary>Page-locked memory for values that someone makes on the spot.</summary>
    public Span<T> Rent<T>(int count) where T : unmanaged => _pinned.Rent<T>(count, queue.Stream);

    /// <summary>The stream was waited for.</summary>
    public void Free() => _pinned.Free();

    public void Dispose()
    {
        _pinned.Dispose();
        _canonical.Dispose();
    }
}
