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
    /// What the kind of a device, which names its architecture, ends in with these options: devices of one kind give the same bits. cuBLAS
    /// promises the same only to one version on GPUs of one architecture with as many multiprocessors (its documentation, "Results
    /// Reproducibility"). Nothing for own kernels in float32.
    /// </summary>
    /// <param name="cuBlas">Version of cuBLAS, if it is used.</param>
    /// <param name="multiprocessors">Of the GPU.</param>
    internal string KindSuffix(string? cuBlas, int multiprocessors) =>
        (Precision == ComputePrecision.Float32 ? "" : $"-{Precision.ToString().ToLowerInvariant()}") + (cuBlas == null ? "" : $"-cublas{cuBlas}-{multiprocessors}mp");
}
