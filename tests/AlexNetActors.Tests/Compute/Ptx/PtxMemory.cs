using System.Runtime.InteropServices;

namespace AlexNetActors.Tests.Compute.Ptx;

/// <summary>
/// Memory that watches: it faults where a program reads or writes outside of it, reads what nobody wrote, or has two threads at one place
/// without a barrier between, one of them writing: their order would be chance.
/// </summary>
/// <param name="name">For messages.</param>
/// <param name="start">Address of the first byte.</param>
/// <param name="bytes">What it holds.</param>
/// <param name="isWritten">Holds values from the beginning.</param>
/// <param name="hasBarriers">Belongs to a group: its barriers order what happens here.</param>
sealed class PtxMemory(string name, ulong start, byte[] bytes, bool isWritten, bool hasBarriers)
{
    const int Word = 4, Many = -1;

    readonly bool[]? _written = isWritten ? null : new bool[bytes.Length];
    readonly Visit[] _reads = new Visit[bytes.Length / Word + 1], _writes = new Visit[bytes.Length / Word + 1];

    /// <summary>The last visit of a word. Intervals between barriers count from 1.</summary>
    readonly record struct Visit(int Interval, int Thread);

    /// <summary>From the first byte that was read to behind the last; written.</summary>
    public (int From, int To) ReadRange { get; private set; } = (int.MaxValue, 0);
    public (int From, int To) WrittenRange { get; private set; } = (int.MaxValue, 0);

    public ulong Read(ulong address, int size, PtxThread thread)
    {
        int at = Place("reads", address, size);
        ReadRange = (Math.Min(ReadRange.From, at), Math.Max(ReadRange.To, at + size));
        if (_written is not null && _written.AsSpan(at, size).Contains(false)) throw new PtxFault($"reads what nobody wrote, byte {at} of {name}");
        var visit = VisitOf(thread);
        for (int word = at / Word; word <= (at + size - 1) / Word; word++)
        {
            Meet("reads what", _writes[word], "writes", visit, at);
            _reads[word] = _reads[word].Interval == visit.Interval && _reads[word].Thread != visit.Thread ? visit with { Thread = Many } : visit;
        }
        return size switch
        {
            1 => bytes[at],
            2 => BitConverter.ToUInt16(bytes, at),
            4 => BitConverter.ToUInt32(bytes, at),
            _ => BitConverter.ToUInt64(bytes, at),
        };
    }

    public void Write(ulong address, int size, ulong value, PtxThread thread)
    {
        int at = Place("writes", address, size);
        WrittenRange = (Math.Min(WrittenRange.From, at), Math.Max(WrittenRange.To, at + size));
        var visit = VisitOf(thread);
        for (int word = at / Word; word <= (at + size - 1) / Word; word++)
        {
            Meet("writes what", _writes[word], "writes", visit, at);
            Meet("writes what", _reads[word], "reads", visit, at);
            _writes[word] = visit;
        }
        Span<byte> all = stackalloc byte[sizeof(ulong)];
        BitConverter.TryWriteBytes(all, value);
        all[..size].CopyTo(bytes.AsSpan(at));
        _written?.AsSpan(at, size).Fill(true);
    }

    int Place(string does, ulong address, int size)
    {
        ulong at = address - start;
        return at < (ulong)bytes.Length && at + (ulong)size <= (ulong)bytes.Length ? (int)at : throw new PtxFault($"{does} {size} bytes at byte {(long)at} of {name}, which has {bytes.Length}");
    }

    Visit VisitOf(PtxThread thread) => new(hasBarriers ? thread.Group.Interval : 1, thread.Identity);

    void Meet(string does, Visit other, string others, Visit own, int at)
    {
        if (other.Interval == own.Interval && other.Thread != own.Thread)
            throw new PtxFault($"{does} {(other.Thread == Many ? "another thread" : $"thread {other.Thread} of the launch")} {others} without a barrier between, byte {at} of {name}");
    }
}

/// <summary>Global memory that a test gives a kernel, exactly as long as it says.</summary>
sealed class PtxBuffer(string name, byte[] bytes)
{
    public string Name => name;
    public byte[] Bytes => bytes;

    public static PtxBuffer Of<T>(string name, ReadOnlySpan<T> values) where T : unmanaged => new(name, MemoryMarshal.AsBytes(values).ToArray());

    public T[] Read<T>() where T : unmanaged => MemoryMarshal.Cast<byte, T>(bytes).ToArray();
}
