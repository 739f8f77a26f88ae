using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using AlexNetActors.Tests.Compute.Ptx;
using static AlexNetActors.Cuda.Tests.Driver.ModelledCuda;

namespace AlexNetActors.Cuda.Tests.Driver;

/// <summary>The functions of libcuda that ILGPU calls for this program, as NVIDIA documents them (CUDA Driver API).</summary>
static unsafe class DriverFunctions
{
    const int Version = 12080, Gpus = 2;
    const int PciBus = 33, First = 3; // ILGPU tells GPUs apart by it

    /// <summary>CUdevice_attribute; of those that are not here, 0.</summary>
    static readonly Dictionary<int, int> Attributes = new KeyValuePair<int, int>[]
    {
        new(1, 1024), new(2, 1024), new(3, 1024), new(4, 64),     // threads of a group, at most
        new(5, int.MaxValue), new(6, 65535), new(7, 65535),       // groups of a grid, at most
        new(8, 49152), new(9, 65536), new(12, 65536), new(81, 233472), // shared memory, constants, registers
        new(10, 32), new(16, 4), new(39, 2048),                   // warp, multiprocessors and their threads
        new(19, 1), new(91, 1),                                   // page-locked memory has one address for host and GPU
        new(75, 9), new(76, 0),                                   // compute capability
    }.ToDictionary();

    static readonly Dictionary<int, nint> Texts = [];

    [UnmanagedCallersOnly(EntryPoint = "cuInit")]
    static int Init(int flags) => Serve(() => { }, failsWhenLost: false);

    [UnmanagedCallersOnly(EntryPoint = "cuDriverGetVersion")]
    static int DriverGetVersion(int* version) => Serve(() => *version = Version, failsWhenLost: false);

    [UnmanagedCallersOnly(EntryPoint = "cuGetErrorString")]
    static int GetErrorString(int error, nint* text) => Serve(() => *text = TextOf(error), failsWhenLost: false);

    [UnmanagedCallersOnly(EntryPoint = "cuDeviceGetCount")]
    static int DeviceGetCount(int* count) => Serve(() => *count = Gpus);

    [UnmanagedCallersOnly(EntryPoint = "cuDeviceGet")]
    static int DeviceGet(int* device, int ordinal) => Serve(() => *device = ordinal);

    [UnmanagedCallersOnly(EntryPoint = "cuDeviceGetName")]
    static int DeviceGetName(byte* name, int length, int device) => Serve(() => Encoding.ASCII.GetBytes($"modelled GPU {device}\0", new Span<byte>(name, length)));

    [UnmanagedCallersOnly(EntryPoint = "cuDeviceTotalMem_v2")]
    static int DeviceTotalMem(nint* bytes, int device) => Serve(() => *bytes = (nint)DeviceMemory.BytesMax);

    [UnmanagedCallersOnly(EntryPoint = "cuDeviceGetAttribute")]
    static int DeviceGetAttribute(int* value, int attribute, int device) => Serve(() => *value = attribute == PciBus ? First + device : Attributes.GetValueOrDefault(attribute));

    [UnmanagedCallersOnly(EntryPoint = "cuDeviceCanAccessPeer")]
    static int DeviceCanAccessPeer(int* can, int device, int peer) => Serve(() => *can = device != peer && PeersReach ? 1 : 0);

    [UnmanagedCallersOnly(EntryPoint = "cuCtxCreate_v2")]
    static int CtxCreate(nint* context, int flags, int device) => Serve(() => *context = CudaContext.Create(device));

    [UnmanagedCallersOnly(EntryPoint = "cuCtxDestroy_v2")]
    static int CtxDestroy(nint context) => Serve(() => CudaContext.Destroy(context));

    /// <summary>As it is seen to do on GPUs, it works when the process has lost CUDA; ILGPU's finalizers, which end the process where they fail, rely on it.</summary>
    [UnmanagedCallersOnly(EntryPoint = "cuCtxSetCurrent")]
    static int CtxSetCurrent(nint context) => Serve(() => CudaContext.SetCurrent(context == 0 ? null : Handles.Get<CudaContext>(context)), failsWhenLost: false);

    [UnmanagedCallersOnly(EntryPoint = "cuCtxGetCacheConfig")]
    static int CtxGetCacheConfig(int* configuration) => InContext(_ => *configuration = 0);

    [UnmanagedCallersOnly(EntryPoint = "cuCtxGetSharedMemConfig")]
    static int CtxGetSharedMemConfig(int* configuration) => InContext(_ => *configuration = 1);

    [UnmanagedCallersOnly(EntryPoint = "cuCtxEnablePeerAccess")]
    static int CtxEnablePeerAccess(nint peer, int flags) => InContext(context => context.EnablePeer(Handles.Get<CudaContext>(peer)));

    [UnmanagedCallersOnly(EntryPoint = "cuCtxDisablePeerAccess")]
    static int CtxDisablePeerAccess(nint peer) => InContext(context => context.DisablePeer(Handles.Get<CudaContext>(peer)));

    [UnmanagedCallersOnly(EntryPoint = "cuMemAlloc_v2")]
    static int MemAlloc(nint* address, nint bytes) => InContext(context => *address = DeviceMemory.Allocate(context, bytes));

    [UnmanagedCallersOnly(EntryPoint = "cuMemFree_v2")]
    static int MemFree(nint address) => InContext(context => DeviceMemory.Free(context, address));

    [UnmanagedCallersOnly(EntryPoint = "cuMemHostRegister_v2")]
    static int MemHostRegister(nint address, nint bytes, int flags) => InContext(context => PageLockedMemory.Add(context, address, bytes));

