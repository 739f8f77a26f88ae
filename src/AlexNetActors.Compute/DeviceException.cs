using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace AlexNetActors.Compute;

/// <summary>A device that cannot go on: out of memory, lost, or its driver refused. The message says which device, what was asked for and what to do.</summary>
public sealed class DeviceException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>What a GPU's driver says while it computes, at whatever call it says so: that GPU is of no more use. Anything else is as it was.</summary>
    public static Exception From(Exception e) => e is AcceleratorException ? Lost("the GPU", e) : e;

    /// <summary>
    /// Whether CUDA is over for this process, which any call may be the first to hear (CUDA Driver API, cudaError_enum: "the process must be terminated and
    /// relaunched").
    /// </summary>
    internal static bool IsLoss(Exception e) => e is CudaException cuda && Enum.TryParse(cuda.Error, out CudaError error) && error is
        CudaError.CUDA_ERROR_ECC_UNCORRECTABLE or CudaError.CUDA_ERROR_ILLEGAL_ADDRESS or CudaError.CUDA_ERROR_LAUNCH_TIMEOUT or CudaError.CUDA_ERROR_ASSERT
        or (>= CudaError.CUDA_ERROR_HARDWARE_STACK_ERROR and <= CudaError.CUDA_ERROR_LAUNCH_FAILED);

    internal static DeviceException Lost(string device, Exception e) => new($"{device} has failed and is lost to this process: {e.Message.TrimEnd('.')}; go on from the last checkpoint with --resume", e);
}
