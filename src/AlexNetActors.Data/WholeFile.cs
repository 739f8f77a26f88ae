namespace AlexNetActors.Data;

/// <summary>A file that is there whole or not at all, whenever the power fails: written under a temporary name beside it, flushed, renamed, its folder flushed.</summary>
public static class WholeFile
{
    /// <summary>The temporary name of a file.</summary>
    internal static string PartialOf(string path) => path + ".partial";

    /// <summary>A file that the user has named.</summary>
    /// <param name="path">The file; one that is there is replaced.</param>
    /// <param name="write">Writes it under the name it is given.</param>
    /// <exception cref="DataException">It cannot be written: why.</exception>
    public static void Write(string path, Action<string> write)
    {
        try
        {
            Put(File.Exists(path) ? File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path : path, write); // a link stays one
        }
        catch (Exception e) when (Disk.Refusal(e) is { } why)
        {
            throw new DataException($"cannot write {path}: {why}; make room or give access, or name another file");
        }
    }

    /// <summary>A file of ours. What the system throws is the caller's to translate: <see cref="Disk.Refusal"/>.</summary>
    public static void Put(string path, byte[] bytes) => Put(path, partial => File.WriteAllBytes(partial, bytes));

    static void Put(string path, Action<string> write)
    {
        string partial = PartialOf(path);
        try
        {
            write(partial);
            using (var file = File.OpenHandle(partial, FileMode.Open, FileAccess.Write)) RandomAccess.FlushToDisk(file);
            Name(path);
        }
        catch (Exception e) when (Disk.Refusal(e) is not null)
        {
            if (File.Exists(partial)) File.Delete(partial);
            throw;
        }
    }

    /// <summary>Gives a file that is written and flushed under its temporary name its final one, for good.</summary>
    internal static void Name(string path)
    {
        Disk.WhenNobodyHoldsIt(() => File.Move(PartialOf(path), path, overwrite: true));
        Disk.FlushDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
    }
}
