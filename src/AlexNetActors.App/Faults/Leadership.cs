namespace AlexNetActors.App;

/// <summary>Who led the run when: of two coordinators, the one before must not act once the next one has begun to.</summary>
sealed class Leadership
{
    /// <summary>What only who commands can say: a group was formed, its weights are loaded, it has done a step, ...</summary>
    static readonly string[] Acts = ["formed", "started", "step", "validation", "checkpoint", "finished"];

    readonly record struct Act(double Time, string Leader, int Term, string What);

    readonly List<Act> _acts = [];
    readonly Dictionary<string, int> _terms = [];
    int _term;

    /// <summary>Coordinators that acted, each time that one took office.</summary>
    public int Terms => _acts.Select(a => a.Term).Distinct().Count();

    /// <param name="node">Whose event it is; those of one node come in order.</param>
    /// <param name="kind">Of the event.</param>
    /// <param name="time">When it happened, by the clock that all processes of a machine share: milliseconds since 1970.</param>
    public void Hear(string node, string kind, double time)
    {
        if (kind == "office") _terms[node] = ++_term;
        else if (Acts.Contains(kind)) _acts.Add(new Act(time, node, _terms.GetValueOrDefault(node), kind));
    }

    /// <summary>The first act of a coordinator that another had followed; null when there was none.</summary>
    public string? Overlap
    {
        get
        {
            var ended = new HashSet<int>();
            Act? before = null;
            foreach (var act in _acts.OrderBy(a => a.Time)) // stable: those of one node keep their order
            {
                if (ended.Contains(act.Term)) return $"two coordinators at once: {act.Leader} says \"{act.What}\" {act.Time - before!.Value.Time:0.0} ms after {before.Value.Leader} said \"{before.Value.What}\"";
                if (before is { } last && last.Term != act.Term) ended.Add(last.Term);
                before = act;
            }
            return null;
        }
    }
}
