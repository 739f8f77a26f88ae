using AlexNetActors.Data;

namespace AlexNetActors.Tests.Data;

public class BatchReaderTests
{
    const int RecordSize = 20, CropSize = 15;

    [Theory]
    [InlineData(15)]
    [InlineData(16)]
    [InlineData(5)] // narrower than a vector
    [InlineData(20)]
    public void PixelsAreThoseUnderThePlacement(int cropSize)
    {
        using var folder = new TemporaryFolder();
        using var data = SmallData.Create(folder["d"], 21, 10, RecordSize);
        var reader = new BatchReader(data, new Augmentation(cropSize, RandomCrop: true, Mirror: true, ColourSigma: 0.1), 3, 8);
        var batch = reader.NewBatch();
        int mirrored = 0;
        for (long step = 0; step < 6; step++)
        {
            reader.ReadTraining(step, batch);
            for (int i = 0; i < 8; i++)
            {
                var placement = batch.Placements[i];
                if (placement.Mirrored) mirrored++;
                for (int y = 0; y < cropSize; y++)
                    for (int x = 0; x < cropSize; x++)
                        for (int c = 0; c < 3; c++)
                        {
                            int left = placement.Left + (placement.Mirrored ? cropSize - 1 - x : x);
                            Assert.Equal(
                                SmallData.Byte(batch.Records[i], ((placement.Top + y) * RecordSize + left) * 3 + c),
                                batch.Pixels[((i * cropSize + y) * cropSize + x) * 3 + c]);
                        }
                Assert.Equal(batch.Records[i] % 3, batch.Labels[i]);
            }
            Assert.Equal(24, batch.ColourShift.Count(shift => shift != 0));
        }
        Assert.InRange(mirrored, 10, 38);
    }

    /// <summary>Over three epochs: who comes again is cropped and coloured anew.</summary>
    [Fact]
    public void EverySampleHasTheDrawsOfItsPlaceInTheStream()
    {
        using var folder = new TemporaryFolder();
        using var data = SmallData.Create(folder["d"], 21, 10, RecordSize);
        var augmentation = new Augmentation(CropSize, RandomCrop: true, Mirror: true, ColourSigma: 0.1);
        var reader = new BatchReader(data, augmentation, 3, 8);
        var (batch, records, shift) = (reader.NewBatch(), new int[8], new float[3]);
        for (long step = 0; step < 8; step++)
        {
            reader.ReadTraining(step, batch);
            new BatchPlan(3, 21, 8).RecordsOf(step, records);
            Assert.Equal(records, batch.Records);
            for (int i = 0; i < 8; i++)
            {
                augmentation.Shift(3, 8 * step + i, data.ColourAxes, shift);
                Assert.Equal(augmentation.Place(3, 8 * step + i, RecordSize), batch.Placements[i]);
                Assert.Equal(shift, batch.ColourShift[(3 * i)..(3 * i + 3)]);
            }
        }
    }

    [Fact]
    public void ABatchDoesNotDependOnWhoReadsItOrWhen()
    {
        using var folder = new TemporaryFolder();
        using var data = SmallData.Create(folder["d"], 50, 10, RecordSize);
        var augmentation = new Augmentation(CropSize, true, true, 0.1);
        var alone = Enumerable.Range(0, 40).Select(step => Read(new BatchReader(data, augmentation, 3, 8), step)).ToList();
        var shared = new BatchReader(data, augmentation, 3, 8);
        Parallel.For(0, 40, new ParallelOptions { MaxDegreeOfParallelism = 4 }, i => Assert.Equal(alone[39 - i], Read(shared, 39 - i)));
        Assert.NotEqual(alone[0], Read(new BatchReader(data, augmentation, 4, 8), 0));

        static string Read(BatchReader reader, long step)
        {
            var batch = reader.NewBatch();
            reader.ReadTraining(step, batch);
            return $"{Convert.ToHexString(batch.Pixels)} {string.Join(' ', batch.Placements)} {string.Join(' ', batch.ColourShift)} {string.Join(' ', batch.Labels)}";
        }
    }

    [Fact]
    public void ValidationShowsEveryRecordOnceAndPadsTheLastBatch()
    {
        using var folder = new TemporaryFolder();
        using var data = SmallData.Create(folder["d"], 12, 10, RecordSize);
        var reader = new BatchReader(data, new Augmentation(CropSize, true, true, 0.1), 3, 4);
        var batch = reader.NewBatch();
        Assert.Equal(3, reader.ValidationBatches);
        var seen = new List<int>();
        for (int b = 0; b < 3; b++)
        {
            reader.ReadTraining(b, batch); // leaves its traces in the buffer
            reader.ReadValidation(b, batch);
            seen.AddRange(batch.Records.Where(record => record >= 0));
            Assert.All(batch.Placements, placement => Assert.Equal(View.Place(0, RecordSize, CropSize), placement));
            Assert.All(batch.ColourShift, shift => Assert.Equal(0, shift));
        }
        Assert.Equal(Enumerable.Range(0, 10), seen);
        Assert.Equal([2, 0, -1, -1], batch.Labels);
        Assert.Equal([8, 9, -1, -1], batch.Records);
        Assert.All(batch.Image(3).ToArray(), pixel => Assert.Equal(0, pixel));
    }

    [Fact]
    public void AViewIsCutWhereItSays()
    {
        using var folder = new TemporaryFolder();
        using var data = SmallData.Create(folder["d"], 12, 4, RecordSize);
        var reader = new BatchReader(data, new Augmentation(CropSize, true, true, 0.1), 3, 4);
        var batch = reader.NewBatch();
        for (int view = 0; view < View.Count; view++)
        {
            reader.ReadValidation(0, batch, view);
            var placement = View.Place(view, RecordSize, CropSize);
            Assert.Equal(placement, batch.Placements[2]);
            int first = (placement.Top * RecordSize + placement.Left + (placement.Mirrored ? CropSize - 1 : 0)) * 3;
            Assert.Equal(SmallData.Byte(2, first), batch.Image(2)[0]);
        }
    }

    [Fact]
    public void ReadingAllocatesNothing()
    {
        using var folder = new TemporaryFolder();
        using var data = SmallData.Create(folder["d"], 64, 16, RecordSize);
        var reader = new BatchReader(data, new Augmentation(CropSize, true, true, 0.1), 3, 16);
        var batch = reader.NewBatch();
        for (int step = 0; step < 8; step++) reader.ReadTraining(step, batch); // both permutations are there
        reader.ReadValidation(0, batch);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int step = 0; step < 8; step++) reader.ReadTraining(step, batch);
        reader.ReadValidation(0, batch);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void CropsLargerThanTheRecordsAreRefused()
    {
        using var folder = new TemporaryFolder();
        using var data = SmallData.Create(folder["d"], 12, 4, RecordSize);
        Assert.Contains("21", Assert.Throws<DataException>(() => new BatchReader(data, new Augmentation(21, true, true, 0), 1, 4)).Message);
        Assert.Throws<ArgumentException>(() => new BatchReader(data, new Augmentation(10, true, true, 0), 1, 4).ReadTraining(0, new Batch(4, 11)));
    }
}
