using System.Runtime.InteropServices;
using AlexNetActors.Compute;

namespace AlexNetActors.Data;

/// <summary>A batch as it travels to the devices: crops as bytes, and what the device needs to finish them. Filled again and again.</summary>
public sealed class Batch
{
    /// <summary>Images of a full batch, B.</summary>
    public int Size { get; }

    /// <summary>Side of a crop in pixels, S.</summary>
    public int CropSize { get; }

    /// <summary>Crops, cut and mirrored: uint8 [B, S, S, 3].</summary>
    public byte[] Pixels { get; }

    /// <summary>Where each crop lies in its record, [B].</summary>
    public Placement[] Placements { get; }

    /// <summary>What is to be added to each image's red, green and blue, in units of 0..255, [B, 3].</summary>
    public float[] ColourShift { get; }

    /// <summary>Class of each image, [B]; -1 where there is no image: the padding of the last validation batch, whose pixels are 0.</summary>
    public int[] Labels { get; }

    /// <summary>Index of each image's record in its pack, [B]; -1 where there is no image.</summary>
    public int[] Records { get; }

    /// <param name="size">Images of a full batch.</param>
    /// <param name="cropSize">Side of a crop in pixels.</param>
    public Batch(int size, int cropSize)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(size);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(cropSize);
        Size = size;
        CropSize = cropSize;
        Pixels = new byte[size * CropBytes];
        Placements = new Placement[size];
        ColourShift = new float[size * 3];
        Labels = new int[size];
        Records = new int[size];
    }

    int CropBytes => CropSize * CropSize * 3;

    /// <summary>Pixels of one image, uint8 [S, S, 3].</summary>
    public Span<byte> Image(int index) => Pixels.AsSpan(index * CropBytes, CropBytes);

    /// <summary>Bytes of everything but the pixels.</summary>
    public int TableBytes => Size * TableBytesOfImage;

    const int TableBytesOfImage = 3 * sizeof(int) + 3 * sizeof(float) + 2 * sizeof(int);

    /// <summary>Bytes of an image of a batch, pixels and tables.</summary>
    /// <param name="cropSize">Side of a crop in pixels.</param>
    public static long BytesOfImage(int cropSize) => 3L * cropSize * cropSize + TableBytesOfImage;

    /// <summary>Everything but the pixels, little-endian: top, left, mirrored of every image, colour shifts, labels, records.</summary>
    /// <param name="destination">[TableBytes]</param>
    public void WriteTables(Span<byte> destination)
    {
        var words = MemoryMarshal.Cast<byte, int>(destination);
        for (int i = 0; i < Size; i++)
        {
            var p = Placements[i];
            (words[3 * i], words[3 * i + 1], words[3 * i + 2]) = (p.Top, p.Left, p.Mirrored ? 1 : 0);
        }
        MemoryMarshal.Cast<float, int>(ColourShift.AsSpan()).CopyTo(words[(3 * Size)..]);
        Labels.CopyTo(words[(6 * Size)..]);
        Records.CopyTo(words[(7 * Size)..]);
    }

    /// <summary>The inverse of <see cref="WriteTables"/>.</summary>
    public void ReadTables(ReadOnlySpan<byte> source)
    {
        var words = MemoryMarshal.Cast<byte, int>(source);
        for (int i = 0; i < Size; i++) Placements[i] = new Placement(words[3 * i], words[3 * i + 1], words[3 * i + 2] != 0);
        words[(3 * Size)..(6 * Size)].CopyTo(MemoryMarshal.Cast<float, int>(ColourShift.AsSpan()));
        words[(6 * Size)..(7 * Size)].CopyTo(Labels);
        words[(7 * Size)..].CopyTo(Records);
    }
}
