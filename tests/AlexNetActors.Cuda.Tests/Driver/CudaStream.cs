using AlexNetActors.Tests.Compute.Ptx;

namespace AlexNetActors.Cuda.Tests.Driver;

/// <summary>What is asked of a GPU, one after the other. Streams know nothing of each other.</summary>
sealed class CudaStream(CudaContext context) : IInContext
{
    readonly Queue<CudaWork> _queued = [];
    readonly List<CudaWork> _done = []; // and nobody has waited for it yet

    public CudaContext Context => context;

    /// <summary>Ticks; <see cref="long.MaxValue"/> where nothing is queued.</summary>
    public long OldestQueuedAt => _queued.TryPeek(out var work) ? work.QueuedAt : long.MaxValue;

    public void Queue(string name, Action<CudaWork> run) => _queued.Enqueue(new(name, this, run));

    public void RunNext()
    {
        var work = _queued.Dequeue();
        ModelledCuda.Run(work);
        _done.Add(work);
    }

    public void Synchronize()
    {
        while (_queued.Count > 0) RunNext();
        long now = ModelledCuda.Tick();
        foreach (var work in _done) work.KnownDoneAt = now;
        _done.Clear();
    }

    public void RequireIdle()
    {
        if (_queued.Count > 0) ModelledCuda.Fault($"a stream is destroyed with {string.Join(", ", _queued.Select(w => w.Name))} still queued");
    }
}

/// <summary>A launch, a copy or their like.</summary>
sealed class CudaWork(string name, CudaStream stream, Action<CudaWork> run)
{
    readonly Dictionary<Allocation, PtxMemory> _launched = [];

    public string Name => name;
    public CudaStream Stream => stream;
    public long QueuedAt { get; } = ModelledCuda.Tick();

    /// <summary>When a wait for it has returned: what is queued later may rely on it.</summary>
    public long KnownDoneAt { get; set; } = long.MaxValue;

    public void Run()
    {
        run(this);
        foreach (var (allocation, memory) in _launched)
        {
            allocation.Touch(this, memory.ReadRange, writes: false);
            allocation.Touch(this, memory.WrittenRange, writes: true);
        }
    }

    /// <summary>A whole allocation, for a kernel. Only copies cross to another GPU without being allowed to.</summary>
    public PtxMemory Memory(ulong address)
    {
        var allocation = DeviceMemory.At(address);
        if (allocation.Context != Stream.Context && !Stream.Context.Peers.Contains(allocation.Context))
            throw new PtxFault($"address {address:x} is in the memory of GPU {allocation.Context.Device}, to which GPU {Stream.Context.Device} has no access");
        return _launched[allocation] = new($"allocation {allocation.Number}", allocation.Address, allocation.Bytes, isWritten: true, hasBarriers: false);
    }

    public ReadOnlySpan<byte> Read(nint address, long bytes) => Piece(address, bytes, writes: false);

    public Span<byte> Write(nint address, long bytes) => Piece(address, bytes, writes: true);

    Span<byte> Piece(nint address, long bytes, bool writes)
    {
        var allocation = DeviceMemory.At((ulong)address);
        int at = allocation.Offset((ulong)address, bytes);
        allocation.Touch(this, (at, at + (int)bytes), writes);
        return allocation.Bytes.AsSpan(at, (int)bytes);
    }
}
