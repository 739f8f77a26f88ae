using ILGPU;
using ILGPU.Runtime;

namespace AlexNetActors.Compute.Gpu;

enum GpuLayout
{
    /// <summary>[C * H * W][B]; images past B, up to a multiple of 8, are zero in gradients and of no account elsewhere.</summary>
    Activation,

    /// <summary>[C * R * S][K]; kernels past K, up to a multiple of 4, are zero.</summary>
    Weights,

    /// <summary>Canonical.</summary>
    Plain,
}

/// <summary>
/// Memory of a GPU, turned against canonical order: [features, images] or [weights of a kernel, kernels], the columns filled up to a
/// multiple. A plain tensor has one column: it lies in canonical order.
/// </summary>
sealed class GpuTensor(IlgpuDevice owner, GpuLayout layout, Shape shape, MemoryBuffer1D<float, Stride1D.Dense> buffer, int rows, int columns, int stride) : Tensor(shape)
{
    public IlgpuDevice Owner => owner;
    public GpuLayout Layout => layout;

    /// <summary>Values of an image, or weights of a kernel.</summary>
    public int Rows { get; } = rows;

    /// <summary>Images, or kernels.</summary>
    public int Columns { get; } = columns;

    /// <summary>Distance of a row from the next, in floats.</summary>
    public int Stride { get; } = stride;

    public ArrayView<float> View { get; } = buffer.View.BaseView;

    public ArrayView<Float4> View4 => View.Cast<Float4>();

    public int Count => Rows * Stride;
}
