using System.Runtime.InteropServices;

namespace AlexNetActors.Tests.Compute.Ptx;

/// <summary>Groups of a grid, threads of a group, or one's place among them.</summary>
readonly record struct PtxSize(int X, int Y = 1, int Z = 1)
{
    public int Count => X * Y * Z;

    public static implicit operator PtxSize(int x) => new(x);
    public static implicit operator PtxSize((int X, int Y) size) => new(size.X, size.Y);

    /// <summary>Of number i, x running fastest.</summary>
    public PtxSize PlaceOf(int i) => new(i % X, i / X % Y, i / X / Y);
}

/// <summary>
/// Runs CUDA kernels without a GPU, from their PTX: no speed, but every rule that hardware leaves to luck. Independent of ILGPU, so that
/// what ILGPU made of a kernel is proven too.
/// </summary>
static class PtxMachine
{
    /// <param name="program">The kernel.</param>
    /// <param name="grid">Groups.</param>
    /// <param name="group">Threads of a group.</param>
    /// <param name="arguments">Numbers, structures of numbers, and <see cref="PtxBuffer"/>s where the kernel has views.</param>
    public static void Launch(PtxProgram program, PtxSize grid, PtxSize group, params object[] arguments)
    {
        var laidOut = new PtxArguments(program, arguments);
        Launch(program, grid, group, laidOut.Parameters, laidOut.Global);
    }

    /// <param name="program">The kernel.</param>
    /// <param name="grid">Groups.</param>
    /// <param name="group">Threads of a group.</param>
    /// <param name="parameters">As they lie in memory.</param>
    /// <param name="global">The memory in which an address lies, new to this launch: asked once for each.</param>
    public static void Launch(PtxProgram program, PtxSize grid, PtxSize group, byte[] parameters, Func<ulong, PtxMemory> global)
    {
        if (program.ThreadsMax > 0 && group.Count > program.ThreadsMax) throw new PtxFault($"{program.Name} is for {program.ThreadsMax} threads, got {group.Count}");
        var launch = new PtxLaunch(program, grid, parameters, global);
        for (int i = 0; i < grid.Count; i++) new PtxGroup(launch, group, i).Run();
    }
}

/// <summary>What all groups share: parameters and global memory.</summary>
sealed class PtxLaunch(PtxProgram program, PtxSize grid, byte[] parameters, Func<ulong, PtxMemory> global)
{
    /// <summary>Of a buffer's addresses.</summary>
    public const int BufferBits = 40;

    readonly Dictionary<ulong, PtxMemory> _global = [];
    PtxMemory? _last; // that was asked for
    ulong _lastNumber;

    public PtxProgram Program => program;
    public PtxSize Grid => grid;

    /// <summary>Of buffer number n: in the middle of its addresses, so that no index leads from one to the next.</summary>
    public static ulong AddressOf(int number) => ((ulong)number << BufferBits) + (1ul << BufferBits - 1);

    public ulong Parameter(ulong offset, int size)
    {
        Span<byte> value = stackalloc byte[sizeof(ulong)];
        value.Clear();
        parameters.AsSpan((int)offset, size).CopyTo(value);
        return BitConverter.ToUInt64(value);
    }

    public PtxMemory Global(ulong address)
    {
        ulong number = address >> BufferBits;
        if (_last is not null && number == _lastNumber) return _last;
        if (!_global.TryGetValue(number, out var memory)) _global[number] = memory = global(address);
        (_last, _lastNumber) = (memory, number);
        return memory;
    }
}

/// <summary>Arguments of a launch as they lie in memory, and the buffers that they point to.</summary>
sealed class PtxArguments
{
    readonly List<PtxMemory> _buffers = [];

    public PtxArguments(PtxProgram program, object[] arguments)
    {
        Parameters = new byte[program.ParameterBytes];
        if (arguments.Length != program.Parameters.Count) throw new PtxFault($"{program.Name} has {program.Parameters.Count} parameters, got {arguments.Length} arguments");
        foreach (var (parameter, argument) in program.Parameters.Zip(arguments))
        {
            byte[] bytes = argument is PtxBuffer buffer ? Pointer(buffer) : BytesOf(argument);
            if (bytes.Length != parameter.Bytes) throw new PtxFault($"{parameter.Name} has {parameter.Bytes} bytes, got an argument of {bytes.Length}");
            bytes.CopyTo(Parameters, parameter.Offset);
        }
    }

    public byte[] Parameters { get; }

    public PtxMemory Global(ulong address)
    {
        ulong number = address >> PtxLaunch.BufferBits;
        return number >= 1 && number <= (ulong)_buffers.Count ? _buffers[(int)number - 1] : throw new PtxFault($"address {address:x} is in no buffer");
    }

