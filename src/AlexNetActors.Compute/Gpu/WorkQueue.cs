using ILGPU;
using ILGPU.Runtime;

namespace AlexNetActors.Compute.Gpu;

/// <summary>A stream of an accelerator and the kernels that are queued on it. Who queues has entered the accelerator; who waits has not.</summary>
sealed class WorkQueue(string device, SharedAccelerator shared) : IDisposable
{
    const int Threads = 128;
    const int GroupsMax = 4096; // of an element-wise kernel: enough to fill any GPU, the rest is its loop

    /// <summary>Elements that a kernel can count: a thread behind the last one has added a whole grid to its index.</summary>
    public const int ElementsMax = int.MaxValue - GroupsMax * Threads;

    readonly Lock _closing = new();
    bool _closed;

    public SharedAccelerator Shared => shared;
    public AcceleratorStream Stream { get; } = shared.OpenStream();
    public KernelSet Kernels => shared.Kernels;

    public void Transpose(TransposeShape s, int matrices, ArrayView<float> source, ArrayView<float> destination) =>
        Kernels.Get<TransposeShape, ArrayView<float>, ArrayView<float>>(Transposition.Transpose)(
            Stream, new KernelConfig(new Index3D(s.Tiles, matrices, 1), new Index3D(Transposition.Threads, 1, 1)), s, source, destination);

    /// <exception cref="DeviceException">What was queued has failed; the device is of no more use.</exception>
    public void Synchronize()
    {
        try
        {
            Stream.Synchronize();
        }
        catch (AcceleratorException e)
        {
            throw DeviceException.Lost(device, e);
        }
    }

    /// <summary>For threads of other devices: who closes a queue has waited for it.</summary>
    public void WaitUnlessClosed()
    {
        lock (_closing)
            if (!_closed) Synchronize();
    }

    public void Dispose()
    {
        lock (_closing)
        {
            _closed = true;
            Stream.Dispose();
        }
    }

    /// <summary>An element-wise kernel over so many elements.</summary>
    public static KernelConfig Over(int count) => new(Math.Min(Tiles(count, Threads), GroupsMax), Threads);

    public static int Tiles(int count, int size) => (count + size - 1) / size;

    public static int RoundUp(int count, int multiple) => Tiles(count, multiple) * multiple;
}
