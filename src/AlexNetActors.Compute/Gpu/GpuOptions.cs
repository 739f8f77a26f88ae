namespace AlexNetActors.Compute.Gpu;

/// <summary>How the products of convolutions and fully connected layers are computed. Everything else is float32 always.</summary>
public enum ComputePrecision
{
    Float32,

    /// <summary>On tensor cores: operands rounded to a mantissa of 10 bits, sums in float32. CUDA, compute capability 8.0 and newer.</summary>
    Tf32,
}

/// <summary>Who multiplies the matrices of fully connected layers, and those at the points of fast convolution.</summary>
public enum BlasChoice
{
    /// <summary>cuBLAS where the machine has it.</summary>
    Auto,
    CuBlas,

    /// <summary>The kernels that convolutions use.</summary>
    Own,
}

/// <summary>What may be chosen of a GPU. Tensor cores convolve directly, whatever is chosen: what they round away is more than fast convolution can lose.</summary>
public sealed record GpuOptions(ComputePrecision Precision = ComputePrecision.Float32, BlasChoice Blas = BlasChoice.Auto, ConvolutionMethod Convolution = ConvolutionMethod.Fast);

/// <summary>What was chosen, as this machine has it.</summary>
/// <param name="Precision">Of products.</param>
/// <param name="CuBlas">Multiplies for fully connected layers and at the points of fast convolution; null when the own kernels do.</param>
/// <param name="Convolution">Direct on tensor cores.</param>
sealed record GpuChoice(ComputePrecision Precision, CuBlasLibrary? CuBlas, ConvolutionMethod Convolution)
{
    /// <summary>"own kernels, float32, fast convolution; its products and fully connected layers by cuBLAS 12.4.5"</summary>
    public string Description =>
        (Precision == ComputePrecision.Tf32 ? "own kernels, tf32 on tensor cores" : $"own kernels, float32, {Convolution.ToString().ToLowerInvariant()} convolution") + (CuBlas is null ? "" : $"; {(Convolution == ConvolutionMethod.Fast ? "its products and " : "")}fully connected layers by cuBLAS {CuBlas.Version}");

    /// <summary>
    /// What the kind of a device ends in: devices of one kind give the same bits. cuBLAS promises the same bits only to one version on one
    /// architecture with as many multiprocessors (its documentation, "Results Reproducibility").
    /// </summary>
    public string KindSuffix(int multiprocessors) =>
        (Precision == ComputePrecision.Float32 ? "" : $"-{Precision.ToString().ToLowerInvariant()}") + (Convolution == ConvolutionMethod.Fast ? "-fast" : "") + (CuBlas is null ? "" : $"-cublas{CuBlas.Version}x{multiprocessors}");
}
