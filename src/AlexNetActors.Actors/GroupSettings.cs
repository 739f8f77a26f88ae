using AlexNetActors.Compute;
using AlexNetActors.Model;

namespace AlexNetActors.Actors;

/// <summary>Everything a node's actors are told at birth; read once from HOCON and the command line.</summary>
/// <param name="Recipe">What determines the numbers.</param>
/// <param name="Limits">When the run ends and when it writes.</param>
/// <param name="DataPath">The data set's folder, opened by every loader.</param>
/// <param name="Devices">One device for both towers, or tower A's and tower B's.</param>
/// <param name="Loaders">Number of loaders.</param>
/// <param name="ReadAhead">Batches that may be prepared ahead of the towers.</param>
/// <param name="Checkpoints">Where checkpoints go.</param>
/// <param name="Resume">Folder of the checkpoint to go on from; null starts afresh.</param>
/// <param name="Progress">Where the run stands: the checkpoint's, or the start.</param>
/// <param name="Identity">What a checkpoint says of its origin.</param>
/// <param name="StepDeadline">Longest time a pass, an exchange or a checkpoint may take.</param>
public sealed record GroupSettings(
    Recipe Recipe, RunLimits Limits, string DataPath, IReadOnlyList<DeviceFactory> Devices, int Loaders, int ReadAhead,
    string Checkpoints, string? Resume, RunProgress Progress, RunIdentity Identity, TimeSpan StepDeadline);

/// <summary>A device by name, opened on the thread that will use it.</summary>
/// <param name="Name">As the command line names it.</param>
/// <param name="Kind">Devices of one kind give the same bits.</param>
/// <param name="Memory">Where its tensors lie: <see cref="IDevice.Memory"/>.</param>
/// <param name="Open">Opens it.</param>
/// <param name="MemoryBytes">Memory of its own; null where it is the processor's.</param>
/// <param name="Description">What it is and what computes on it.</param>
public sealed record DeviceFactory(string Name, string Kind, string Memory, Func<IDevice> Open, long? MemoryBytes = null, string Description = "");

/// <summary>What a run may only go on with: written into every checkpoint.</summary>
public sealed record RunIdentity(string RecipeDigest, string DataDigest, string DeviceKind);
