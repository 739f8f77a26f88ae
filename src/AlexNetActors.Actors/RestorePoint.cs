using AlexNetActors.Model;

namespace AlexNetActors.Actors;

/// <summary>Where a group that forms takes its weights from, and how far the run is with them. Pure.</summary>
/// <param name="Progress">How far the run is.</param>
/// <param name="From">Seed, archive or memory.</param>
/// <param name="Givers">From memory: the nodes that hold tower A's and tower B's snapshot.</param>
/// <param name="Checkpoint">From the archive: its folder.</param>
public sealed record RestorePoint(RunProgress Progress, WeightSource From, string[] Givers, string? Checkpoint)
{
    /// <summary>The last checkpoint on disk, or the start.</summary>
    public static RestorePoint OnDisk(RunProgress saved, string? checkpoint) => new(saved, checkpoint is null ? WeightSource.Seed : WeightSource.Archive, [], checkpoint);

    /// <summary>The newest point up to the run's last step at which the seated nodes hold both towers; null when they do not. Each tower is given by its own node, if that has it.</summary>
    public static RestorePoint? InMemory(Seating seating, Roster roster, string identity, long stepsMax)
    {
        NodeOffer[] seated = [.. seating.Nodes.Select(n => roster.Find(n)!)];
        var held = seated.SelectMany(n => n.Held).Where(h => h.Identity == identity && h.Progress.Steps <= stepsMax).DistinctBy(h => h.Progress.Steps).OrderByDescending(h => h.Progress.Steps);
        foreach (var point in held)
        {
            bool Holds(NodeOffer node, TowerId tower) => node.Held.Any(h => h.Tower == tower && h.Identity == identity && h.Progress.Steps == point.Progress.Steps);
            string?[] givers = [.. TowerIds.Both.Select(t => seated.OrderByDescending(n => seating.Seats.Any(s => s.Node == n.Node && s.Towers.Contains(t))).FirstOrDefault(n => Holds(n, t))?.Node)];
            if (givers.All(g => g is not null)) return new RestorePoint(point.Progress, WeightSource.Memory, givers!, null);
        }
        return null;
    }

    /// <summary>Steps of the newest snapshot of which every seated node holds both towers: losing any one of them loses nothing; -1 for none.</summary>
    public static long WholeEverywhere(Seating seating, Roster roster, string identity)
    {
        var sets = seating.Nodes.SelectMany(n => TowerIds.Both.Select(t => roster.Find(n)!.Held.Where(h => h.Tower == t && h.Identity == identity).Select(h => h.Progress.Steps)));
        return sets.Aggregate((a, b) => a.Intersect(b)).DefaultIfEmpty(-1).Max();
    }

    /// <summary>In words, for those who watch; null at the start.</summary>
    public string? Text => From switch
    {
        WeightSource.Archive => Checkpoint,
        WeightSource.Memory => $"the memory of {string.Join(" and ", Givers.Distinct())}",
        _ => null,
    };
}
