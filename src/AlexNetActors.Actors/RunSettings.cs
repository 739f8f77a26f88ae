using AlexNetActors.Model;

namespace AlexNetActors.Actors;

/// <summary>What the coordinator is told of the run; read once from HOCON, the command line and the run folder.</summary>
/// <param name="RecipeText">The resolved recipe as every member reads it.</param>
/// <param name="Terms">What every node must have in common with it.</param>
/// <param name="Limits">When the run ends and when it writes.</param>
/// <param name="Group">What the group is made of.</param>
/// <param name="Network">The recipe's network.</param>
/// <param name="Checkpoints">Where checkpoints go.</param>
/// <param name="Resume">Folder of the checkpoint to go on from; null starts afresh.</param>
/// <param name="Progress">Where the run stands: the checkpoint's, or the start.</param>
/// <param name="StepDeadline">Longest time a pass, an exchange or a checkpoint may take.</param>
public sealed record RunSettings(
    string RecipeText, RunTerms Terms, RunLimits Limits, GroupShape Group, Network Network,
    string Checkpoints, string? Resume, RunProgress Progress, TimeSpan StepDeadline);

/// <summary>What a run may only go on with: written into every checkpoint.</summary>
/// <param name="RecipeDigest">Of what determines the numbers.</param>
/// <param name="DataDigest">Of the data set.</param>
/// <param name="DeviceKind">Of the devices; null until a run that starts afresh has its first group.</param>
public sealed record RunIdentity(string RecipeDigest, string DataDigest, string? DeviceKind)
{
    /// <summary>What snapshots of this run are called: equal words and as many steps mean equal bits.</summary>
    public string Text => $"{RecipeDigest}/{DataDigest}/{DeviceKind}";
}

/// <summary>What the group is made of.</summary>
/// <param name="Loaders">Loaders that must be there at least.</param>
/// <param name="ReadAhead">Batches that may be prepared ahead.</param>
/// <param name="ValidationBatches">Batches of the validation set.</param>
/// <param name="SnapshotSteps">Steps between snapshots in the members' memory; 0 for none.</param>
public sealed record GroupShape(int Loaders, int ReadAhead, int ValidationBatches, int SnapshotSteps = 0);
