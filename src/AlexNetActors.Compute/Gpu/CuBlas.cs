using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace AlexNetActors.Compute.Gpu;

/// <summary>
/// NVIDIA's matrix products, where the machine has them: of any version since 11, called by pointers to its functions. One handle a device,
/// one stream a handle and working memory of its own, so that the results are the same every time.
/// <para>What follows expects the accelerator to be entered: cuBLAS works in the context that its thread is bound to.</para>
/// </summary>
sealed unsafe class CuBlas : IDisposable
{
    /// <summary>A directory with the library, such as nvidia/cublas/lib of a Python environment.</summary>
    public const string DirectoryVariable = "ALEXNET_CUBLAS";

    const int WorkspaceBytes = 32 << 20; // what cuBLAS would take on a Hopper GPU, the largest of all

    const int Float32 = 0;                            // cudaDataType
    const int ComputeFloat32 = 68, ComputeTf32 = 77;  // cublasComputeType_t
    const int AnyAlgorithm = -1;                      // cublasGemmAlgo_t

    static readonly string[] Names = OperatingSystem.IsWindows()
        ? ["cublas64_13.dll", "cublas64_12.dll", "cublas64_11.dll"]
        : ["libcublas.so.13", "libcublas.so.12", "libcublas.so.11"];

    const string ToolkitName = "/usr/local/cuda/lib64/libcublas.so";

    readonly nint _library;
    readonly delegate* unmanaged<nint, int, int, int, int, int, float*, nint, int, int, nint, int, int, float*, nint, int, int, int, int, int> _gemm;
    readonly MemoryBuffer1D<byte, Stride1D.Dense> _workspace;
    readonly int _computeType;
    readonly nint _handle;

    /// <summary>The library of this machine, 0 when it has none.</summary>
    /// <exception cref="DeviceException">It is not where the environment says.</exception>
    public static nint Find()
    {
        if (Environment.GetEnvironmentVariable(DirectoryVariable) is { Length: > 0 } directory)
        {
            foreach (string name in Names)
                if (NativeLibrary.TryLoad(Path.Combine(directory, name), out nint named)) return named;
            throw new DeviceException($"{DirectoryVariable} names {directory}, where none of {string.Join(", ", Names)} can be loaded: name the directory of cuBLAS, or unset the variable");
        }
        foreach (string name in (string[])[.. Names, ToolkitName])
            if (NativeLibrary.TryLoad(name, out nint library)) return library;
        return 0;
    }

    /// <param name="library">What <see cref="Find"/> found.</param>
    /// <param name="accelerator">Where the memory is.</param>
    /// <param name="stream">Where its work is queued.</param>
    /// <param name="precision">Of the operands.</param>
    /// <exception cref="DeviceException">It does not work.</exception>
    public CuBlas(nint library, CudaAccelerator accelerator, CudaStream stream, ComputePrecision precision)
    {
        _library = library;
        _computeType = precision == ComputePrecision.Tf32 ? ComputeTf32 : ComputeFloat32;
        _gemm = (delegate* unmanaged<nint, int, int, int, int, int, float*, nint, int, int, nint, int, int, float*, nint, int, int, int, int, int>)Export("cublasGemmEx");
        nint handle;
        Check("cublasCreate", ((delegate* unmanaged<nint*, int>)Export("cublasCreate_v2"))(&handle));
        _handle = handle;
        int version;
        Check("cublasGetVersion", ((delegate* unmanaged<nint, int*, int>)Export("cublasGetVersion_v2"))(handle, &version));
        Version = $"{version / 10000}.{version / 100 % 100}.{version % 100}";
        _workspace = accelerator.Allocate1D<byte>(WorkspaceBytes);
        Check("cublasSetStream", ((delegate* unmanaged<nint, nint, int>)Export("cublasSetStream_v2"))(handle, stream.StreamPtr)); // first: it takes the workspace away
        Check("cublasSetWorkspace", ((delegate* unmanaged<nint, nint, nuint, int>)Export("cublasSetWorkspace_v2"))(handle, _workspace.NativePtr, WorkspaceBytes));
    }

    /// <summary>"12.4.5"</summary>
    public string Version { get; } = "of this machine"; // until it has told

    /// <summary>C = op(A) op(B), of float32.</summary>
    public void Multiply(Gemm p, ArrayView<float> a, ArrayView<float> b, ArrayView<float> c)
    {
        float one = 1, zero = 0;
        Check("cublasGemmEx", _gemm(
            _handle, p.TransposeA ? 1 : 0, p.TransposeB ? 1 : 0, p.M, p.N, p.K, &one,
            a.LoadEffectiveAddressAsPtr(), Float32, p.Lda, b.LoadEffectiveAddressAsPtr(), Float32, p.Ldb, &zero,
            c.LoadEffectiveAddressAsPtr(), Float32, p.Ldc, _computeType, AnyAlgorithm));
    }

    public void Dispose()
    {
        ((delegate* unmanaged<nint, int>)Export("cublasDestroy_v2"))(_handle);
        _workspace.Dispose();
    }

    nint Export(string function) =>
        NativeLibrary.TryGetExport(_library, function, out nint address)
            ? address
            : throw new DeviceException($"this cuBLAS lacks {function}: it must be of version 11 or newer; install one, or let the own kernels multiply");

    void Check(string function, int status)
    {
        if (status != 0) throw new DeviceException($"cuBLAS {Version}: {function} failed with status {status} (cublasStatus_t); let the own kernels multiply instead");
    }
}