    /// <summary>ILGPU's ArrayView: address and length. No kernel here reads the length: it is given in bytes.</summary>
    byte[] Pointer(PtxBuffer buffer)
    {
        ulong address = PtxLaunch.AddressOf(_buffers.Count + 1);
        _buffers.Add(new(buffer.Name, address, buffer.Bytes, isWritten: true, hasBarriers: false));
        return [.. BitConverter.GetBytes(address), .. BitConverter.GetBytes((long)buffer.Bytes.Length)];
    }

    static byte[] BytesOf(object structure)
    {
        var bytes = new byte[Marshal.SizeOf(structure)];
        var pinned = GCHandle.Alloc(bytes, GCHandleType.Pinned);
        Marshal.StructureToPtr(structure, pinned.AddrOfPinnedObject(), false);
        pinned.Free();
        return bytes;
    }
}

/// <summary>
/// A group of threads. Each runs as far as it can alone, to the next barrier or to what its warp does together; so nothing is proven that
/// holds only because threads take turns.
/// </summary>
sealed class PtxGroup
{
    public const int WarpSize = 32;

    readonly PtxThread[] _threads;

    public PtxGroup(PtxLaunch launch, PtxSize size, int number)
    {
        (Launch, Size, Place) = (launch, size, launch.Grid.PlaceOf(number));
        Shared = new("shared memory", PtxParser.FirstAddress, new byte[launch.Program.SharedBytes], isWritten: false, hasBarriers: true);
        _threads = [.. Enumerable.Range(0, size.Count).Select(t => new PtxThread(this, t, number * size.Count + t))];
    }

    public PtxLaunch Launch { get; }
    public PtxSize Size { get; }
    public PtxSize Place { get; }
    public PtxMemory Shared { get; }

    /// <summary>Between barriers, counted from 1.</summary>
    public int Interval { get; private set; } = 1;

    public void Run()
    {
        var warps = _threads.Chunk(WarpSize).ToList();
        while (true)
        {
            foreach (var warp in warps) RunWarp(warp);
            if (_threads.All(t => t.IsDone)) return;
            RequireTogether(_threads);
            foreach (var thread in _threads) thread.Next++;
            Interval++;
        }
    }

    /// <summary>To the next barrier, or to the end.</summary>
    static void RunWarp(PtxThread[] warp)
    {
        while (true)
        {
            foreach (var thread in warp) thread.Run();
            if (warp.FirstOrDefault(t => t.Instruction?.Together is not null) is not { } first) return;
            RequireTogether(warp);
            try
            {
                first.Instruction!.Together!(warp);
            }
            catch (PtxFault fault)
            {
                throw first.Fault(fault.Message);
            }
            foreach (var thread in warp) thread.Next++;
        }
    }

    static void RequireTogether(PtxThread[] threads)
    {
        var first = threads.First(t => !t.IsDone);
        if (threads.FirstOrDefault(t => t.Instruction != first.Instruction) is { } other)
            throw first.Fault($"thread {other.Number} is not there but at {other.Instruction?.ToString() ?? "the end"}");
    }
}

/// <param name="group">Its group.</param>
/// <param name="number">In the group.</param>
/// <param name="identity">Among all of the launch.</param>
sealed class PtxThread(PtxGroup group, int number, int identity)
{
    const int StepsMax = 100_000_000; // of a launch; more is a loop without an end

    readonly PtxInstruction[] _program = group.Launch.Program.Instructions;
    int _steps;

    public PtxGroup Group => group;
    public int Number => number;
    public int Identity => identity;
    public PtxSize Place { get; } = group.Size.PlaceOf(number);
    public ulong[] Registers { get; } = new ulong[group.Launch.Program.Registers];
    public PtxMemory Local { get; } = new("local memory", PtxParser.FirstAddress, new byte[group.Launch.Program.LocalBytes], isWritten: false, hasBarriers: false);

    /// <summary>The number of the instruction that it comes to next.</summary>
    public int Next { get; set; }

    public bool IsDone { get; set; }

    /// <summary>What it waits at; null at the end.</summary>
    public PtxInstruction? Instruction => IsDone ? null : _program[Next];

    /// <summary>Until it cannot go on alone.</summary>
    public void Run()
    {
        try
        {
            while (!IsDone)
            {
                var instruction = _program[Next];
                bool skip = instruction.Guard is { } guard && guard.Read(this) != 0 != instruction.GuardValue;
                if (!skip && instruction.Alone is null) return;
                if (++_steps > StepsMax) throw new PtxFault($"{StepsMax} instructions and no end");
                if (!skip) instruction.Alone!(this);
                Next++;
            }
        }
        catch (PtxFault fault)
        {
            throw Fault(fault.Message);
        }
    }

    public PtxFault Fault(string what) => new($"{group.Launch.Program.Name}, thread {number} of group ({group.Place.X}, {group.Place.Y}), {_program[Next]}: {what}");
}
