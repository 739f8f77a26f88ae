namespace AlexNetActors.Data;

/// <summary>What became of each source file, told by a finished target, whose journal is gone: where something in it is damaged, the rest need not be made again.</summary>
internal static class FinishedOutcomes
{
    /// <returns>One a source file; none if the packs' tables are damaged, or the packs are not the ones that the report is of.</returns>
    internal static IReadOnlyList<Outcome> Of(string target, PrepareSource source, PrepareReport report)
    {
        var reasons = report.Skipped.DistinctBy(skipped => skipped.File).ToDictionary(skipped => skipped.File, skipped => skipped.Reason);
        try
        {
            using var training = Pack.Open(Path.Combine(target, PackManifest.TrainingName));
            using var validation = Pack.Open(Path.Combine(target, PackManifest.ValidationName));
            if (PackManifest.DigestOf(training.RecordSize, source.Classes, PackEntry.Of(training), PackEntry.Of(validation)) != report.Digest) return [];
            Outcome[] all = [.. Of(source.Training, training, reasons), .. Of(source.Validation, validation, reasons)];
            bool each = all.Length == source.Training.Count + source.Validation.Count && all.Count(outcome => outcome.Reason is null) == training.Count + validation.Count;
            return each ? all : [];
        }
        catch (DataException e) when (e is not DataUnreadableException)
        {
            return [];
        }
    }

    static IEnumerable<Outcome> Of(IReadOnlyList<SourceFile> files, Pack pack, Dictionary<string, string> reasons)
    {
        int record = 0;
        foreach (var file in files)
            if (reasons.TryGetValue(file.Name, out string? reason)) yield return new Outcome(0, reason);
            else if (record < pack.Count && pack.Label(record) == file.Label) yield return new Outcome(pack.ChecksumOf(record++), null);
            else yield break;
    }
}
