using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using AlexNetActors.Compute;

namespace AlexNetActors.Data;

/// <summary>Cuts a crop out of a record.</summary>
public static class Crop
{
    // Of 16 bytes that begin one before a run of five pixels, the pixels in reverse; the last byte is overwritten by what follows.
    static readonly Vector128<byte> FivePixels = Vector128.Create((byte)13, 14, 15, 10, 11, 12, 7, 8, 9, 4, 5, 6, 1, 2, 3, 0);

    /// <summary>Copies the crop, mirrored where the placement says so.</summary>
    /// <param name="record">uint8 [recordSize, recordSize, 3]</param>
    /// <param name="recordSize">Side of the record.</param>
    /// <param name="placement">Where to cut, and whether to mirror.</param>
    /// <param name="cropSize">Side of the crop.</param>
    /// <param name="crop">uint8 [cropSize, cropSize, 3], overwritten.</param>
    public static void Cut(ReadOnlySpan<byte> record, int recordSize, Placement placement, int cropSize, Span<byte> crop)
    {
        int rowBytes = cropSize * 3;
        for (int y = 0; y < cropSize; y++)
        {
            var from = record.Slice(((placement.Top + y) * recordSize + placement.Left) * 3, rowBytes);
            var to = crop.Slice(y * rowBytes, rowBytes);
            if (placement.Mirrored) MirrorRow(from, to);
            else from.CopyTo(to);
        }
    }

    static void MirrorRow(ReadOnlySpan<byte> from, Span<byte> to)
    {
        ref byte source = ref MemoryMarshal.GetReference(from), destination = ref MemoryMarshal.GetReference(to);
        int done = 0;
        for (; done + 16 <= from.Length; done += 15)
        {
            var five = Vector128.LoadUnsafe(ref source, (nuint)(from.Length - done - 16));
            Vector128.Shuffle(five, FivePixels).StoreUnsafe(ref destination, (nuint)done);
        }
        for (; done < from.Length; done += 3)
        {
            int at = from.Length - done - 3;
            (to[done], to[done + 1], to[done + 2]) = (from[at], from[at + 1], from[at + 2]);
        }
    }
}
