using AlexNetActors.Data;

namespace AlexNetActors.App;

/// <summary>Writing the files that a run keeps open.</summary>
static class Writing
{
    /// <summary>One that is read first and then written on, behind what is there; made if missing.</summary>
    /// <exception cref="RunException">It is no file. A pipe does not wait for its other end when it is opened so.</exception>
    public static FileStream Open(string path, FileShare share)
    {
        var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, share, bufferSize: 0);
        if (file.CanSeek) return file;
        file.Dispose();
        throw new RunException($"{path} is a pipe or device, not a file: remove it, then go on with --resume");
    }

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
