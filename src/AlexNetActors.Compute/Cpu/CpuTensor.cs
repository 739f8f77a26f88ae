namespace AlexNetActors.Compute.Cpu;

internal enum CpuLayout
{
    /// <summary>[B / 32][H][W][C][32 images]; images past B are zero.</summary>
    Activation,

    /// <summary>[R][S][C][K]; K rounded up to 16, at least 32; kernels past K are zero.</summary>
    Convolution,

    /// <summary>[K / 32][R][S][C][32 neurons]; neurons past K are zero. (r, s, c) is the order of an activation's features.</summary>
    FullyConnected,

    /// <summary>Canonical.</summary>
    Plain,
}

/// <summary>Memory of one <see cref="CpuDevice"/>. A multiple of 32 floats, the surplus zero, so that no kernel has a remainder.</summary>
internal sealed unsafe class CpuTensor(CpuDevice owner, CpuLayout layout, Shape shape) : Tensor(shape), IDisposable
{
    NativeView? view;

    public CpuDevice Owner => owner;
    public CpuLayout Layout => layout;
    public float* Pointer => Memory.Pointer;

    /// <summary>For threads of another device: <see cref="NativeBuffer.TryHold"/>.</summary>
    public NativeBuffer Memory { get; } = new(FloatsOf(layout, shape));

    public long Floats => Memory.Floats;

    /// <summary>All of it, to send from and to receive into.</summary>
    public Memory<byte> Bytes => (view ??= new NativeView(Memory)).Memory;

    /// <summary>Blocks of 32 images.</summary>
    public int ImageBlocks => BlocksOf32(Shape.Images);

    /// <summary>Kernels that lie next to each other: all of a convolution's, 32 of a fully connected layer's.</summary>
    public int KernelsTogether => layout == CpuLayout.Convolution ? PaddedKernels(Shape.Images) : 32;

    public void Dispose() => Memory.Dispose();

    public static int BlocksOf32(int n) => (n + 31) / 32;

    /// <summary>Kernels of a convolution with the padding: panels of 32 and at most one of 48.</summary>
    public static int PaddedKernels(int kernels) => Math.Max(32, (kernels + 15) / 16 * 16);

    static long FloatsOf(CpuLayout layout, Shape shape) => layout switch
    {
        CpuLayout.Activation or CpuLayout.FullyConnected => (long)BlocksOf32(shape.Images) * 32 * shape.Features,
        CpuLayout.Convolution => (long)PaddedKernels(shape.Images) * shape.Features,
        _ => (shape.Count + 31) / 32 * 32,
    };
}
