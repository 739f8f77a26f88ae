using AlexNetActors.Compute;

namespace AlexNetActors.Data;

/// <summary>
/// Fills batches from a data set. A batch is a pure function of (data set, augmentation, seed, batch size, number); any number of
/// threads may read at once, each into its own <see cref="Batch"/>. Reading allocates nothing.
/// </summary>
public sealed class BatchReader
{
    readonly DataFolder data;
    readonly Augmentation augmentation;
    readonly ulong seed;

    /// <summary>Which records make up which training batch.</summary>
    public BatchPlan Plan { get; }

    /// <summary>Batches that hold every validation record once; the last one may be padded.</summary>
    public int ValidationBatches => (data.Validation.Count + Plan.BatchSize - 1) / Plan.BatchSize;

    /// <param name="data">The data set; stays the caller's.</param>
    /// <param name="augmentation">What is done to training records; its crop size is that of validation, too.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="batchSize">Images of a batch.</param>
    /// <exception cref="DataException">The crop is larger than the records.</exception>
    public BatchReader(DataFolder data, Augmentation augmentation, ulong seed, int batchSize)
    {
        if (augmentation.CropSize < 1 || augmentation.CropSize > data.RecordSize)
            throw new DataException($"crops of {augmentation.CropSize} cannot be cut from the records of {data.Path}, which have {data.RecordSize} pixels a side: choose a smaller crop or prepare larger records");
        this.data = data;
        this.augmentation = augmentation;
        this.seed = seed;
        Plan = new BatchPlan(seed, data.Train.Count, batchSize);
    }

    /// <summary>An empty batch that fits.</summary>
    public Batch NewBatch() => new(Plan.BatchSize, augmentation.CropSize);

    /// <summary>The training batch of a step: crops, mirroring and colour shifts drawn for their positions in the sample stream.</summary>
    /// <exception cref="DataException">A record is damaged.</exception>
    public void ReadTraining(long step, Batch destination)
    {
        RequireFit(destination);
        Plan.RecordsOf(step, destination.Records);
        long position = Plan.PositionOf(step);
        for (int i = 0; i < destination.Size; i++)
        {
            Fill(data.Train, destination.Records[i], augmentation.Place(seed, position + i, data.RecordSize), i, destination);
            augmentation.Shift(seed, position + i, data.ColourAxes, destination.ColourShift.AsSpan(3 * i, 3));
        }
    }

    /// <summary>A validation batch, in the order of the pack, with no colour shift.</summary>
    /// <param name="batchIndex">0 to <see cref="ValidationBatches"/> - 1.</param>
    /// <param name="destination">Overwritten; behind the last record its labels are -1.</param>
    /// <param name="view">Which of the <see cref="View.Count"/> views; 0, the centre, is the paper's single view.</param>
    /// <exception cref="DataException">A record is damaged.</exception>
    public void ReadValidation(int batchIndex, Batch destination, int view = 0)
    {
        RequireFit(destination);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)batchIndex, (uint)ValidationBatches, nameof(batchIndex));
        var placement = View.Place(view, data.RecordSize, augmentation.CropSize);
        int first = batchIndex * Plan.BatchSize;
        int images = Math.Min(Plan.BatchSize, data.Validation.Count - first);
        for (int i = 0; i < images; i++) Fill(data.Validation, first + i, placement, i, destination);
        for (int i = images; i < destination.Size; i++) Pad(placement, i, destination);
        Array.Clear(destination.ColourShift);
    }

    void Fill(Pack pack, int record, Placement placement, int image, Batch destination)
    {
        Crop.Cut(pack.Record(record), pack.RecordSize, placement, destination.CropSize, destination.Image(image));
        destination.Placements[image] = placement;
        destination.Labels[image] = pack.Label(record);
        destination.Records[image] = record;
    }

    static void Pad(Placement placement, int image, Batch destination)
    {
        destination.Image(image).Clear();
        destination.Placements[image] = placement;
        destination.Labels[image] = destination.Records[image] = -1;
    }

    void RequireFit(Batch batch)
    {
        if (batch.Size != Plan.BatchSize || batch.CropSize != augmentation.CropSize)
            throw new ArgumentException($"batches here hold {Plan.BatchSize} crops of {augmentation.CropSize}, got one of {batch.Size} crops of {batch.CropSize}");
    }
}
