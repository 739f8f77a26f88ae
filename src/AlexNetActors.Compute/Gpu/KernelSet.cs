using ILGPU;
using ILGPU.Runtime;

namespace AlexNetActors.Compute.Gpu;

/// <summary>The kernels compiled for one accelerator, each when it is first asked for. One way in for every number of arguments.</summary>
sealed class KernelSet(Accelerator accelerator)
{
    readonly Dictionary<Delegate, Delegate> _loaded = [];

    public Action<AcceleratorStream, KernelConfig, T1, T2, T3> Get<T1, T2, T3>(Action<T1, T2, T3> kernel, KernelSpecialization specialization = default) where T1 : struct where T2 : struct where T3 : struct =>
        _loaded.TryGetValue(kernel, out var loaded) ? (Action<AcceleratorStream, KernelConfig, T1, T2, T3>)loaded : Add(kernel, accelerator.LoadKernel(kernel, specialization));

    public Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4> Get<T1, T2, T3, T4>(Action<T1, T2, T3, T4> kernel, KernelSpecialization specialization = default) where T1 : struct where T2 : struct where T3 : struct where T4 : struct =>
        _loaded.TryGetValue(kernel, out var loaded) ? (Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4>)loaded : Add(kernel, accelerator.LoadKernel(kernel, specialization));

    public Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5> Get<T1, T2, T3, T4, T5>(Action<T1, T2, T3, T4, T5> kernel, KernelSpecialization specialization = default) where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct =>
        _loaded.TryGetValue(kernel, out var loaded) ? (Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5>)loaded : Add(kernel, accelerator.LoadKernel(kernel, specialization));

    public Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5, T6> Get<T1, T2, T3, T4, T5, T6>(Action<T1, T2, T3, T4, T5, T6> kernel, KernelSpecialization specialization = default) where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct where T6 : struct =>
        _loaded.TryGetValue(kernel, out var loaded) ? (Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5, T6>)loaded : Add(kernel, accelerator.LoadKernel(kernel, specialization));

    public Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5, T6, T7> Get<T1, T2, T3, T4, T5, T6, T7>(Action<T1, T2, T3, T4, T5, T6, T7> kernel, KernelSpecialization specialization = default) where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct where T6 : struct where T7 : struct =>
        _loaded.TryGetValue(kernel, out var loaded) ? (Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5, T6, T7>)loaded : Add(kernel, accelerator.LoadKernel(kernel, specialization));

    public Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8> Get<T1, T2, T3, T4, T5, T6, T7, T8>(Action<T1, T2, T3, T4, T5, T6, T7, T8> kernel, KernelSpecialization specialization = default) where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct where T6 : struct where T7 : struct where T8 : struct =>
        _loaded.TryGetValue(kernel, out var loaded) ? (Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8>)loaded : Add(kernel, accelerator.LoadKernel(kernel, specialization));

    public Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8, T9> Get<T1, T2, T3, T4, T5, T6, T7, T8, T9>(Action<T1, T2, T3, T4, T5, T6, T7, T8, T9> kernel, KernelSpecialization specialization = default) where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct where T6 : struct where T7 : struct where T8 : struct where T9 : struct =>
        _loaded.TryGetValue(kernel, out var loaded) ? (Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8, T9>)loaded : Add(kernel, accelerator.LoadKernel(kernel, specialization));

    public Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10> Get<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10>(Action<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10> kernel, KernelSpecialization specialization = default) where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct where T6 : struct where T7 : struct where T8 : struct where T9 : struct where T10 : struct =>
        _loaded.TryGetValue(kernel, out var loaded) ? (Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10>)loaded : Add(kernel, accelerator.LoadKernel(kernel, specialization));

    T Add<T>(Delegate kernel, T loaded) where T : Delegate
    {
        _loaded[kernel] = loaded;
        return loaded;
    }
}