    [UnmanagedCallersOnly(EntryPoint = "cuMemHostUnregister")]
    static int MemHostUnregister(nint address) => InContext(_ => PageLockedMemory.Remove(address));

    [UnmanagedCallersOnly(EntryPoint = "cuMemsetD8Async")]
    static int MemsetD8Async(nint address, byte value, nint bytes, nint stream) => InContext(_ => StreamOf(stream).Queue("a memset", work => work.Write(address, bytes).Fill(value)));

    /// <summary>A stream of another context is no error here, of a launch it is one.</summary>
    [UnmanagedCallersOnly(EntryPoint = "cuMemcpyAsync")]
    static int MemcpyAsync(nint to, nint from, nint bytes, nint stream) => InContext(_ =>
    {
        var s = StreamOf(stream);
        switch (DeviceMemory.Holds(from), DeviceMemory.Holds(to))
        {
            case (true, true):
                s.Queue("a copy on the device", work => work.Read(from, bytes).CopyTo(work.Write(to, bytes)));
                break;
            case (false, true) when PageLockedMemory.Holds(from, bytes):
                s.Queue("a copy to the device", work => PageLockedMemory.At(from, bytes).CopyTo(work.Write(to, bytes)));
                break;
            case (false, true): // through memory of the driver's, before this returns
                byte[] staged = new Span<byte>((void*)from, (int)bytes).ToArray();
                s.Queue("a copy to the device", work => staged.CopyTo(work.Write(to, bytes)));
                break;
            case (true, false) when PageLockedMemory.Holds(to, bytes):
                s.Queue("a copy to the host", work => work.Read(from, bytes).CopyTo(PageLockedMemory.At(to, bytes)));
                break;
            case (true, false): // there when this returns
                s.Queue("a copy to the host", work => work.Read(from, bytes).CopyTo(new Span<byte>((void*)to, (int)bytes)));
                s.Synchronize();
                break;
            default: throw new CudaRefusal(CudaResult.InvalidValue, "a copy from host to host");
        }
    });

    [UnmanagedCallersOnly(EntryPoint = "cuStreamCreate")]
    static int StreamCreate(nint* stream, int flags) => InContext(context =>
        *stream = flags == 1 ? Handles.Add(new CudaStream(context)) : throw new CudaRefusal(CudaResult.InvalidValue, "a stream that waits for the NULL stream is not modelled"));

    [UnmanagedCallersOnly(EntryPoint = "cuStreamSynchronize")]
    static int StreamSynchronize(nint stream) => InContext(_ => StreamOf(stream).Synchronize());

    [UnmanagedCallersOnly(EntryPoint = "cuStreamDestroy_v2")]
    static int StreamDestroy(nint stream) => InContext(_ => Handles.Remove<CudaStream>(stream).RequireIdle());

    [UnmanagedCallersOnly(EntryPoint = "cuModuleLoadDataEx")]
    static int ModuleLoadDataEx(nint* module, nint ptx, int options, nint names, nint values) => InContext(context => *module = Handles.Add(new CudaModule(context, Marshal.PtrToStringUTF8(ptx)!)));

    [UnmanagedCallersOnly(EntryPoint = "cuModuleUnload")]
    static int ModuleUnload(nint module) => InContext(context => context.RequireOwn(Handles.Remove<CudaModule>(module).Context, "the module"));

    /// <summary>What is got so is the module itself: it has one kernel.</summary>
    [UnmanagedCallersOnly(EntryPoint = "cuModuleGetFunction")]
    static int ModuleGetFunction(nint* function, nint module, nint name) => InContext(_ =>
    {
        string wanted = Marshal.PtrToStringUTF8(name)!, there = Handles.Get<CudaModule>(module).KernelName;
        *function = wanted == there ? module : throw new CudaRefusal(CudaResult.NotFound, $"the module has {there}, not {wanted}");
    });

    [UnmanagedCallersOnly(EntryPoint = "cuLaunchKernel")]
    static int LaunchKernel(nint function, int gridX, int gridY, int gridZ, int groupX, int groupY, int groupZ, int sharedBytes, nint stream, nint* arguments, nint* extra) => InContext(context =>
    {
        const int End = 0, Pointer = 1, Size = 2; // CU_LAUNCH_PARAM_
        var (module, s) = (Handles.Get<CudaModule>(function), StreamOf(stream));
        context.RequireOwn(module.Context, module.KernelName);
        if (sharedBytes != 0 || arguments != null) throw new CudaRefusal(CudaResult.InvalidValue, "dynamic shared memory and arguments one by one are not modelled");
        if (extra[0] != Pointer || extra[2] != Size || extra[4] != End) throw new CudaRefusal(CudaResult.InvalidValue, "the buffer of parameters is given otherwise");
        module.Launch(new(gridX, gridY, gridZ), new(groupX, groupY, groupZ), new Span<byte>((void*)extra[1], (int)*(nint*)extra[3]).ToArray(), s);
    });

    static int InContext(Action<CudaContext> function, [CallerMemberName] string name = "") => Serve(() => function(CudaContext.Current), name: name);

    static CudaStream StreamOf(nint stream) => stream != 0 ? Handles.Get<CudaStream>(stream) : throw new CudaRefusal(CudaResult.InvalidHandle, "the NULL stream, which waits for others and they for it, is not modelled");

    static nint TextOf(int error)
    {
        if (!Texts.ContainsKey(error)) Texts[error] = Marshal.StringToCoTaskMemUTF8(error switch
        {
            (int)CudaResult.OutOfMemory => "out of memory",
            (int)CudaResult.IllegalAddress => "an illegal memory access was encountered",
            (int)CudaResult.EccUncorrectable => "uncorrectable ECC error encountered",
            _ => ((CudaResult)error).ToString(),
        });
        return Texts[error];
    }
}
