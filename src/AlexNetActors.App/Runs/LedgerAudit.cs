using System.Text.Json;
using AlexNetActors.Data;

namespace AlexNetActors.App;

/// <summary>
/// Whether every sample of a run was used exactly once an epoch: what the towers said at each step, as metrics.jsonl has it, added up over each epoch
/// and compared with all records of the pack; step by step with the plan of the batches, which names the step that is wrong; and the ledger that each
/// checkpoint was saved with.
/// </summary>
/// <param name="Steps">Steps accounted for.</param>
/// <param name="Epochs">Whole epochs among them.</param>
/// <param name="Records">Records of an epoch.</param>
/// <param name="Faults">What is wrong, a line each; empty when every sample was used once.</param>
/// <param name="Notes">What is missing and accounted for all the same.</param>
sealed record LedgerAudit(long Steps, long Epochs, int Records, IReadOnlyList<string> Faults, IReadOnlyList<string> Notes)
{
    /// <param name="metrics">The run's metrics.jsonl.</param>
    /// <param name="plan">Of its batches.</param>
    /// <param name="checkpoints">Those that are whole: steps and ledger.</param>
    public static LedgerAudit Of(string metrics, BatchPlan plan, IReadOnlyList<(long Steps, Ledger Ledger)> checkpoints)
    {
        var audit = new Reading(plan);
        if (OrdinaryFile.HasBytes(metrics))
        {
            using var file = new FileStream(metrics, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            foreach (var line in MetricsLine.Read(file)) audit.Take(line);
        }
        audit.CompareEpochs();
        foreach (var (steps, ledger) in checkpoints) audit.Compare(steps, ledger);
        return new LedgerAudit(audit.Steps, audit.Epochs, plan.Records, audit.Faults, audit.Notes);
    }

    sealed class Reading(BatchPlan plan)
    {
        readonly Dictionary<long, (int Count, RecordSum Sum)> _epochs = [];
        readonly RecordSum _all = RecordSum.OfAll(plan.Records);

        public List<string> Faults { get; } = [];
        public List<string> Notes { get; } = [];

        /// <summary>Steps done at the last line that counts.</summary>
        public long Steps { get; private set; }

        public long Epochs => plan.EpochOf(Steps);

        public void Take(MetricsLine line)
        {
            if (line.Json is null) Faults.Add($"line {line.Number} is damaged");
            else if (line.Kind == "gap") TakeGap(line);
            else if (line.Kind == "step") TakeStep(line);
        }

        /// <summary>The lines before it died with a process; the checkpoint that the run went on from had this ledger.</summary>
        void TakeGap(MetricsLine line)
        {
            if (ReadLedger(line) is not { } ledger)
            {
                Faults.Add($"line {line.Number} has no ledger");
                return;
            }
            if ((long?)line.Json!["after"] != Steps) Faults.Add($"line {line.Number} goes on after step {line.Json["after"]}, the line before it is of step {Steps}");
            Notes.Add($"steps {Steps + 1} to {line.Step} have no line, they died with a process; the ledger of the checkpoint after step {line.Step} accounts for them");
            for (long epoch = Epochs; epoch < Math.Min(ledger.Epochs, plan.EpochOf(line.Step)); epoch++) _epochs[epoch] = (plan.Records, _all);
            _epochs[ledger.Epochs] = (ledger.Count, ledger.Sum);
            Steps = line.Step;
            Compare(Steps, ledger);
        }

        static Ledger? ReadLedger(MetricsLine line)
        {
            try
            {
                return line.Json!["ledger"]?.Deserialize<Ledger>(MetricsLine.Values);
            }
            catch (JsonException)
            {
                return null;
            }
        }

        void TakeStep(MetricsLine line)
        {
            if (line.Step <= Steps)
            {
                Faults.Add($"line {line.Number} is of step {line.Step}, which had its line before: trained twice");
                return;
            }
            if (line.Step > Steps + 1) Faults.Add($"{(line.Step == Steps + 2 ? $"step {line.Step - 1} has" : $"steps {Steps + 1} to {line.Step - 1} have")} no line");
            Steps = line.Step;
            if (line.Records is not { } records)
            {
                Faults.Add($"step {line.Step} does not say what it was trained on");
                return;
            }
            if (!records.Equals(Planned(line.Step - 1))) Faults.Add($"step {line.Step} was trained on other records than those of its batch");
            foreach (var share in records.Shares)
            {
                var (count, sum) = _epochs.GetValueOrDefault(share.Epoch);
                _epochs[share.Epoch] = (count + share.Count, sum + share.Sum);
            }
        }

        StepRecords Planned(long step)
        {
            var records = new int[plan.BatchSize];
            plan.RecordsOf(step, records);
            return StepRecords.Of(records, step, plan.Records);
        }

        /// <summary>Without the plan: whatever the order, each record once. Where an epoch has none, its steps have no line, which has been said.</summary>
        public void CompareEpochs()
        {
            foreach (var (epoch, (count, sum)) in _epochs.Where(e => e.Key < Epochs).OrderBy(e => e.Key))
            {
                if (count != plan.Records) Faults.Add($"epoch {epoch + 1} has {count} samples, the pack has {plan.Records} records");
                else if (sum != _all) Faults.Add($"epoch {epoch + 1} has {count} samples, but not each record once");
            }
        }

        /// <summary>The ledger that weights were saved with, with what they ought to have seen.</summary>
        public void Compare(long steps, Ledger ledger)
        {
            if (steps > Steps) Notes.Add($"the lines after step {Steps} are missing, they died with a process or were removed; the ledger of the checkpoint after step {steps} accounts for them");
            long epoch = plan.EpochOf(steps), first = epoch * plan.Records / plan.BatchSize;
            var shares = Enumerable.Range(0, (int)(steps - first)).SelectMany(n => Planned(first + n).Shares).Where(s => s.Epoch == epoch).ToList();
            var expected = new Ledger(epoch, shares.Sum(s => s.Count), shares.Aggregate(default(RecordSum), (sum, s) => sum + s.Sum));
            if (ledger != expected)
                Faults.Add($"the checkpoint after step {steps} has seen {ledger.Epochs} epochs and {ledger.Count} samples with the sum {ledger.Sum}, and should have seen {expected.Epochs} and {expected.Count} with {expected.Sum}");
        }
    }
}
