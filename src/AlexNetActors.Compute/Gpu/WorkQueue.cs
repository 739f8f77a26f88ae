using ILGPU;
using ILGPU.Runtime;

namespace AlexNetActors.Compute.Gpu;

/// <summary>A stream of an accelerator and the kernels that are queued on it. Who queues has entered the accelerator; who waits has not.</summary>
sealed class WorkQueue(string device, SharedAccelerator shared) : IDisposable
{
    const int Threads = 128;
    const int GroupsMax = 4096; // of an element-wise kernel: enough to fill any GPU, the rest is its loop

    public SharedAccelerator Shared => shared;
    public AcceleratorStream Stream { get; } = shared.Accelerator.CreateStream();
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

    public void Dispose() => Stream.Dispose();

    /// <summary>An element-wise kernel over so many elements.</summary>
    public static KernelConfig Over(int count) => new(Math.Min(Tiles(count, Threads), GroupsMax), Threads);

    public static int Tiles(int count, int size) => (count + size - 1) / size;

    public static int RoundUp(int count, int multiple) => Tiles(count, multiple) * multiple;
}
