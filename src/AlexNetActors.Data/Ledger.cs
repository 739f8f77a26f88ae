namespace AlexNetActors.Data;

/// <summary>
/// The account of a run's samples: in each of <paramref name="Epochs"/> epochs every record was used exactly once, up to a collision of
/// <see cref="RecordSum"/>s. It is part of a run's progress, so it goes back with the weights and is saved with them.
/// </summary>
/// <param name="Epochs">Whole epochs.</param>
/// <param name="Count">Samples of the epoch that goes on.</param>
/// <param name="Sum">Of their records.</param>
public sealed record Ledger(long Epochs, int Count, RecordSum Sum)
{
    public static readonly Ledger Empty = new(0, 0, default);

    /// <summary>The account after a step.</summary>
    /// <param name="step">What it was trained on.</param>
    /// <param name="epochRecords">Records of an epoch.</param>
    /// <returns>The new account, or what is wrong, in words.</returns>
    public (Ledger After, string? Fault) Add(StepRecords step, int epochRecords)
    {
        var after = this;
        foreach (var share in step.Shares)
        {
            if (share.Epoch != after.Epochs || share.Count < 1 || after.Count + share.Count > epochRecords)
                return (this, $"its records are {share.Count} of epoch {share.Epoch + 1}, where {epochRecords - after.Count} of epoch {after.Epochs + 1} are left");
            after = after with { Count = after.Count + share.Count, Sum = after.Sum + share.Sum };
            if (after.Count < epochRecords) continue;
            if (after.Sum != RecordSum.OfAll(epochRecords))
                return (this, $"with it epoch {after.Epochs + 1} has had {epochRecords} samples, but not each record once");
            after = new Ledger(after.Epochs + 1, 0, default);
        }
        return (after, null);
    }
}
