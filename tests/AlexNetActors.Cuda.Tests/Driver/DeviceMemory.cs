using AlexNetActors.Tests.Compute.Ptx;

namespace AlexNetActors.Cuda.Tests.Driver;

/// <summary>Memory of the GPUs. Its addresses are of no use to the host, and none leads from one allocation to the next.</summary>
static class DeviceMemory
{
    /// <summary>Of each GPU.</summary>
    public const long BytesMax = 1L << 30;

    const int First = 1 << 8; // in the upper bits of an address: above all that is the host's
    const byte Nothing = 0xff; // in fresh memory: as a float not a number

    static readonly Dictionary<int, Allocation> Allocations = [];
    static int _next = First;

    public static IEnumerable<Allocation> All => Allocations.Values;

    public static bool Holds(nint address) => (ulong)address >> PtxLaunch.BufferBits >= First;

    public static nint Allocate(CudaContext context, long bytes)
    {
        if (bytes <= 0) throw new CudaRefusal(CudaResult.InvalidValue, $"{bytes} bytes are asked for");
        if (Allocations.Values.Where(a => a.Context.Device == context.Device).Sum(a => (long)a.Bytes.Length) + bytes > BytesMax) throw new CudaRefusal(CudaResult.OutOfMemory, "", isWanted: true);
        var fresh = GC.AllocateUninitializedArray<byte>((int)bytes);
        Array.Fill(fresh, Nothing);
        var allocation = Allocations[_next] = new Allocation(_next, context, fresh);
        _next++;
        return (nint)allocation.Address;
    }

    /// <summary>Frees what nobody uses any more. CUDA waits by itself for whoever does, its documentation does not say so of every version: nobody here relies on it.</summary>
    public static void Free(CudaContext context, nint address)
    {
        if (address == 0) return;
        var allocation = At((ulong)address);
        if (allocation.Address != (ulong)address) throw new CudaRefusal(CudaResult.InvalidValue, $"{address:x} is in the midst of an allocation");
        context.RequireOwn(allocation.Context, $"allocation {allocation.Number}");
        allocation.RequireIdle();
        Allocations.Remove(allocation.Number);
    }

    public static Allocation At(ulong address)
    {
        int number = (int)(address >> PtxLaunch.BufferBits);
        return Allocations.GetValueOrDefault(number) ?? throw new PtxFault($"address {address:x} is in no allocation{(number >= First && number < _next ? $": {number} has been freed" : "")}");
    }
}

/// <summary>A piece of it.</summary>
/// <param name="number">From the first of the process on.</param>
/// <param name="context">Whose it is.</param>
/// <param name="bytes">What it holds.</param>
sealed class Allocation(int number, CudaContext context, byte[] bytes) : IInContext
{
    readonly List<(CudaWork Work, int From, int To, bool Writes)> _touches = [];

    public int Number => number;
    public CudaContext Context => context;
    public byte[] Bytes => bytes;
    public ulong Address => PtxLaunch.AddressOf(number);

    public int Offset(ulong address, long size)
    {
        ulong at = address - Address;
        return at + (ulong)size <= (ulong)bytes.Length && at <= (ulong)bytes.Length ? (int)at : throw new PtxFault($"{size} bytes at byte {(long)at} of allocation {number}, which has {bytes.Length}");
    }

    /// <summary>Two streams at one place, one of them writing, are an error unless somebody waited for the one before the other was queued.</summary>
    public void Touch(CudaWork work, (int From, int To) range, bool writes)
    {
        if (range.To <= range.From) return;
        long oldest = Handles.All<CudaStream>().Min(s => s.OldestQueuedAt);
        _touches.RemoveAll(t => t.Work.KnownDoneAt < Math.Min(oldest, work.QueuedAt));
        foreach (var t in _touches)
            if (t.Work.Stream != work.Stream && (t.Writes || writes) && t.From < range.To && range.From < t.To && t.Work.KnownDoneAt > work.QueuedAt && work.KnownDoneAt > t.Work.QueuedAt)
                ModelledCuda.Fault($"{t.Work.Name} and {work.Name}, on another stream, are at the same memory, an allocation of {bytes.Length} bytes on GPU {context.Device}, one of them writes, and nobody has waited in between");
        if (!_touches.Contains((work, range.From, range.To, writes))) _touches.Add((work, range.From, range.To, writes));
    }

    public void RequireIdle()
    {
        if (_touches.FirstOrDefault(t => t.Work.KnownDoneAt == long.MaxValue) is { Work: { } work }) ModelledCuda.Fault($"{bytes.Length} bytes are freed and nobody has waited for {work.Name}, which uses them");
    }
}

/// <summary>Memory of the host that copies reach by themselves: they read and write it when they are done, not when they are asked for.</summary>
static class PageLockedMemory
{
    static readonly List<PageLocked> Ranges = [];

    public static IEnumerable<PageLocked> All => Ranges;

    /// <summary>Ranges may share pages, not bytes.</summary>
    public static void Add(CudaContext context, nint start, nint bytes)
    {
        if (bytes <= 0) throw new CudaRefusal(CudaResult.InvalidValue, $"{bytes} bytes are asked for");
        if (Ranges.Any(r => r.Meets(start, bytes))) throw new CudaRefusal(CudaResult.HostMemoryAlreadyRegistered, $"{bytes} bytes at {start:x} are page-locked already");
        Ranges.Add(new(context, start, bytes));
    }

    public static void Remove(nint start)
    {
        if (Ranges.RemoveAll(r => r.Start == start) == 0) throw new CudaRefusal(CudaResult.HostMemoryNotRegistered, $"nothing is page-locked at {start:x}");
    }

    /// <summary>That of a process that is no more.</summary>
    public static void Forget() => Ranges.Clear();

    public static bool Holds(nint start, nint bytes)
    {
        if (Ranges.Any(r => start >= r.Start && start + bytes <= r.Start + r.Bytes)) return true;
        return Ranges.Any(r => r.Meets(start, bytes)) ? throw new CudaRefusal(CudaResult.InvalidValue, $"{bytes} bytes at {start:x} are page-locked in part") : false;
    }

    /// <summary>As a copy comes to it.</summary>
    public static unsafe Span<byte> At(nint start, nint bytes) =>
        Holds(start, bytes) ? new((void*)start, (int)bytes) : throw new PtxFault($"{bytes} bytes of the host are no longer page-locked when a copy comes to them");
}

/// <summary>A piece of it.</summary>
sealed record PageLocked(CudaContext Context, nint Start, nint Bytes) : IInContext
{
    public bool Meets(nint start, nint bytes) => start < Start + Bytes && Start < start + bytes;
}
