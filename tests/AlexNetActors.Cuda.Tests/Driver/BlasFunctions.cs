using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace AlexNetActors.Cuda.Tests.Driver;

/// <summary>cuBLAS's state on a GPU.</summary>
sealed class BlasHandle(CudaContext context) : IInContext
{
    public CudaContext Context => context;
    public CudaStream? Stream { get; set; }
    public (nint Address, nint Bytes) Workspace { get; set; }
}

/// <summary>The functions of libcublas that this program calls, as NVIDIA documents them: products by their definition, in float64, queued on the handle's stream.</summary>
static unsafe class BlasFunctions
{
    const int Float32 = 0, ComputeFloat32 = 68, ComputeTf32 = 77;
    const int ExecutionFailed = 13; // cublasStatus_t, whatever it was
    const int Scribbled = 4096; // bytes of the workspace that a product writes

    static readonly int[] Version = [13, 0, 0];

    [UnmanagedCallersOnly(EntryPoint = "cublasGetProperty")]
    static int GetProperty(int which, int* value) => Serve(() => *value = Version[which], failsWhenLost: false);

    [UnmanagedCallersOnly(EntryPoint = "cublasCreate_v2")]
    static int Create(nint* handle) => Serve(() => *handle = Handles.Add(new BlasHandle(CudaContext.Current)));

    [UnmanagedCallersOnly(EntryPoint = "cublasDestroy_v2")]
    static int Destroy(nint handle) => Serve(() => CudaContext.Current.RequireOwn(Handles.Remove<BlasHandle>(handle).Context, "the handle"));

    /// <summary>Takes the workspace away.</summary>
    [UnmanagedCallersOnly(EntryPoint = "cublasSetStream_v2")]
    static int SetStream(nint handle, nint stream) => Serve(() =>
    {
        var h = Own(handle);
        (h.Stream, h.Workspace) = (Handles.Get<CudaStream>(stream), default);
    });

    [UnmanagedCallersOnly(EntryPoint = "cublasSetWorkspace_v2")]
    static int SetWorkspace(nint handle, nint address, nint bytes) => Serve(() => Own(handle).Workspace = (address, bytes));

    [UnmanagedCallersOnly(EntryPoint = "cublasGemmEx")]
    static int GemmEx(
        nint handle, int transposeA, int transposeB, int m, int n, int k, float* alpha, nint a, int typeA, int lda, nint b, int typeB, int ldb, float* beta, nint c, int typeC, int ldc, int compute, int algorithm) =>
        Serve(() => Queue(handle, [typeA, typeB, typeC], compute, new(transposeA != 0, transposeB != 0, m, n, k, *alpha, a, lda, 0, b, ldb, 0, *beta, c, ldc, 0, 1)));

    [UnmanagedCallersOnly(EntryPoint = "cublasGemmStridedBatchedEx")]
    static int GemmStridedBatchedEx(
        nint handle, int transposeA, int transposeB, int m, int n, int k, float* alpha, nint a, int typeA, int lda, long strideA, nint b, int typeB, int ldb, long strideB, float* beta, nint c, int typeC, int ldc, long strideC, int batch, int compute, int algorithm) =>
        Serve(() => Queue(handle, [typeA, typeB, typeC], compute, new(transposeA != 0, transposeB != 0, m, n, k, *alpha, a, lda, strideA, b, ldb, strideB, *beta, c, ldc, strideC, batch)));

    static int Serve(Action function, bool failsWhenLost = true, [CallerMemberName] string name = "") => ModelledCuda.Serve(function, failsWhenLost, name) == 0 ? 0 : ExecutionFailed;

    static BlasHandle Own(nint handle)
    {
        var h = Handles.Get<BlasHandle>(handle);
        CudaContext.Current.RequireOwn(h.Context, "the handle");
        return h;
    }

    static void Queue(nint handle, int[] types, int compute, Product p)
    {
        var h = Own(handle);
        if (types.Any(t => t != Float32) || compute is not (ComputeFloat32 or ComputeTf32)) throw new CudaRefusal(CudaResult.InvalidValue, $"types {string.Join(", ", types)} computed as {compute} are not modelled");
        if (h.Stream is not { } stream || h.Workspace.Bytes == 0) throw new CudaRefusal(CudaResult.InvalidValue, "a handle without stream or workspace is not modelled");
        var (address, bytes) = h.Workspace;
        stream.Queue("a product of cuBLAS", work =>
        {
            work.Write(address, bytes)[..Scribbled].Fill((byte)work.QueuedAt);
            p.Run(work);
        });
    }

    /// <summary>C = alpha op(A) op(B) + beta C: A, B and C of float32, columns side by side. Where beta is 0 C is not looked at.</summary>
    sealed record Product(bool TransposeA, bool TransposeB, int M, int N, int K, float Alpha, nint A, int Lda, long StrideA, nint B, int Ldb, long StrideB, float Beta, nint C, int Ldc, long StrideC, int Batch)
    {
        public void Run(CudaWork work)
        {
            for (int n = 0; n < Batch; n++)
            {
                var a = Matrix(work, A, n * StrideA, TransposeA ? K : M, TransposeA ? M : K, Lda);
                var b = Matrix(work, B, n * StrideB, TransposeB ? N : K, TransposeB ? K : N, Ldb);
                var c = MemoryMarshal.Cast<byte, float>(work.Write(C + (nint)(n * StrideC * sizeof(float)), Bytes(M, N, Ldc)));
                for (int column = 0; column < N; column++)
                    for (int row = 0; row < M; row++)
                    {
                        double sum = 0;
                        for (int i = 0; i < K; i++) sum += (double)a[TransposeA ? row * Lda + i : i * Lda + row] * b[TransposeB ? i * Ldb + column : column * Ldb + i];
                        ref float value = ref c[column * Ldc + row];
                        value = (float)(Alpha * sum + (Beta == 0 ? 0 : Beta * value));
                    }
            }
        }

        static ReadOnlySpan<float> Matrix(CudaWork work, nint address, long offset, int rows, int columns, int distance) =>
            MemoryMarshal.Cast<byte, float>(work.Read(address + (nint)(offset * sizeof(float)), Bytes(rows, columns, distance)));

        static long Bytes(int rows, int columns, int distance) =>
            distance >= rows ? sizeof(float) * ((long)distance * (columns - 1) + rows) : throw new CudaRefusal(CudaResult.InvalidValue, $"columns of {rows} lie {distance} apart");
    }
}
