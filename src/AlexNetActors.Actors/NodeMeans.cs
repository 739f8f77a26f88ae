using AlexNetActors.Compute;
using AlexNetActors.Model;

namespace AlexNetActors.Actors;

/// <summary>What a process brings into the group.</summary>
/// <param name="Version">The program's version.</param>
/// <param name="Name">The node's name: host:port in a cluster.</param>
/// <param name="Recipe">What determines the numbers, if it was given a recipe of its own: lines "key = value".</param>
/// <param name="DataPath">Its copy of the data set; null where it serves none.</param>
/// <param name="Data">What that is.</param>
/// <param name="Devices">Its devices.</param>
/// <param name="Loaders">Number of its loaders.</param>
/// <param name="BatchDeadline">How long a tower waits for a batch before the coordinator is told.</param>
/// <param name="ReadRecipe">Makes a recipe of the text that the coordinator sends.</param>
/// <param name="Tensors">Its tensor connections; null in a group of one process.</param>
/// <param name="Shelf">The snapshots in its memory.</param>
public sealed record NodeMeans(
    string Version, string Name, string? Recipe, string? DataPath, DataOffer? Data, IReadOnlyList<OfferedDevice> Devices, int Loaders, TimeSpan BatchDeadline,
    Func<string, Recipe> ReadRecipe, TensorNode? Tensors, SnapshotShelf Shelf);

/// <summary>A device and the towers that it must hold; none for any one.</summary>
public sealed record OfferedDevice(DeviceFactory Factory, IReadOnlyList<TowerId> Pinned)
{
    /// <summary>As `alexnet train` names them: one for both towers, or tower A's and tower B's.</summary>
    public static IReadOnlyList<OfferedDevice> ByTower(IReadOnlyList<DeviceFactory> devices) =>
        devices.Count == 1 ? [new(devices[0], TowerIds.Both)] : [.. devices.Zip(TowerIds.Both, (d, t) => new OfferedDevice(d, [t]))];
}

/// <summary>A device by name, opened on the thread that will use it.</summary>
/// <param name="Name">As the command line names it.</param>
/// <param name="Kind">Devices of one kind give the same bits.</param>
/// <param name="Memory">Where its tensors lie: <see cref="IDevice.Memory"/>.</param>
/// <param name="Open">Opens it.</param>
/// <param name="MemoryBytes">Memory of its own; null where it is the processor's.</param>
/// <param name="Description">What it is and what computes on it.</param>
public sealed record DeviceFactory(string Name, string Kind, string Memory, Func<IDevice> Open, long? MemoryBytes = null, string Description = "");
