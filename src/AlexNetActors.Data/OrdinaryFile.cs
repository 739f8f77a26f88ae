namespace AlexNetActors.Data;

/// <summary>
/// Files that somebody else may have put there. A named pipe waits for a writer, and a device may never end: neither has a length, and what has none is taken
/// for empty and not opened.
/// </summary>
public static class OrdinaryFile
{
    /// <summary>Whether it is there and not empty.</summary>
    public static bool HasBytes(string path) => Target(new FileInfo(path)) is { Exists: true, Length: > 0 };

    /// <summary>The whole of it.</summary>
    /// <exception cref="IOException">It is not there, or cannot be read.</exception>
    public static byte[] Read(string path) => File.Exists(path) && !HasBytes(path) ? [] : File.ReadAllBytes(path);

    /// <summary>The file that a link leads to.</summary>
    internal static FileInfo Target(FileInfo file) => file.LinkTarget is null ? file : (FileInfo)file.ResolveLinkTarget(returnFinalTarget: true)!;
}
