using AlexNetActors.Actors;

namespace AlexNetActors.App;

/// <summary>What became of one fault. Times are milliseconds since 1970; what has not happened is null.</summary>
sealed class FaultOutcome(int number, Fault fault)
{
    public int Number => number;
    public Fault Fault => fault;

    /// <summary>When it was struck, at which step, in which generation, and on whom.</summary>
    public double? Struck { get; private set; }
    public long Step { get; private set; }
    public int Generation { get; private set; }
    public string Victims { get; private set; } = "";

    /// <summary>Why it could not be struck, though its moment came.</summary>
    public string? Impossible { get; private set; }

    /// <summary>When the coordinator, or the one that took over, first said that something is wrong, and what.</summary>
    public double? Detected { get; private set; }
    public string? Sign { get; private set; }

    /// <summary>When a step was done again, and when the first one that had not been done before.</summary>
    public double? Trains { get; private set; }
    public double? Recovered { get; private set; }

    long _doneBefore;
    bool _closed;

    public bool Over => Struck is not null || Impossible is not null;
    public double? DetectionMs => Detected - Struck;
    public double? TrainsMs => Trains - Struck;
    public double? RecoveryMs => Recovered - Struck;

    public void Strike(double time, long step, int generation, string victims, long doneBefore)
    {
        (Struck, Step, Generation, Victims, _doneBefore) = (time, step, generation, victims, doneBefore);
    }

    /// <summary>Another fault strikes: if training had gone on after this one, the signs to come are that one's.</summary>
    public void AnotherStrikes() => _closed = Recovered is not null;

    public void CannotStrike(string why) => Impossible = why;

    /// <summary>The first sign counts for detection; each one puts the recovery off.</summary>
    public void Suspect(double time, string sign)
    {
        if (_closed || Struck is null || time < Struck || Recovered is not null && Detected is not null) return;
        (Detected, Sign) = (Detected ?? time, Sign ?? sign);
        (Trains, Recovered) = (null, null);
    }

    public void StepDone(double time, long steps)
    {
        if (Struck is null || time < Struck) return;
        Trains ??= time;
        if (steps > _doneBefore) Recovered ??= time;
    }

    /// <summary>The run's end is a recovery, too: the fault came after the last step.</summary>
    public void RunFinished(double time)
    {
        if (Struck is not null) (Trains, Recovered) = (Trains ?? time, Recovered ?? time);
    }
}

/// <summary>What became of a run with faults.</summary>
/// <param name="Name">Of its folder.</param>
/// <param name="Faults">In the order of the plan.</param>
/// <param name="Seconds">From the first process to the end.</param>
/// <param name="Digest">SHA-256 of its weights; null when it has not come to an end.</param>
/// <param name="CleanDigest">That of the run without faults.</param>
/// <param name="Lost">Samples that no step was done with.</param>
/// <param name="Repeated">Samples whose steps stand in the run's story more than once.</param>
/// <param name="StepsRedone">Steps that were done again after going back.</param>
/// <param name="Generations">Groups that were formed.</param>
/// <param name="Restarts">Processes that were started again.</param>
/// <param name="Coordinators">How many there were, one after the other.</param>
/// <param name="Overlap">Two that commanded at once; null when none did.</param>
/// <param name="Memory">Of its processes.</param>
/// <param name="Failure">Why it did not come to its end: one line.</param>
sealed record FaultRunResult(
    string Name, IReadOnlyList<FaultOutcome> Faults, double Seconds, string? Digest, string CleanDigest, long Lost, long Repeated, long StepsRedone, int Generations, int Restarts,
    int Coordinators, string? Overlap, ResidentMemory Memory, string? Failure)
{
    /// <summary>What is wrong, the first thing that is; null when everything held.</summary>
    public string? Complaint =>
        Failure
        ?? (Faults.FirstOrDefault(f => f.Impossible is not null) is { } impossible ? $"fault \"{impossible.Fault}\" could not be struck: {impossible.Impossible}" : null)
        ?? (Faults.FirstOrDefault(f => f.Struck is null) is { } never ? $"the moment of fault \"{never.Fault}\" never came" : null)
        ?? Overlap
        ?? (Digest != CleanDigest ? "the weights are not those of the clean run" : null)
        ?? (Lost > 0 || Repeated > 0 ? $"{Lost} samples lost, {Repeated} repeated" : null)
        ?? (Faults.FirstOrDefault(f => f.Recovered is null) is { } ill ? $"no new step was seen after fault \"{ill.Fault}\"" : null);

    public bool Held => Complaint is null;
}
