using System.Buffers.Binary;
using System.IO.Hashing;
using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;

namespace AlexNetActors.Data;

/// <summary>
/// A file of records, memory-mapped: any number of threads read it at once and it costs no memory but the page cache's.
/// The header and tables are verified when it is opened, each record when it is first used, so that no damaged pixel is trained on.
/// Dispose it only after the last reader: spans point into the mapping.
/// </summary>
public sealed unsafe class Pack : IDisposable
{
    readonly MemoryMappedFile file;
    readonly MemoryMappedViewAccessor view;
    readonly byte* records;
    readonly int[] labels;
    readonly ulong[] checksums;
    readonly int[] verified; // one bit a record
    bool disposed;

    /// <summary>Where the pack lies.</summary>
    public string Path { get; }

    /// <summary>Side of a record in pixels.</summary>
    public int RecordSize { get; }

    /// <summary>Number of records.</summary>
    public int Count => labels.Length;

    /// <summary>Bytes of a record: RecordSize * RecordSize * 3.</summary>
    public int RecordBytes { get; }

    /// <summary>Stands for every byte of the pack: labels directly, pixels through their checksums.</summary>
    internal ulong Checksum { get; }

    /// <exception cref="DataException">The file is missing, foreign, of another version, cut short or damaged.</exception>
    public static Pack Open(string path)
    {
        try
        {
            return new Pack(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new DataException($"there is no pack {path}: make it with `alexnet prepare SOURCE TARGET`");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DataUnreadableException($"cannot read pack {path}: {OneLine.Of(e)}; give access to it, then run the same command again");
        }
    }

    Pack(string path)
    {
        Path = path;
        if (File.Exists(path) && !OrdinaryFile.HasBytes(path)) throw Damaged("it is empty");
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        var page = new byte[PackLayout.PageBytes];
        if (stream.ReadAtLeast(page, page.Length, throwOnEndOfStream: false) < page.Length)
            throw Damaged($"{stream.Length} bytes are fewer than a header");
        if (!page.AsSpan().StartsWith(PackLayout.Magic)) throw Damaged("it does not start like a pack");
        uint version = BinaryPrimitives.ReadUInt32LittleEndian(page.AsSpan(8));
        if (version != PackLayout.Version)
            throw new DataUnreadableException($"pack {path} has format version {version}, this program reads version {PackLayout.Version}: use the version that wrote it, or prepare the data set into another folder");

        uint size = BinaryPrimitives.ReadUInt32LittleEndian(page.AsSpan(12));
        ulong count = BinaryPrimitives.ReadUInt64LittleEndian(page.AsSpan(16));
        if (size is 0 or > 16384 || count > int.MaxValue) throw Damaged($"its header says {count} records of size {size}");
        RecordSize = (int)size;
        RecordBytes = PackLayout.RecordBytes(RecordSize);
        long expected = PackLayout.FileBytes(RecordSize, (int)count);
        if (stream.Length != expected) throw Damaged($"it has {stream.Length} bytes where {count} records of size {size} make {expected}");

        labels = new int[count];
        checksums = new ulong[count];
        verified = new int[(count + 31) / 32];
        stream.Position = PackLayout.TablesOffset(RecordSize, (int)count);
        stream.ReadExactly(MemoryMarshal.AsBytes(labels.AsSpan()));
        stream.ReadExactly(MemoryMarshal.AsBytes(checksums.AsSpan()));
        Checksum = PackLayout.Checksum(page, labels, checksums);
        if (Checksum != BinaryPrimitives.ReadUInt64LittleEndian(page.AsSpan(PackLayout.ChecksumOffset)))
            throw Damaged("its header or tables do not match their checksum");

        file = MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read);
        view = file.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        byte* start = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        records = start + view.PointerOffset + PackLayout.PageBytes;
    }

    /// <summary>Pixels of a record: uint8 RGB, row-major [RecordSize, RecordSize, 3].</summary>
    /// <exception cref="DataException">The record is damaged.</exception>
    public ReadOnlySpan<byte> Record(int index)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Count, nameof(index));
        var record = new ReadOnlySpan<byte>(records + (long)index * RecordBytes, RecordBytes);
        int bit = 1 << (index & 31);
        if ((Volatile.Read(ref verified[index >> 5]) & bit) == 0)
        {
            if (XxHash3.HashToUInt64(record) != checksums[index]) throw Damaged($"record {index} does not match its checksum");
            Interlocked.Or(ref verified[index >> 5], bit);
        }
        return record;
    }

    /// <summary>Class index of a record.</summary>
    public int Label(int index) => labels[index];

    /// <summary>What a record's bytes should hash to.</summary>
    internal ulong ChecksumOf(int index) => checksums[index];

    /// <summary>Reads every record not yet used.</summary>
    /// <exception cref="DataException">A record is damaged.</exception>
    public void Verify(CancellationToken cancellation = default)
    {
        for (int index = 0; index < Count; index++)
        {
            cancellation.ThrowIfCancellationRequested();
            Record(index);
        }
    }

    /// <summary>Unmaps the file.</summary>
    public void Dispose()
    {
        if (disposed) return;
        disposed = true;
        view.SafeMemoryMappedViewHandle.ReleasePointer();
        view.Dispose();
        file.Dispose();
    }

    DataException Damaged(string how) => new($"pack {Path} is damaged: {how}; prepare the data set again or restore the file");
}
