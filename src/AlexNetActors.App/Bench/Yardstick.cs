using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using AlexNetActors.Compute.Cpu;

namespace AlexNetActors.App;

/// <summary>What the processor can do at this moment with so many threads: the limits that passes are held against.</summary>
/// <param name="threads">Threads of the measured device.</param>
/// <param name="level">Its vectors.</param>
/// <param name="onClock">Time on the clock counts: a measured device computes elsewhere.</param>
sealed unsafe partial class Yardstick(int threads, SimdLevel level, bool onClock) : IDisposable
{
    const int ThreadProcessorTime = 3; // CLOCK_THREAD_CPUTIME_ID of Linux
    const double Resolution = 1e-6; // seconds
    const int PeakSteps = 400_000; // a millisecond or two
    const long MemoryFloats = 64 << 20; // 256 MiB: no cache helps
    const int Stretch = 1024; // floats that one thread goes through at least
    const int MemoryRepetitions = 3;

    readonly ThreadTeam _team = new(threads, level, "yardstick");
    readonly NativeBuffer _sink = new(16 * threads);

    /// <summary>Seconds of an action. Of one thread, its processor time: a busy machine's neighbours do not count. Of several, or of a GPU, time on the clock.</summary>
    public double Seconds(Action action)
    {
        double start = Now;
        action();
        return Math.Max(Now - start, Resolution);
    }

    double Now => threads > 1 || onClock ? Stopwatch.GetTimestamp() / (double)Stopwatch.Frequency
        : OperatingSystem.IsLinux() && ClockGetTime(ThreadProcessorTime, out var time) == 0 ? time.Seconds + 1e-9 * time.Nanoseconds
        : Environment.CpuUsage.TotalTime.TotalSeconds; // of the whole process, the compiler's and the collector's threads included

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static partial int ClockGetTime(int clock, out TimeSpec time);

    [StructLayout(LayoutKind.Sequential)]
    struct TimeSpec
    {
        public nint Seconds, Nanoseconds;
    }

    /// <summary>Floating point operations a second of a loop of nothing but multiply-adds.</summary>
    public double Peak()
    {
        _team.Run(new MultiplyAdds { Steps = PeakSteps / 100, Sink = _sink.Pointer }); // the threads are awake and the clock is up
        double seconds = Seconds(() => _team.Run(new MultiplyAdds { Steps = PeakSteps, Sink = _sink.Pointer }));
        return 2.0 * MultiplyAdds.Chains * ((int)level / 32) * PeakSteps * threads / seconds;
    }

    /// <summary>
    /// Bytes a second that memory gives when it is only read, and when it is changed in place, where a byte counts twice: the way
    /// back is another one, and passes that change much are faster than any that only read. Several of each.
    /// </summary>
    public (IReadOnlyList<double> Read, IReadOnlyList<double> Change) Memory()
    {
        using var memory = new NativeBuffer(MemoryFloats);
        double bytes = sizeof(float) * (double)MemoryFloats;
        double Read() => bytes / Seconds(() => _team.Run(new ReadMemory { Memory = memory.Pointer, Floats = MemoryFloats, Sink = _sink.Pointer }));
        double Change() => 2 * bytes / Seconds(() => _team.Run(new ChangeMemory { Memory = memory.Pointer, Floats = MemoryFloats }));
        return ([.. Enumerable.Range(0, MemoryRepetitions).Select(_ => Read())], [.. Enumerable.Range(0, MemoryRepetitions).Select(_ => Change())]);
    }

    public void Dispose()
    {
        _team.Dispose();
        _sink.Dispose();
    }

    /// <summary>Independent chains of multiply-adds on registers.</summary>
    struct MultiplyAdds : IWork
    {
        public const int Chains = 12;

        public int Steps;
        public float* Sink;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run<TVector>(int part, int parts) where TVector : struct, ISimdVector<TVector>
        {
            TVector a = TVector.Broadcast(1e-6f), b = TVector.Broadcast(0.999f);
            TVector c0 = a, c1 = a, c2 = a, c3 = a, c4 = a, c5 = a, c6 = a, c7 = a, c8 = a, c9 = a, c10 = a, c11 = a;
            for (int i = 0; i < Steps; i++)
            {
                c0 = TVector.MultiplyAdd(c0, b, a);
                c1 = TVector.MultiplyAdd(c1, b, a);
                c2 = TVector.MultiplyAdd(c2, b, a);
                c3 = TVector.MultiplyAdd(c3, b, a);
                c4 = TVector.MultiplyAdd(c4, b, a);
                c5 = TVector.MultiplyAdd(c5, b, a);
                c6 = TVector.MultiplyAdd(c6, b, a);
                c7 = TVector.MultiplyAdd(c7, b, a);
                c8 = TVector.MultiplyAdd(c8, b, a);
                c9 = TVector.MultiplyAdd(c9, b, a);
                c10 = TVector.MultiplyAdd(c10, b, a);
                c11 = TVector.MultiplyAdd(c11, b, a);
            }
            TVector.Store(c0 + c1 + c2 + c3 + c4 + c5 + c6 + c7 + c8 + c9 + c10 + c11, Sink + part * 16);
        }
    }

    /// <summary>Adds memory up, so that it must be read.</summary>
    struct ReadMemory : IWork
    {
        public float* Memory;
        public long Floats;
        public float* Sink;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run<TVector>(int part, int parts) where TVector : struct, ISimdVector<TVector>
        {
            var (from, to) = IWork.Share(Floats / Stretch, part, parts);
            TVector a = TVector.Zero, b = a, c = a, d = a;
            for (float* m = Memory + (nint)from * Stretch, end = Memory + (nint)to * Stretch; m < end; m += 4 * TVector.Count)
            {
                a += TVector.Load(m);
                b += TVector.Load(m + TVector.Count);
                c += TVector.Load(m + 2 * TVector.Count);
                d += TVector.Load(m + 3 * TVector.Count);
            }
            TVector.Store(a + b + c + d, Sink + part * 16);
        }
    }

    /// <summary>Reads memory and writes it where it was.</summary>
    struct ChangeMemory : IWork
    {
        public float* Memory;
        public long Floats;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run<TVector>(int part, int parts) where TVector : struct, ISimdVector<TVector>
        {
            var (from, to) = IWork.Share(Floats / Stretch, part, parts);
            var factor = TVector.Broadcast(0.5f);
            for (float* m = Memory + (nint)from * Stretch, end = Memory + (nint)to * Stretch; m < end; m += TVector.Count) TVector.Store(TVector.Load(m) * factor, m);
        }
    }
}
