namespace AlexNetActors.Actors;

/// <summary>Who may take part in a run: nodes of its version, with its recipe, its data set and its kind of device.</summary>
public static class Admission
{
    const int DifferencesShown = 3;

    /// <param name="offer">What the node says of itself.</param>
    /// <param name="run">What it is held against.</param>
    /// <returns>One line that names the difference; null when there is none.</returns>
    public static string? Refusal(NodeOffer offer, RunTerms run)
    {
        if (offer.Version != run.Version)
            return $"{offer.Node} runs version {offer.Version}, the coordinator runs {run.Version}: install the same version on every node";
        if (offer.Recipe is { } recipe && Differences(recipe, run.Recipe) is { Count: > 0 } differences)
            return $"{offer.Node} was given another recipe than the coordinator, it differs in {string.Join(", ", differences.Take(DifferencesShown))}{(differences.Count > DifferencesShown ? $" and {differences.Count - DifferencesShown} more" : "")}: start it without --recipe and --set, or with the same";
        if (offer.Data is { } data && data.Digest != run.Identity.DataDigest)
            return $"{offer.Node} has another data set than the coordinator (digest {Short(data.Digest)} with {data.Records} training records, the run's is {Short(run.Identity.DataDigest)}): give it a copy of the same packs with --data";
        if (run.Identity.DeviceKind is { } kind && offer.Gpus is [_, ..] && !offer.Gpus.Any(g => kind.Split('+').Contains(g.Kind)))
            return $"{offer.Node} has devices of kind {string.Join(", ", offer.Gpus.Select(g => g.Kind).Distinct())}, the run was begun on {kind}, whose bits differ: start it with --device of that kind";
        return null;
    }

    static string Short(string digest) => digest[..Math.Min(8, digest.Length)];

    /// <summary>"schedule.rate (0.02, here 0.01)" for every key of theirs whose value differs.</summary>
    static List<string> Differences(string theirs, string ours)
    {
        var (there, here) = (Values(theirs), Values(ours));
        return [.. there
            .Select(t => (t.Key, There: t.Value, Here: here.GetValueOrDefault(t.Key, "not there")))
            .Where(d => d.There != d.Here)
            .Select(d => $"{d.Key} ({d.There}, here {d.Here})")];
    }

    static Dictionary<string, string> Values(string recipe)
    {
        var values = new Dictionary<string, string>();
        foreach (string line in recipe.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            if (line.IndexOf(" = ", StringComparison.Ordinal) is > 0 and int at) values[line[..at]] = line[(at + 3)..];
        return values;
    }
}

/// <summary>What every node of a run has in common.</summary>
/// <param name="Version">The program's version.</param>
/// <param name="Recipe">What determines the numbers: lines "key = value".</param>
/// <param name="Identity">What a checkpoint says of its origin.</param>
public sealed record RunTerms(string Version, string Recipe, RunIdentity Identity);
