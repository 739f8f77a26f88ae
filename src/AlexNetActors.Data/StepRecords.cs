using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace AlexNetActors.Data;

/// <summary>What a tower says of the records that a step was trained on: taken from the batch itself, not from the plan.</summary>
/// <param name="Order">Hash (XXH3) of their numbers in the order of the batch: two towers that say the same had the same batch.</param>
/// <param name="Shares">What falls to each epoch, one after the other: a batch across a seam has more than one.</param>
public sealed record StepRecords(ulong Order, IReadOnlyList<EpochShare> Shares)
{
    /// <param name="records">The batch's, in its order.</param>
    /// <param name="step">Number of the step, from 0.</param>
    /// <param name="epochRecords">Records of an epoch.</param>
    public static StepRecords Of(ReadOnlySpan<int> records, long step, int epochRecords)
    {
        var shares = new List<EpochShare>();
        long position = step * records.Length;
        for (int done = 0; done < records.Length;)
        {
            var (epoch, first) = Math.DivRem(position + done, epochRecords);
            int count = (int)Math.Min(records.Length - done, epochRecords - first);
            shares.Add(new EpochShare(epoch, count, RecordSum.Of(records.Slice(done, count))));
            done += count;
        }
        return new StepRecords(XxHash3.HashToUInt64(MemoryMarshal.AsBytes(records)), shares);
    }

    public bool Equals(StepRecords? other) => other is not null && Order == other.Order && Shares.SequenceEqual(other.Shares);

    public override int GetHashCode() => Order.GetHashCode();
}

/// <summary>The part of a batch that belongs to one epoch.</summary>
/// <param name="Epoch">Which, from 0.</param>
/// <param name="Count">How many samples.</param>
/// <param name="Sum">Of their records.</param>
public readonly record struct EpochShare(long Epoch, int Count, RecordSum Sum);
