namespace AlexNetActors.Data;

/// <summary>
/// Decodes source files on many threads and hands the records over in the order of the files, whatever the threads do. Memory is bounded:
/// no thread runs further ahead than <see cref="SlotsPerThread"/> records a thread.
/// </summary>
internal sealed class OrderedDecoding(IReadOnlyList<SourceFile> files, int first, int recordSize, int threads)
{
    const int SlotsPerThread = 8;

    readonly Slot[] slots = [.. Enumerable.Range(0, threads * SlotsPerThread).Select(_ => new Slot(new byte[PackLayout.RecordBytes(recordSize)]))];
    readonly object gate = new();
    int claimed = first, taken = first;
    bool stopped;

    /// <param name="decoded">Called on a decoding thread for every good record, in no order: thread, file, record.</param>
    /// <param name="take">Called on one thread in the order of the files: file, reason to skip it or null, record.</param>
    internal void Run(Action<int, int, byte[]> decoded, Action<int, string?, byte[]> take) => Workers.Run(threads + 1, "prepare", worker =>
    {
        try
        {
            if (worker == threads) TakeAll(take);
            else Decode(worker, decoded);
        }
        catch
        {
            Stop();
            throw;
        }
    });

    void Decode(int worker, Action<int, int, byte[]> decoded)
    {
        using var decoder = new ImageDecoder(recordSize);
        byte[] buffer = new byte[1 << 20];
        while (Claim() is { } index)
        {
            var slot = slots[index % slots.Length];
            slot.Reason = Decode(decoder, files[index], ref buffer, slot.Record);
            if (slot.Reason is null) decoded(worker, index, slot.Record);
            lock (gate)
            {
                slot.Ready = true;
                Monitor.PulseAll(gate);
            }
        }
    }

    static string? Decode(ImageDecoder decoder, SourceFile file, ref byte[] buffer, byte[] record)
    {
        if (PictureFile.Complain(file.Length) is { } complaint) return complaint;
        try
        {
            int length = file.Read(ref buffer);
            return decoder.Decode(buffer.AsSpan(0, length), record);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) // says nothing about the picture, which is not to be lost by it
        {
            throw new DataException($"cannot read {file.Name} of {file.Container}: {OneLine.Of(e)}; give access to it, then run the same command again: what is done is kept");
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"{file.Name} in {file.Container} made the decoder fail", e);
        }
    }

    int? Claim()
    {
        lock (gate)
        {
            while (!stopped && claimed < files.Count && claimed >= taken + slots.Length) Monitor.Wait(gate);
            return stopped || claimed >= files.Count ? null : claimed++;
        }
    }

    void TakeAll(Action<int, string?, byte[]> take)
    {
        for (int index = taken; index < files.Count; index++)
        {
            var slot = slots[index % slots.Length];
            lock (gate)
            {
                while (!stopped && !slot.Ready) Monitor.Wait(gate);
                if (stopped) return;
            }
            take(index, slot.Reason, slot.Record);
            lock (gate)
            {
                slot.Ready = false;
                taken++;
                Monitor.PulseAll(gate);
            }
        }
    }

    void Stop()
    {
        lock (gate)
        {
            stopped = true;
            Monitor.PulseAll(gate);
        }
    }

    sealed class Slot(byte[] record)
    {
        internal readonly byte[] Record = record;
        internal string? Reason;
        internal bool Ready;
    }
}
