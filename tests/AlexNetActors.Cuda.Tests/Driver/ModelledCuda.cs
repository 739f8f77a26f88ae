using System.Runtime.CompilerServices;
using AlexNetActors.Tests.Compute.Ptx;

namespace AlexNetActors.Cuda.Tests.Driver;

/// <summary>What a function of the driver returns (CUresult).</summary>
public enum CudaResult
{
    Success = 0,
    InvalidValue = 1,
    OutOfMemory = 2,
    InvalidContext = 201,
    EccUncorrectable = 214,
    PeerAccessUnsupported = 217,
    InvalidPtx = 218,
    InvalidHandle = 400,
    NotFound = 500,
    IllegalAddress = 700,
    PeerAccessAlreadyEnabled = 704,
    PeerAccessNotEnabled = 705,
    ContextIsDestroyed = 709,
    HostMemoryAlreadyRegistered = 712,
    HostMemoryNotRegistered = 713,
    Unknown = 999,
}

/// <summary>What the driver refuses: whoever asked has done something wrong, or a test wanted it so.</summary>
sealed class CudaRefusal(CudaResult result, string why, bool isWanted = false) : Exception(why)
{
    public CudaResult Result => result;
    public bool IsWanted => isWanted;
}

/// <summary>What is there, to see what is left over.</summary>
readonly record struct CudaHoldings(int Contexts, int Streams, int Modules, int BlasHandles, int Allocations, int PageLocked);

/// <summary>
/// A model of CUDA's driver, of two GPUs: as much of it as ILGPU and this program use. It is lazy and against them. What is asked of a
/// stream is queued and done when something waits for it, or earlier where chance, drawn from a seed, wants it; in every order that the
/// documentation allows. Kernels are executed from their PTX. So a wait that is missing is seen as a wrong number or by name, and not once in
/// a hundred runs. What it does not model it refuses: the NULL stream and streams that wait for it, events, managed memory, a kernel or a copy that is half done.
/// </summary>
static class ModelledCuda
{
    /// <summary>Nothing is done before somebody waits for it.</summary>
    public const int Latest = 0;

    /// <summary>All is done while it is asked for.</summary>
    public const int Soonest = 1;

    static readonly Lock Gate = new();
    static readonly List<string> Seen = [];
    static readonly List<(string Function, int Calls, CudaResult Result)> Wanted = [];

    static Random? _chance;
    static int _order, _worksToLoss;
    static CudaResult _loss, _lossToCome;
    static long _ticks;

    /// <summary>Why there is none on this machine; null where there is.</summary>
    public static string? Missing { get; private set; }

    /// <summary>Wrong uses so far.</summary>
    public static IReadOnlyList<string> Faults => Seen;

    /// <summary>Whether the GPUs reach each other's memory.</summary>
    public static bool PeersReach { get; private set; }

    public static CudaHoldings Holdings
    {
        get
        {
            lock (Gate) return new(Handles.All<CudaContext>().Count(c => c.Loss == CudaResult.Success), Of<CudaStream>(), Of<CudaModule>(), Of<BlasHandle>(), DeviceMemory.All.Count(IsKept), PageLockedMemory.All.Count(IsKept));
        }
    }

    static int Of<T>() where T : IInContext => Handles.All<T>().Count(t => IsKept(t));
    static bool IsKept(IInContext thing) => thing.Context.Loss == CudaResult.Success;

    /// <summary>Before ILGPU looks for a driver: it looks once.</summary>
    [ModuleInitializer]
    internal static void Load() => Missing = ServedLibrary.Load("libcuda.so.1", typeof(DriverFunctions)) ?? ServedLibrary.Load("libcublas.so.13", typeof(BlasFunctions));

