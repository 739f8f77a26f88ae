using AlexNetActors.Data;
using AlexNetActors.Model;

namespace AlexNetActors.Tests.Actors.Simulation;

/// <summary>
/// A tower whose weights are one number, and whose steps mix it with the batch, the rate and what both towers give, so that any step done
/// twice, left out, on other weights, or summed in another order ends in another number.
/// </summary>
static class ToyTower
{
    public static ulong Initial(TowerId tower) => Mix(2012, (ulong)tower);

    public static ulong Given(ulong weights, long batch) => Mix(weights, (ulong)batch);

    public static ulong Part(ulong weights, ulong gatheredA, ulong gatheredB) => Mix(weights, Mix(gatheredA, gatheredB));

    /// <summary>The order counts, as it does for floats.</summary>
    public static ulong Sum(ulong a, ulong b) => Mix(a, b);

    public static ulong Updated(ulong weights, ulong sum, float rate) => Mix(Mix(weights, sum), BitConverter.SingleToUInt32Bits(rate));

    public static BatchPlan Plan(RunLimits limits) => new(seed: 7, limits.Records, limits.Batch);

    /// <summary>What a step's batch has of the records.</summary>
    public static StepRecords Records(BatchPlan plan, long step)
    {
        var records = new int[plan.BatchSize];
        plan.RecordsOf(step, records);
        return StepRecords.Of(records, step, plan.Records);
    }

    /// <summary>Errors of a validation batch: a number for the schedule to follow.</summary>
    public static int Errors(long number) => (int)(number * 7919 % 11);

    public static (ulong A, ulong B) Step((ulong A, ulong B) w, long batch, float rate)
    {
        var (a, b) = (Given(w.A, batch), Given(w.B, batch));
        ulong sum = Sum(Part(w.A, a, b), Part(w.B, a, b));
        return (Updated(w.A, sum, rate), Updated(w.B, sum, rate));
    }

    /// <summary>The definition of a run: one thread, no messages.</summary>
    public static (RunProgress Progress, (ulong A, ulong B) Weights) Run(RunLimits limits, int validationBatches)
    {
        var progress = RunProgress.Start(limits);
        var weights = (Initial(TowerId.A), Initial(TowerId.B));
        var plan = Plan(limits);
        while (true)
        {
            switch (progress.Next(limits))
            {
                case RunStage.Train:
                    weights = Step(weights, progress.Steps, progress.Schedule.Rate);
                    progress = progress.AfterStep() with { Ledger = progress.Ledger.Add(Records(plan, progress.Steps), limits.Records).After };
                    break;
                case RunStage.Validate:
                    int errors = Enumerable.Range(0, validationBatches).Sum(i => Errors(progress.Steps * validationBatches + i));
                    progress = progress.AfterValidation(limits, errors / (10.0 * validationBatches));
                    break;
                case RunStage.Checkpoint: progress = progress.AfterCheckpoint(); break;
                default: return (progress, weights);
            }
        }
    }

    /// <summary>Splits a number over the first floats of the first and of the last array of a state, exactly.</summary>
    public static void Write(ulong weights, TowerState into)
    {
        WriteFirst(weights, into);
        WriteLast(weights, into);
    }

    public static void WriteFirst(ulong weights, TowerState into) => Put(weights, into.Values[0].Data);

    public static void WriteLast(ulong weights, TowerState into) => Put(weights, into.Values[^1].Data);

    /// <summary>The number; of a state that is half one and half another, a third.</summary>
    public static ulong Read(TowerState state)
    {
        ulong first = ReadFirst(state), last = Take(state.Values[^1].Data);
        return first == last ? first : Mix(first, last);
    }

    public static ulong ReadFirst(TowerState state) => Take(state.Values[0].Data);

    public static float[] Floats(ulong number)
    {
        float[] floats = new float[Pieces];
        Put(number, floats);
        return floats;
    }

    public static ulong Number(ReadOnlySpan<float> floats) => Take(floats);

    const int Pieces = 4, Bits = 16;

    static void Put(ulong number, Span<float> into)
    {
        for (int i = 0; i < Pieces; i++) into[i] = (ushort)(number >> (Bits * i));
    }

    static ulong Take(ReadOnlySpan<float> from)
    {
        ulong number = 0;
        for (int i = 0; i < Pieces; i++) number |= (ulong)from[i] << (Bits * i);
        return number;
    }

    /// <summary>SplitMix64's last lines over both numbers; not the same for them exchanged.</summary>
    static ulong Mix(ulong a, ulong b)
    {
        ulong x = (a * 0x9E3779B97F4A7C15) + b + 0x632BE59BD9B4E019;
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
        return x ^ (x >> 31);
    }
}
