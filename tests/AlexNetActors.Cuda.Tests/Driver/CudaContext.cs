namespace AlexNetActors.Cuda.Tests.Driver;

/// <summary>What a context takes with it.</summary>
interface IInContext
{
    CudaContext Context { get; }
}

/// <summary>A GPU in use: what is made while it is current on a thread belongs to it.</summary>
sealed class CudaContext(int device)
{
    [ThreadStatic]
    static Stack<CudaContext>? _ofThread;

    static Stack<CudaContext> OfThread => _ofThread ??= [];

    public int Device => device;

    /// <summary>Whose memory its kernels reach beside its own.</summary>
    public HashSet<CudaContext> Peers { get; } = [];

    /// <summary>Why it is of no use any more.</summary>
    public CudaResult Loss { get; set; }

    /// <summary>Of this thread.</summary>
    public static CudaContext Current =>
        !OfThread.TryPeek(out var context) ? throw new CudaRefusal(CudaResult.InvalidContext, "no context is current on this thread")
        : context.Loss != CudaResult.Success ? throw new CudaRefusal(context.Loss, "the context that is current on this thread has been destroyed", isWanted: context.Loss != CudaResult.ContextIsDestroyed) : context;

    public static nint Create(int device)
    {
        var context = new CudaContext(device);
        OfThread.Push(context);
        return Handles.Add(context);
    }

    /// <summary>In place of the one on top; null takes that away.</summary>
    public static void SetCurrent(CudaContext? context)
    {
        OfThread.TryPop(out _);
        if (context is not null) OfThread.Push(context);
    }

    /// <summary>The driver would clear up what is left; whoever relies on that has lost count.</summary>
    public static void Destroy(nint handle)
    {
        var context = Handles.Get<CudaContext>(handle);
        if (context.Loss != CudaResult.Success) throw new CudaRefusal(context.Loss, "", isWanted: true);
        if (OfThread.TryPeek(out var current) && current == context) OfThread.Pop();
        foreach (var other in Handles.All<CudaContext>()) other.Peers.Remove(context);
        var left = Handles.All<IInContext>().Concat(DeviceMemory.All).Concat(PageLockedMemory.All).Where(t => t.Context == context).GroupBy(t => t.GetType().Name).Select(g => $"{g.Count()} {g.Key}").ToList();
        if (left.Count > 0) ModelledCuda.Fault($"a context is destroyed with {string.Join(", ", left)} in it");
        context.Loss = CudaResult.ContextIsDestroyed;
        Handles.Remove<CudaContext>(handle);
    }

    public void EnablePeer(CudaContext peer)
    {
        if (!ModelledCuda.PeersReach || peer.Device == Device) throw new CudaRefusal(CudaResult.PeerAccessUnsupported, $"GPU {Device} does not reach the memory of GPU {peer.Device}");
        if (!Peers.Add(peer)) throw new CudaRefusal(CudaResult.PeerAccessAlreadyEnabled, $"GPU {Device} reaches the memory of GPU {peer.Device} already");
    }

    public void DisablePeer(CudaContext peer)
    {
        if (!Peers.Remove(peer)) throw new CudaRefusal(CudaResult.PeerAccessNotEnabled, $"GPU {Device} does not reach the memory of GPU {peer.Device}");
    }

    public void RequireOwn(CudaContext other, string what)
    {
        if (other != this) throw new CudaRefusal(CudaResult.InvalidHandle, $"{what} belongs to another context than this thread's");
    }
}
