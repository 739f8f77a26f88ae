using ILGPU;

namespace AlexNetActors.Compute.Gpu;

/// <summary>Who multiplies matrices that lie whole in a device's memory: <see cref="CuBlas"/>; in tests, the definition.</summary>
interface IBlas : IDisposable
{
    /// <summary>C = op(A) op(B), of float32, queued where the device's work is.</summary>
    void Multiply(Gemm p, ArrayView<float> a, ArrayView<float> b, ArrayView<float> c);
}

/// <summary>
/// A matrix product as BLAS counts: C = op(A) op(B), C of m x n, k deep, every matrix with its columns side by side. A device keeps its
/// matrices with rows side by side, [features][images] and [features][kernels]: to BLAS each is its transpose, so a fully connected layer's
/// products take the operands in the other order, and nothing is copied or turned. At each point of fast convolution they are a layer's too,
/// with channels for features and tiles times images for images.
/// </summary>
/// <param name="TransposeA">op(A) is the transpose of A.</param>
/// <param name="TransposeB">op(B) is the transpose of B.</param>
/// <param name="M">Rows of C.</param>
/// <param name="N">Columns of C.</param>
/// <param name="K">Columns of op(A).</param>
/// <param name="Lda">Distance of a column of A from the next.</param>
/// <param name="Ldb">Of B.</param>
/// <param name="Ldc">Of C.</param>
/// <param name="Batch">Products side by side, the matrices of each kind one behind the other.</param>
/// <param name="Add">To what C holds: C += op(A) op(B).</param>
readonly record struct Gemm(bool TransposeA, bool TransposeB, int M, int N, int K, int Lda, int Ldb, int Ldc, int Batch = 1, bool Add = false)
{
    /// <summary>Distance of a product's A from the next one's; its B; its C.</summary>
    public long StrideA => (long)Lda * (TransposeA ? M : K);
    public long StrideB => (long)Ldb * (TransposeB ? K : N);
    public long StrideC => (long)Ldc * N;

    // images, kernelStride: with what fills a row up.

    /// <summary>A: input [features][images]. B: weights [features][kernels]. C: output [kernels][images].</summary>
    public static Gemm Forward(int features, int kernels, int kernelStride, int images) => new(false, true, images, kernels, features, images, kernelStride, images);

    /// <summary>A: dOutput [kernels][images]. B: weights [features][kernels]. C: dInput [features][images].</summary>
    public static Gemm BackwardInput(int features, int kernels, int kernelStride, int images) => new(false, false, images, features, kernels, images, kernelStride, images);

    /// <summary>A: dOutput [kernels][images]. B: input [features][images]. C: dWeights [features][kernels].</summary>
    public static Gemm BackwardWeights(int features, int kernels, int kernelStride, int images) => new(true, false, kernels, features, images, images, images, kernelStride);
}
