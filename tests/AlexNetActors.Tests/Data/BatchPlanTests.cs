using AlexNetActors.Data;

namespace AlexNetActors.Tests.Data;

public class BatchPlanTests
{
    [Theory]
    [InlineData(103, 16)] // seams within batches
    [InlineData(128, 128)]
    [InlineData(5, 12)] // an epoch shorter than a batch
    [InlineData(1, 3)]
    public void EveryRecordComesOnceAnEpochAcrossTheSeams(int records, int batchSize)
    {
        var plan = new BatchPlan(7, records, batchSize);
        const int epochs = 6;
        var stream = new List<int>();
        int[] batch = new int[batchSize];
        for (long step = 0; step < plan.StepsOf(epochs); step++)
        {
            plan.RecordsOf(step, batch);
            stream.AddRange(batch);
        }
        for (int epoch = 0; epoch < epochs; epoch++)
            Assert.Equal(Enumerable.Range(0, records), stream.Skip(epoch * records).Take(records).Order());
        Assert.InRange(stream.Count - epochs * records, 0, batchSize - 1);
    }

    [Fact]
    public void AStepIsAPureFunctionOfItsNumber()
    {
        var forward = new BatchPlan(7, 50, 8);
        var backward = new BatchPlan(7, 50, 8);
        var inOrder = Enumerable.Range(0, 60).Select(step => RecordsOf(forward, step)).ToList();
        for (int step = 59; step >= 0; step--) Assert.Equal(inOrder[step], RecordsOf(backward, step));
    }

    [Fact]
    public void AnotherSeedOrEpochIsAnotherOrder()
    {
        int[] first = RecordsOf(new BatchPlan(1, 1000, 1000), 0);
        Assert.NotEqual(first, RecordsOf(new BatchPlan(2, 1000, 1000), 0));
        Assert.NotEqual(first, RecordsOf(new BatchPlan(1, 1000, 1000), 1));
        Assert.InRange(first.Select((record, i) => record == i ? 1 : 0).Sum(), 0, 8); // fixed points of a random permutation: 1 on average
    }

    [Fact]
    public void EveryPlaceIsEquallyLikely()
    {
        const int records = 8, epochs = 4000;
        var plan = new BatchPlan(3, records, records);
        var counts = new int[records, records];
        for (int epoch = 0; epoch < epochs; epoch++)
        {
            int[] order = RecordsOf(plan, epoch);
            for (int place = 0; place < records; place++) counts[place, order[place]]++;
        }
        // 500 expected, standard deviation 21: six of them either way.
        foreach (int count in counts) Assert.InRange(count, 374, 626);
    }

    [Fact]
    public void ManyThreadsReadTheSame()
    {
        var plan = new BatchPlan(11, 997, 64);
        var alone = Enumerable.Range(0, 200).Select(step => RecordsOf(new BatchPlan(11, 997, 64), step)).ToList();
        Parallel.For(0, 200, new ParallelOptions { MaxDegreeOfParallelism = 4 }, step => Assert.Equal(alone[step], RecordsOf(plan, step)));
    }

    [Fact]
    public void EpochsAndStepsAgree()
    {
        var plan = new BatchPlan(0, 100, 30);
        Assert.Equal([0, 0, 0, 0, 1, 1, 1, 2], Enumerable.Range(0, 8).Select(step => (int)plan.EpochOf(step)));
        Assert.Equal([0L, 4, 7, 10, 14], Enumerable.Range(0, 5).Select(epochs => plan.StepsOf(epochs)));
    }

    static int[] RecordsOf(BatchPlan plan, long step)
    {
        int[] records = new int[plan.BatchSize];
        plan.RecordsOf(step, records);
        return records;
    }
}
