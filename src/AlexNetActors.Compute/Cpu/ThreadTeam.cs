namespace AlexNetActors.Compute.Cpu;

/// <summary>A piece of work that any number of threads can share: part p of n writes outputs that no other part touches.</summary>
internal interface IWork
{
    void Run<TVector>(int part, int parts) where TVector : struct, ISimdVector<TVector>;

    /// <summary>The units [From, To) of a part.</summary>
    static (int From, int To) Share(long units, int part, int parts) => ((int)(units * part / parts), (int)(units * (part + 1) / parts));
}

/// <summary>
/// The threads of one device: the caller and <c>threads - 1</c> of its own, never the thread pool's, which must stay free for messages.
/// They spin for a moment between pieces of work, then park. Handing out work allocates nothing.
/// </summary>
internal sealed unsafe class ThreadTeam : IDisposable
{
    const int SpinsBeforeParking = 250;

    readonly SimdLevel level;
    readonly Gate[] starts;
    readonly Gate finish = new();
    readonly Thread[] threads;
    void* work;
    delegate*<void*, int, int, void> body; // null: leave
    int unfinished;

    public ThreadTeam(int threads, SimdLevel level, string name)
    {
        this.level = level;
        starts = new Gate[threads - 1];
        this.threads = new Thread[threads - 1];
        for (int i = 0; i < starts.Length; i++)
        {
            int part = i + 1;
            starts[i] = new Gate();
            this.threads[i] = new Thread(() => Serve(part)) { IsBackground = true, Name = $"{name} {part}" };
            this.threads[i].Start();
        }
    }

    public int Count => starts.Length + 1;

    /// <summary>Runs every part of the work; returns when all are done.</summary>
    public void Run<TWork>(TWork work) where TWork : unmanaged, IWork
    {
        delegate*<void*, int, int, void> run = level switch
        {
            SimdLevel.Vector512 => &RunPart<TWork, Simd512>,
            SimdLevel.Vector256 => &RunPart<TWork, Simd256>,
            _ => &RunPart<TWork, Simd128>,
        };
        Start(&work, run);
        run(&work, 0, Count);
        if (starts.Length > 0) finish.Wait();
    }

    public void Dispose()
    {
        Start(null, null);
        foreach (var thread in threads) thread.Join();
        foreach (var start in starts) start.Dispose();
        finish.Dispose();
    }

    void Start(void* work, delegate*<void*, int, int, void> body)
    {
        this.work = work;
        this.body = body;
        unfinished = starts.Length;
        foreach (var start in starts) start.Open();
    }

    void Serve(int part)
    {
        while (true)
        {
            starts[part - 1].Wait();
            if (body == null) return;
            body(work, part, Count);
            if (Interlocked.Decrement(ref unfinished) == 0) finish.Open();
        }
    }

    static void RunPart<TWork, TVector>(void* work, int part, int parts)
        where TWork : unmanaged, IWork where TVector : struct, ISimdVector<TVector> => ((TWork*)work)->Run<TVector>(part, parts);

    /// <summary>Opened once, passed once, again and again: a semaphore of one that spins before it sleeps.</summary>
    sealed class Gate : IDisposable
    {
        const int Closed = 0, Opened = 1, Awaited = 2;

        readonly AutoResetEvent wake = new(false);
        int state;

        public void Open()
        {
            if (Interlocked.Exchange(ref state, Opened) == Awaited) wake.Set();
        }

        public void Wait()
        {
            for (int spin = 0; spin < SpinsBeforeParking; spin++)
            {
                if (Volatile.Read(ref state) == Opened) break;
                Thread.SpinWait(8);
            }
            if (Interlocked.CompareExchange(ref state, Awaited, Closed) == Closed) wake.WaitOne();
            Volatile.Write(ref state, Closed);
        }

        public void Dispose() => wake.Dispose();
    }
}
