using System.Buffers.Binary;
using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace AlexNetActors.Data;

/// <summary>
/// The bytes of a pack, version 1, little-endian:
/// <code>
/// page of 4096   "ALEXPACK", uint32 version, uint32 recordSize, uint64 count, uint64 checksum of page and tables, zeros
/// records        count * recordSize * recordSize * 3 bytes, RGB, row-major
/// tables         int32 labels[count], uint64 record checksums[count]
/// </code>
/// Checksums are XxHash3. The tables come last because prepare learns only at the end how many images were readable.
/// </summary>
internal static class PackLayout
{
    internal const int Version = 1, PageBytes = 4096, ChecksumOffset = 24;
    internal static ReadOnlySpan<byte> Magic => "ALEXPACK"u8;

    internal static int RecordBytes(int recordSize) => recordSize * recordSize * 3;

    internal static long TablesOffset(int recordSize, int count) => PageBytes + (long)count * RecordBytes(recordSize);

    internal static long FileBytes(int recordSize, int count) => TablesOffset(recordSize, count) + 12L * count;

    internal static byte[] Page(int recordSize, ReadOnlySpan<int> labels, ReadOnlySpan<ulong> checksums)
    {
        byte[] page = new byte[PageBytes];
        Magic.CopyTo(page);
        BinaryPrimitives.WriteUInt32LittleEndian(page.AsSpan(8), Version);
        BinaryPrimitives.WriteUInt32LittleEndian(page.AsSpan(12), (uint)recordSize);
        BinaryPrimitives.WriteUInt64LittleEndian(page.AsSpan(16), (ulong)labels.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(page.AsSpan(ChecksumOffset), Checksum(page, labels, checksums));
        return page;
    }

    /// <summary>Checksum of the header page (its own field left out) and of both tables; through the record checksums it stands for every byte of the pack.</summary>
    internal static ulong Checksum(ReadOnlySpan<byte> page, ReadOnlySpan<int> labels, ReadOnlySpan<ulong> checksums)
    {
        var hash = new XxHash3();
        hash.Append(page[..ChecksumOffset]);
        hash.Append(page[(ChecksumOffset + 8)..]);
        hash.Append(MemoryMarshal.AsBytes(labels));
        hash.Append(MemoryMarshal.AsBytes(checksums));
        return hash.GetCurrentHashAsUInt64();
    }
}
