using AlexNetActors.Data;

namespace AlexNetActors.App;

/// <summary>Writing the files that a run keeps open.</summary>
static class Writing
{
    /// <exception cref="RunException">The disk is full, or refuses: names the file and what to do.</exception>
    public static T Guard<T>(string path, Func<T> work)
    {
        try
        {
            return work();
        }
        catch (Exception e) when (Disk.Refusal(e) is not null)
        {
            throw new RunException($"cannot write {path}: {Hocon.OneLine(Disk.Refusal(e)!)}; make room or give access, then go on with --resume");
        }
    }
}
