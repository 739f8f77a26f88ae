using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace AlexNetActors.Data;

/// <summary>
/// Writes a pack, record after record, under <c>NAME.partial</c>; the final name appears by a rename, complete and on disk, or not at all.
/// A writer of an interrupted pack goes on behind the records it is told are good.
/// </summary>
internal sealed class PackWriter : IDisposable
{
    readonly string path;
    readonly int recordSize;
    readonly FileStream file;
    readonly List<int> labels = [];
    readonly List<ulong> checksums = [];

    /// <summary>A pack that is not there yet, or, with kept records, the continuation of one.</summary>
    internal PackWriter(string path, int recordSize, ReadOnlySpan<(int Label, ulong Checksum)> kept = default)
    {
        this.path = path;
        this.recordSize = recordSize;
        foreach (var (label, checksum) in kept)
        {
            labels.Add(label);
            checksums.Add(checksum);
        }
        file = new FileStream(WholeFile.PartialOf(path), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, bufferSize: 0);
        file.SetLength(PackLayout.TablesOffset(recordSize, kept.Length));
        file.Position = file.Length;
    }

    internal int Count => labels.Count;

    /// <param name="record">uint8 RGB [recordSize, recordSize, 3]</param>
    /// <param name="label">Class index.</param>
    /// <returns>The record's checksum.</returns>
    internal ulong Append(ReadOnlySpan<byte> record, int label)
    {
        if (record.Length != PackLayout.RecordBytes(recordSize))
            throw new ArgumentException($"a record of size {recordSize} has {PackLayout.RecordBytes(recordSize)} bytes, got {record.Length}", nameof(record));
        ulong checksum = XxHash3.HashToUInt64(record);
        file.Write(record);
        labels.Add(label);
        checksums.Add(checksum);
        return checksum;
    }

    /// <summary>Forces everything appended so far onto the disk.</summary>
    internal void Sync() => file.Flush(flushToDisk: true);

    /// <summary>Writes tables and header and gives the pack its final name.</summary>
    internal void Complete()
    {
        var labelSpan = CollectionsMarshal.AsSpan(labels);
        var checksumSpan = CollectionsMarshal.AsSpan(checksums);
        file.Write(MemoryMarshal.AsBytes(labelSpan));
        file.Write(MemoryMarshal.AsBytes(checksumSpan));
        file.Position = 0;
        file.Write(PackLayout.Page(recordSize, labelSpan, checksumSpan));
        file.Flush(flushToDisk: true);
        file.Dispose();
        WholeFile.Name(path);
    }

    /// <summary>Closes the file; what was written stays under its partial name.</summary>
    public void Dispose() => file.Dispose();
}
