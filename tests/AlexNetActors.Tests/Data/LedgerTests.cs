using AlexNetActors.Data;
using CsCheck;

namespace AlexNetActors.Tests.Data;

/// <summary>The account of samples: exact where every record is used once an epoch, wrong as soon as one is not.</summary>
public class LedgerTests
{
    static StepRecords OfPlan(BatchPlan plan, long step)
    {
        var records = new int[plan.BatchSize];
        plan.RecordsOf(step, records);
        return StepRecords.Of(records, step, plan.Records);
    }

    [Fact]
    public void The_plan_uses_every_record_once_an_epoch_whatever_the_seams() =>
        Gen.Select(Gen.ULong, Gen.Int[1, 50], Gen.Int[1, 120], Gen.Int[1, 30]).Sample((seed, records, batch, steps) =>
        {
            var plan = new BatchPlan(seed, records, batch);
            var ledger = Ledger.Empty;
            for (int step = 0; step < steps; step++)
            {
                (ledger, string? fault) = ledger.Add(OfPlan(plan, step), records);
                Assert.Null(fault);
                Assert.Equal((plan.EpochOf(step + 1), (int)(plan.PositionOf(step + 1) % records)), (ledger.Epochs, ledger.Count));
            }
        }, iter: 1000);

    /// <summary>One sample of one step is another record's: the epoch does not come out, or, where it is not over yet, its sum differs.</summary>
    [Fact]
    public void One_wrong_record_is_found_at_the_end_of_its_epoch() =>
        Gen.Select(Gen.ULong, Gen.Int[2, 50], Gen.Int[1, 20], Gen.Int[1, 1000]).Sample((seed, records, batch, where) =>
        {
            var plan = new BatchPlan(seed, records, batch);
            long steps = plan.StepsOf(2), wrong = where % steps;
            var ledger = Ledger.Empty;
            string? fault = null;
            for (long step = 0; step <= plan.StepsOf(plan.EpochOf(wrong) + 2) && fault is null; step++)
            {
                var batchRecords = new int[batch];
                plan.RecordsOf(step, batchRecords);
                if (step == wrong) batchRecords[where % batch] = (batchRecords[where % batch] + 1) % records;
                (ledger, fault) = ledger.Add(StepRecords.Of(batchRecords, step, records), records);
            }
            Assert.EndsWith("but not each record once", fault);
        }, iter: 1000);

    [Fact]
    public void A_sum_does_not_depend_on_the_order_and_counts_repetitions()
    {
        Assert.Equal(RecordSum.OfAll(3), RecordSum.Of([2, 0, 1]));
        Assert.Equal(RecordSum.Of([5, 5, 9]), RecordSum.Of([5]) + RecordSum.Of([9, 5]));
        Assert.NotEqual(RecordSum.Of([5, 5, 9]), RecordSum.Of([5, 9, 9]));
        Assert.NotEqual(RecordSum.Of([1, 4]), RecordSum.Of([2, 3])); // numbers of one sum
        Assert.Equal(RecordSum.Of([1, 2, 3]), RecordSum.Parse(RecordSum.Of([1, 2, 3]).ToString()));
    }

    [Fact]
    public void A_million_records_have_a_million_hashes() =>
        Assert.Equal(1_000_000, Enumerable.Range(0, 1_000_000).Select(r => RecordSum.Of([r])).Distinct().Count());

    [Fact]
    public void The_order_of_a_batch_counts_between_towers_though_not_for_its_sum()
    {
        var (ab, ba) = (StepRecords.Of([1, 2], 0, 10), StepRecords.Of([2, 1], 0, 10));
        Assert.NotEqual(ab, ba);
        Assert.Equal(ab.Shares, ba.Shares);
        Assert.Equal(ab, StepRecords.Of([1, 2], 0, 10));
    }

    [Fact]
    public void A_batch_larger_than_the_pack_has_a_share_of_every_epoch_it_covers() =>
        Assert.Equal([(1, 1), (2, 3), (3, 1)], StepRecords.Of([2, 0, 1, 2, 0], step: 1, epochRecords: 3).Shares.Select(s => ((int)s.Epoch, s.Count)));
}
