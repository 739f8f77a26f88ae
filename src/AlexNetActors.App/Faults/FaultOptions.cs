using AlexNetActors.Actors;

namespace AlexNetActors.App;

/// <summary>--fault lines, parsed and checked.</summary>
static class FaultOptions
{
    /// <exception cref="UsageException">One of them is no fault.</exception>
    public static Fault Parse(string line)
    {
        try
        {
            return FaultLanguage.Parse(line);
        }
        catch (FaultException e)
        {
            throw new UsageException(e.Message);
        }
    }

    /// <summary>A time, such as 20s: the faults' own language knows what one is.</summary>
    /// <exception cref="UsageException">It is none.</exception>
    public static TimeSpan Time(string text) => Parse($"kill seed at {text}").When.After!.Value;

    /// <summary>Faults that a process does to itself, without a driver.</summary>
    /// <returns>Null when there are none.</returns>
    /// <exception cref="UsageException">One of them is no fault, or takes somebody outside.</exception>
    public static FaultPoints? ForItself(string[] lines)
    {
        if (lines.Length == 0) return null;
        var points = new FaultPoints(judge: null);
        foreach (var (i, fault) in lines.Select(Parse).Index())
        {
            bool outside = fault.FromOutside && fault is not (Fault.Kill or Fault.Stop) || fault.When.After is not null || fault.Whom.Each.Count > 1
                || !(fault.Whom.Names is Victims.TowerA or Victims.TowerB || fault.Whom.Names == Victims.Loader && fault.When.Place == Model.Places.Loading || fault.Whom.Names == Victims.Coordinator && fault.When.Place == Model.Places.Checkpoint);
            if (outside) throw new UsageException($"fault \"{fault}\": no process can do that to itself at that moment; `alexnet faults` does");
            points.Arm(i, fault);
        }
        return points;
    }
}
