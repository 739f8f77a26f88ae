namespace AlexNetActors.Data;

/// <summary>A file where pictures are; whether it is one, its bytes say.</summary>
/// <param name="Path">The file.</param>
/// <param name="Length">Its bytes. A link to a picture is as good as the picture; one that leads nowhere has none.</param>
/// <param name="Stamp">Last change, UTC ticks.</param>
public readonly record struct PictureFile(string Path, long Length, long Stamp)
{
    const long BytesMax = 256 << 20; // no photograph comes near

    /// <summary>Hidden files are no pictures; what may not be read is said, not passed over.</summary>
    static readonly EnumerationOptions Visible = new() { IgnoreInaccessible = false };

    /// <summary>Why it is to be skipped unread, or null. What has no bytes is not opened: a named pipe would wait for a writer.</summary>
    public string? Complaint => Complain(Length);

    internal static string? Complain(long bytes) => bytes == 0 ? "empty file" : bytes > BytesMax ? $"{bytes} bytes are more than a picture has" : null;

    /// <summary>Those of a folder and of the folders in it, in the ordinal order of their paths.</summary>
    /// <exception cref="DataException">A link to a folder is among them.</exception>
    public static IReadOnlyList<PictureFile> In(string folder)
    {
        PictureFile[] files = [.. FilesIn(new DirectoryInfo(folder)).Select(Of)];
        Array.Sort(files, (a, b) => string.CompareOrdinal(a.Path.Replace('\\', '/'), b.Path.Replace('\\', '/')));
        return files;
    }

    static IEnumerable<FileInfo> FilesIn(DirectoryInfo folder) => folder.EnumerateFileSystemInfos("*", Visible).SelectMany(entry =>
        entry is not DirectoryInfo inner ? [(FileInfo)entry]
        : inner.LinkTarget is null ? FilesIn(inner)
        : throw new DataException($"{inner.FullName} is a link to a folder: its pictures could be there twice, or without an end; put links to the pictures themselves there, or the folder itself"));

    static PictureFile Of(FileInfo file)
    {
        var picture = OrdinaryFile.Target(file);
        return new PictureFile(file.FullName, picture.Exists ? picture.Length : 0, picture.LastWriteTimeUtc.Ticks);
    }
}
