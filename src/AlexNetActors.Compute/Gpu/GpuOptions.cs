namespace AlexNetActors.Compute.Gpu;

/// <summary>How the products of convolutions and fully connected layers are computed. Everything else is float32 always.</summary>
public enum ComputePrecision
{
    Float32,

    /// <summary>On tensor cores: operands rounded to a mantissa of 10 bits, sums in float32. CUDA, compute capability 8.0 and newer.</summary>
    Tf32,
}

/// <summary>Who multiplies the matrices of fully connected layers.</summary>
public enum BlasChoice
{
    /// <summary>cuBLAS where the machine has it.</summary>
    Auto,
    CuBlas,

    /// <summary>The kernels that convolutions use.</summary>
    Own,
}

/// <summary>What may be chosen of a GPU.</summary>
public sealed record GpuOptions(ComputePrecision Precision = ComputePrecision.Float32, BlasChoice Blas = BlasChoice.Auto)
{
    /// <summary>
    /// What the kind of a device of these options ends in: devices of one kind give the same bits. Tensor cores add in an order of their own
    /// in each generation, and cuBLAS promises the same bits only to one version on one architecture with as many multiprocessors
    /// (cuBLAS documentation, "Results Reproducibility"). Own kernels in float32 give the same bits on all: nothing.
    /// </summary>
    /// <param name="cuBlas">Version of cuBLAS, if it is used.</param>
    /// <param name="hardware">Architecture and multiprocessors.</param>
    internal string KindSuffix(string? cuBlas, string hardware) =>
        (Precision == ComputePrecision.Float32 ? "" : $"-{Precision.ToString().ToLowerInvariant()}")
        + (cuBlas == null ? "" : $"-cublas{cuBlas}")
        + (Precision == ComputePrecision.Float32 && cuBlas == null ? "" : $"-{hardware}");
}
