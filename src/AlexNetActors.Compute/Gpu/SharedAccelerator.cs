using ILGPU;
using ILGPU.Runtime;

namespace AlexNetActors.Compute.Gpu;

/// <summary>
/// One accelerator of this machine, opened once however many towers live on it: two contexts on one GPU would take turns. ILGPU's
/// accelerators belong to one thread at a time and bind to it: whoever gives it work enters first.
/// </summary>
sealed class SharedAccelerator
{
    static readonly Lock Opening = new();
    static readonly Dictionary<string, SharedAccelerator> Opened = [];

    readonly string _name;
    readonly Lock _gate = new();
    readonly HashSet<SharedAccelerator> _reached = [];
    int _users;

    SharedAccelerator(string name, Accelerator accelerator) => (_name, Accelerator, Kernels) = (name, accelerator, new KernelSet(accelerator));

    public Accelerator Accelerator { get; }
    public KernelSet Kernels { get; }

    /// <summary>Opens the device, or joins those who have; <see cref="Leave"/> gives it back.</summary>
    /// <exception cref="DeviceException">The driver refuses.</exception>
    public static SharedAccelerator Join(AcceleratorEntry entry)
    {
        lock (Opening)
        {
            if (!Opened.TryGetValue(entry.Name, out var shared)) Opened[entry.Name] = shared = new SharedAccelerator(entry.Name, Try(entry.Name, $"open {entry.Description}", () => entry.Device.CreateAccelerator(Accelerators.Context)));
            shared._users++;
            return shared;
        }
    }

    /// <param name="count">Elements.</param>
    /// <param name="purpose">"of working memory", for the error.</param>
    /// <exception cref="DeviceException">There is not so much left.</exception>
    public MemoryBuffer1D<T, Stride1D.Dense> Allocate<T>(long count, string purpose) where T : unmanaged =>
        Try(_name, $"allocate {count * Interop.SizeOf<T>():N0} bytes {purpose}", () => Accelerator.Allocate1D<T>(count));

    /// <summary>Memory of the host that the device reaches by itself.</summary>
    /// <exception cref="DeviceException">The driver refuses.</exception>
    public PageLockedArray1D<byte> PageLock(int bytes) => Try(_name, $"lock {bytes:N0} bytes of this machine's memory to its pages", () => Accelerator.AllocatePageLocked1D<byte>(bytes));

    /// <exception cref="DeviceException">The driver refuses.</exception>
    public AcceleratorStream OpenStream() => Try(_name, "open a stream", () => Accelerator.CreateStream());

    /// <summary>What the driver refuses becomes one line.</summary>
    static T Try<T>(string name, string what, Func<T> action)
    {
        try
        {
            return action();
        }
        catch (Exception e) when (e is AcceleratorException or NotSupportedException or OutOfMemoryException)
        {
            throw DeviceException.IsLoss(e) ? DeviceException.Lost(name, e) : new DeviceException($"{name} cannot {what}: {e.Message.TrimEnd('.')}", e);
        }
    }

    /// <summary>The last one out closes it.</summary>
    public void Leave()
    {
        lock (Opening)
        {
            if (--_users > 0) return;
            Opened.Remove(_name);
            foreach (var other in _reached) Accelerator.DisablePeerAccess(other.Accelerator); // ILGPU would do it when that one closes, by this one's context, which is no more
            Accelerator.Dispose();
        }
    }

    /// <summary>From one GPU to another directly where the driver can; where it cannot, copies take the way through the host by themselves. Expects to be entered.</summary>
    public void Reach(SharedAccelerator other)
    {
        if (other != this && Accelerator.EnablePeerAccess(other.Accelerator)) _reached.Add(other);
    }

    /// <summary>Until the scope ends the accelerator is this thread's. Waiting for work to end needs no scope.</summary>
    public Lock.Scope Enter()
    {
        var scope = _gate.EnterScope();
        try
        {
            Accelerator.Bind();
            return scope;
        }
        catch
        {
            scope.Dispose(); // else the other tower waits for ever
            throw;
        }
    }
}