    /// <summary>From now on.</summary>
    /// <param name="order"><see cref="Latest"/>, <see cref="Soonest"/>, or the seed of what is done when.</param>
    /// <param name="peersReach">Whether the GPUs reach each other's memory.</param>
    public static void Begin(int order = Latest, bool peersReach = true)
    {
        lock (Gate)
        {
            if (_loss != CudaResult.Success) LeaveBehind();
            (_order, _chance, PeersReach, _loss, _worksToLoss) = (order, new Random(order), peersReach, CudaResult.Success, 0);
            Works = 0;
            Seen.Clear();
            Wanted.Clear();
        }
    }

    /// <summary>A function fails at its call number <paramref name="call"/> from now, counted from 1, and does nothing.</summary>
    public static void Refuse(string function, int call, CudaResult result)
    {
        lock (Gate) Wanted.Add((function, call, result));
    }

    /// <summary>What is done number <paramref name="work"/> from now, a launch or a copy, ends the process's use of CUDA: every later call fails so.</summary>
    public static void Lose(int work, CudaResult result)
    {
        lock (Gate) (_worksToLoss, _lossToCome) = (work, result);
    }

    /// <summary>Launches, copies and their like since <see cref="Begin"/>.</summary>
    public static int Works { get; private set; }

    /// <summary>Any function of the driver.</summary>
    public static int Serve(Action function, bool failsWhenLost = true, [CallerMemberName] string name = "")
    {
        lock (Gate)
        {
            try
            {
                if (failsWhenLost) RequireNotLost();
                RefuseIfWanted(name);
                function();
                Progress();
                if (failsWhenLost) RequireNotLost(); // also what was asked for earlier is said now
                return 0;
            }
            catch (CudaRefusal refusal)
            {
                if (!refusal.IsWanted) Fault($"{name}: {refusal.Message}");
                return (int)refusal.Result;
            }
            catch (Exception e) // nothing may leave a function that C calls
            {
                Fault($"{name}: {e}");
                return (int)CudaResult.Unknown;
            }
        }
    }

    public static void Fault(string what)
    {
        if (!Seen.Contains(what)) Seen.Add(what);
    }

    /// <summary>Runs work of a stream. Where that fails the process has lost CUDA (CUDA_ERROR_ILLEGAL_ADDRESS: "the process must be terminated and relaunched").</summary>
    public static void Run(CudaWork work)
    {
        if (_loss != CudaResult.Success) return;
        Works++;
        if (_worksToLoss > 0 && --_worksToLoss == 0)
        {
            _loss = _lossToCome;
            return;
        }
        try
        {
            work.Run();
        }
        catch (PtxFault fault)
        {
            Fault($"{work.Name}: {fault.Message}");
            _loss = CudaResult.IllegalAddress;
        }
    }

    /// <summary>As if another process began: what the lost one still holds is of no account, and refuses whoever comes back to it.</summary>
    static void LeaveBehind()
    {
        foreach (var context in Handles.All<CudaContext>()) context.Loss = _loss;
        PageLockedMemory.Forget();
    }

    /// <summary>Counts what happens.</summary>
    public static long Tick() => ++_ticks;

    /// <summary>What the GPUs may have done meanwhile.</summary>
    static void Progress()
    {
        if (_order == Latest) return;
        while (_order == Soonest || _chance!.Next(2) == 0)
        {
            var busy = Handles.All<CudaStream>().Where(s => s.OldestQueuedAt < long.MaxValue).ToList();
            if (busy.Count == 0) return;
            busy[_chance!.Next(busy.Count)].RunNext();
        }
    }

    static void RequireNotLost()
    {
        if (_loss != CudaResult.Success) throw new CudaRefusal(_loss, "", isWanted: true); // said already, or wanted
    }

    static void RefuseIfWanted(string function)
    {
        for (int n = 0; n < Wanted.Count; n++)
        {
            if (Wanted[n].Function != function) continue;
            Wanted[n] = Wanted[n] with { Calls = Wanted[n].Calls - 1 };
            if (Wanted[n].Calls == 0) throw new CudaRefusal(Wanted[n].Result, "", isWanted: true);
        }
    }
}
