using AlexNetActors.Actors;
using AlexNetActors.Compute;
using AlexNetActors.Compute.Gpu;
using AlexNetActors.Model;

namespace AlexNetActors.App;

/// <summary>The devices that a command names: one for both towers, or tower A's and tower B's.</summary>
static class Devices
{
    /// <summary>What a command uses that names none.</summary>
    public const string Default = "cpu";

    /// <param name="text">"cpu", or "cpu,cpu".</param>
    /// <param name="node">For the number of threads and the options of GPUs.</param>
    /// <param name="most">How many there may be.</param>
    /// <exception cref="UsageException">There is no device of that name, or there are too many.</exception>
    public static IReadOnlyList<DeviceFactory> Parse(string text, NodeSettings node, int most = 2)
    {
        string[] names = text.Split(',', StringSplitOptions.TrimEntries);
        if (names.Length > most) throw new UsageException($"--device {text} names {names.Length} devices: {(most == 2 ? "the network has two towers, so name one or two" : "name one")}");
        return [.. names.Select(n => Find(n, node.ThreadsOf(names.Length), node.Gpus))];
    }

    /// <summary>Kind of a group of devices: equal kinds give equal bits.</summary>
    public static string KindOf(IReadOnlyList<DeviceFactory> devices) => string.Join('+', devices.Select(d => d.Kind).Distinct());

    /// <summary>Refuses, before anything is begun, a recipe whose towers do not fit in the memory of their GPUs.</summary>
    /// <exception cref="UsageException">They do not.</exception>
    public static void RequireRoom(IReadOnlyList<DeviceFactory> devices, Recipe recipe)
    {
        if (devices.All(d => d.MemoryBytes is null)) return;
        long tower = NetworkPlan.Of(recipe).GpuBytes;
        foreach (var group in devices.Where(d => d.MemoryBytes is not null).GroupBy(d => d.Name))
        {
            int towers = devices.Count == 1 ? TowerIds.Both.Count : group.Count();
            long needed = towers * tower, there = group.First().MemoryBytes!.Value;
            if (needed > there)
                throw new UsageException($"{group.Key} has {Words.Bytes(there)} of memory, and {(towers == 1 ? "a tower" : "both towers")} of recipe {recipe.Name} with batch {recipe.Batch} take {Words.Bytes(needed)}: use a smaller batch (--set batch=N), a second GPU, or cpu");
        }
    }

    /// <summary>
    /// Has the processor's kernels compiled on a thread of its own while the caller reads, writes and starts actors, so that the first
    /// steps need not wait for it.
    /// </summary>
    public static void StartWarmUp(IReadOnlyList<DeviceFactory> devices, Network network)
    {
        if (devices.FirstOrDefault(d => d.Name.StartsWith("cpu", StringComparison.Ordinal)) is not { } factory) return;
        new Thread(() => WarmedUp(factory, network)) { IsBackground = true, Name = "warm-up" }.Start();
    }

    /// <returns>Whether it could be done.</returns>
    public static bool WarmedUp(DeviceFactory factory, Network network)
    {
        try
        {
            using var device = factory.Open();
            WarmUp.Run(network, device);
            return true;
        }
        catch (Exception) // whatever it is: who trains on the device meets it too and says so, or it was of the miniature alone
        {
            return false;
        }
    }

    static DeviceFactory Find(string name, int threads, GpuOptions options)
    {
        try
        {
            var entry = DeviceCatalog.Find(name, options);
            return new DeviceFactory(entry.Name, entry.Kind, entry.Memory, () => entry.Open(threads), entry.MemoryBytes, entry.Description);
        }
        catch (ArgumentException e)
        {
            throw new UsageException(e.Message);
        }
    }
}
