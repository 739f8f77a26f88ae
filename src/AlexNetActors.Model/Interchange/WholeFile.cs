namespace AlexNetActors.Model;

/// <summary>A file that is there whole or not at all: written under a temporary name beside it, flushed, renamed.</summary>
public static class WholeFile
{
    const string PartialSuffix = ".partial";

    /// <param name="path">The file; one that is there is replaced.</param>
    /// <param name="write">Writes it under the name it is given.</param>
    /// <exception cref="CheckpointException">It cannot be written: why.</exception>
    public static void Write(string path, Action<string> write)
    {
        string partial = path + PartialSuffix;
        try
        {
            write(partial);
            using (var file = File.OpenHandle(partial, FileMode.Open, FileAccess.Write)) RandomAccess.FlushToDisk(file);
            File.Move(partial, path, overwrite: true);
            Disk.FlushDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        }
        catch (Exception e) when (Disk.Refusal(e) is not null)
        {
            if (File.Exists(partial)) File.Delete(partial);
            throw new CheckpointException($"cannot write {path}: {Disk.Refusal(e)}; make room or give access, or name another file");
        }
    }
}
