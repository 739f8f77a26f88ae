using AlexNetActors.Compute;

namespace AlexNetActors.Data;

/// <summary>
/// Which records make up which batch, as a pure function of (seed, number of records, batch size). The sample stream is one random
/// permutation of the records an epoch, one behind the other, cut into batches across the seams: every record once an epoch, no short batch.
/// Two permutations are kept (this epoch's and the next's), so that a step costs its batch size. Safe for any number of threads.
/// </summary>
public sealed class BatchPlan
{
    readonly ulong seed;
    readonly Permutation?[] kept = new Permutation?[2]; // by parity of the epoch
    readonly Lock shuffling = new();

    /// <summary>Records of an epoch.</summary>
    public int Records { get; }

    /// <summary>Samples of a step.</summary>
    public int BatchSize { get; }

    /// <param name="seed">The run's seed.</param>
    /// <param name="records">Number of training records.</param>
    /// <param name="batchSize">Samples of a step; may exceed the number of records.</param>
    public BatchPlan(ulong seed, int records, int batchSize)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(records);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(batchSize);
        this.seed = seed;
        Records = records;
        BatchSize = batchSize;
    }

    /// <summary>Position in the sample stream of a step's first sample.</summary>
    public long PositionOf(long step)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        return checked(step * BatchSize);
    }

    /// <summary>Epoch of a step's first sample, from 0.</summary>
    public long EpochOf(long step) => PositionOf(step) / Records;

    /// <summary>Number of steps after which every record was seen <paramref name="epochs"/> times: the first step whose samples all lie in later epochs.</summary>
    public long StepsOf(long epochs) => (checked(epochs * Records) + BatchSize - 1) / BatchSize;

    /// <summary>The records of a step, in order.</summary>
    /// <param name="step">Number of the step, from 0.</param>
    /// <param name="records">[BatchSize], overwritten.</param>
    public void RecordsOf(long step, Span<int> records)
    {
        if (records.Length != BatchSize) throw new ArgumentException($"a batch has {BatchSize} records, got room for {records.Length}", nameof(records));
        var (epoch, first) = Math.DivRem(PositionOf(step), Records);
        for (int i = 0; i < records.Length; epoch++, first = 0)
        {
            var rest = Of(epoch).Order.AsSpan((int)first);
            int taken = Math.Min(rest.Length, records.Length - i);
            rest[..taken].CopyTo(records[i..]);
            i += taken;
        }
    }

    Permutation Of(long epoch)
    {
        ref var slot = ref kept[epoch & 1];
        var permutation = Volatile.Read(ref slot);
        if (permutation?.Epoch == epoch) return permutation;
        lock (shuffling)
        {
            permutation = slot;
            if (permutation?.Epoch == epoch) return permutation;
            return slot = Shuffle(epoch);
        }
    }

    /// <summary>Fisher and Yates, drawing word i of (seed, Shuffle, epoch) for place i.</summary>
    Permutation Shuffle(long epoch)
    {
        var random = new Philox(seed, Purpose.Shuffle, 0, (ulong)epoch);
        int[] order = new int[Records];
        for (int i = 0; i < order.Length; i++)
        {
            int j = (int)random.Below((ulong)i, (uint)i + 1);
            order[i] = order[j];
            order[j] = i;
        }
        return new Permutation(epoch, order);
    }

    sealed record Permutation(long Epoch, int[] Order);
}
