using System.Formats.Tar;
using System.IO.MemoryMappedFiles;

namespace AlexNetActors.Data;

/// <summary>A regular file in a tar: where its bytes lie, counted from the start of the outermost file.</summary>
internal readonly record struct TarFile(string Name, long Offset, long Length);

/// <summary>Lists tars without reading what is in them, so that pictures can be read in any order and by many threads.</summary>
internal static class TarIndex
{
    const int BlockBytes = 512, RecordBytes = 20 * BlockBytes;

    /// <exception cref="DataException">It is no tar, or cut short.</exception>
    internal static List<TarFile> Of(string path)
    {
        using var file = File.OpenRead(path);
        return List(path, file, 0, file.Length);
    }

    /// <summary>Lists the tars within a tar, each with its own name.</summary>
    internal static IEnumerable<(TarFile Inner, List<TarFile> Files)> OfInner(string path, IEnumerable<TarFile> inner)
    {
        using var mapped = MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read);
        foreach (var tar in inner)
        {
            using var view = mapped.CreateViewStream(tar.Offset, tar.Length, MemoryMappedFileAccess.Read);
            yield return (tar, List($"{tar.Name} in {path}", view, tar.Offset, tar.Length));
        }
    }

    static List<TarFile> List(string name, Stream stream, long start, long length)
    {
        var files = new List<TarFile>();
        try
        {
            using var reader = new TarReader(stream, leaveOpen: true);
            long end = 0;
            while (reader.GetNextEntry() is { } entry)
            {
                end = (Math.Max(stream.Position, entry.DataOffset + entry.Length) + BlockBytes - 1) / BlockBytes * BlockBytes;
                if (entry.EntryType is not (TarEntryType.RegularFile or TarEntryType.V7RegularFile)) continue;
                if (entry.Length > 0 && entry.DataOffset + entry.Length > length)
                    throw new DataException($"{name} is cut short within {entry.Name}: download it again");
                files.Add(new TarFile(entry.Name, start + Math.Max(0, entry.DataOffset), entry.Length));
            }
            RequireEnd(stream, end, length);
        }
        catch (Exception e) when (e is EndOfStreamException or InvalidDataException or FormatException)
        {
            throw new DataException($"{name} is not a whole tar: {OneLine.Of(e)}; download it again");
        }
        return files;
    }

    /// <summary>
    /// A reader stops at the first block of zeros, be it a hole that a download has left. A tar ends in two of them, or as many more as fill a record of
    /// 20 blocks, and nothing else.
    /// </summary>
    static void RequireEnd(Stream stream, long end, long length)
    {
        if (length - end < BlockBytes) throw new InvalidDataException($"it has no end mark at byte {end}, behind its last file");
        byte[] rest = new byte[Math.Min(length - end, RecordBytes + BlockBytes + 1)];
        stream.Position = end;
        stream.ReadExactly(rest);
        if (length - end > RecordBytes + BlockBytes || rest.ContainsAnyExcept((byte)0))
            throw new InvalidDataException($"it has a hole at byte {end}, with {length - end} bytes from there on");
    }
}
