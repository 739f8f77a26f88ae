using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace AlexNetActors.Compute.Gpu;

/// <summary>
/// NVIDIA's matrix products, where the machine has them: of any version since 11, called by pointers to its functions. One handle a device,
/// one stream a handle and working memory of its own, so that the results are the same every time.
/// <para>What follows expects the accelerator to be entered: cuBLAS works in the context that its thread is bound to.</para>
/// </summary>
sealed unsafe class CuBlas : IBlas
{
    const int WorkspaceBytes = 32 << 20; // what cuBLAS would take on a Hopper GPU, the largest of all

    const int Float32 = 0;                            // cudaDataType
    const int ComputeFloat32 = 68, ComputeTf32 = 77;  // cublasComputeType_t
    const int AnyAlgorithm = -1;                      // cublasGemmAlgo_t

    readonly CuBlasLibrary _library;
    readonly CudaStream _stream;
    readonly delegate* unmanaged<nint, int, int, int, int, int, float*, nint, int, int, nint, int, int, float*, nint, int, int, int, int, int> _gemm;
    readonly delegate* unmanaged<nint, int, int, int, int, int, float*, nint, int, int, long, nint, int, int, long, float*, nint, int, int, long, int, int, int, int> _gemmBatch;
    readonly MemoryBuffer1D<byte, Stride1D.Dense> _workspace;
    readonly int _computeType;
    readonly nint _handle;

    /// <param name="library">The one of this machine.</param>
    /// <param name="shared">Where it works.</param>
    /// <param name="stream">Where its work is queued.</param>
    /// <param name="precision">Of the operands.</param>
    /// <exception cref="DeviceException">It does not work.</exception>
    public CuBlas(CuBlasLibrary library, SharedAccelerator shared, CudaStream stream, ComputePrecision precision)
    {
        (_library, _stream) = (library, stream);
        _computeType = precision == ComputePrecision.Tf32 ? ComputeTf32 : ComputeFloat32;
        _gemm = (delegate* unmanaged<nint, int, int, int, int, int, float*, nint, int, int, nint, int, int, float*, nint, int, int, int, int, int>)Export("cublasGemmEx");
        _gemmBatch = (delegate* unmanaged<nint, int, int, int, int, int, float*, nint, int, int, long, nint, int, int, long, float*, nint, int, int, long, int, int, int, int>)Export("cublasGemmStridedBatchedEx");
        _workspace = shared.Allocate<byte>(WorkspaceBytes, "for cuBLAS to work in");
        try
        {
            nint handle;
            Check("cublasCreate", ((delegate* unmanaged<nint*, int>)Export("cublasCreate_v2"))(&handle));
            _handle = handle;
            Check("cublasSetStream", ((delegate* unmanaged<nint, nint, int>)Export("cublasSetStream_v2"))(handle, stream.StreamPtr)); // first: it takes the workspace away
            Check("cublasSetWorkspace", ((delegate* unmanaged<nint, nint, nuint, int>)Export("cublasSetWorkspace_v2"))(handle, _workspace.NativePtr, WorkspaceBytes));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public void Multiply(Gemm p, ArrayView<float> a, ArrayView<float> b, ArrayView<float> c)
    {
        float one = 1, beta = p.Add ? 1 : 0;
        int transposeA = p.TransposeA ? 1 : 0, transposeB = p.TransposeB ? 1 : 0;
        nint atA = a.LoadEffectiveAddressAsPtr(), atB = b.LoadEffectiveAddressAsPtr(), atC = c.LoadEffectiveAddressAsPtr();
        if (p.Batch == 1)
            Check("cublasGemmEx", _gemm(
                _handle, transposeA, transposeB, p.M, p.N, p.K, &one, atA, Float32, p.Lda, atB, Float32, p.Ldb, &beta, atC, Float32, p.Ldc, _computeType, AnyAlgorithm));
        else
            Check("cublasGemmStridedBatchedEx", _gemmBatch(
                _handle, transposeA, transposeB, p.M, p.N, p.K, &one, atA, Float32, p.Lda, p.StrideA, atB, Float32, p.Ldb, p.StrideB, &beta, atC, Float32, p.Ldc, p.StrideC, p.Batch, _computeType, AnyAlgorithm));
    }

    public void Dispose()
    {
        if (_handle != 0) ((delegate* unmanaged<nint, int>)Export("cublasDestroy_v2"))(_handle);
        _workspace.Dispose();
    }

    nint Export(string function) => _library.Export(function);

    void Check(string function, int status)
    {
        if (status == 0) return;
        _stream.Synchronize(); // a GPU that is lost says so itself
        throw new DeviceException($"cuBLAS {_library.Version}: {function} failed with status {status} (cublasStatus_t); let the own kernels multiply instead (--set compute.blas=own)");
    }
}
