using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace AlexNetActors.Data;

/// <summary>
/// Reads as much of a MATLAB 5 file as the development kit's <c>meta.mat</c> needs: the struct array <c>synsets</c> with its fields
/// ILSVRC2012_ID and WNID ("MAT-File Format", chapter 1; little-endian files).
/// </summary>
internal static class MetaMat
{
    const int HeaderBytes = 128, Matrix = 14, Compressed = 15, StructClass = 2, InflatedBytesMax = 256 << 20;

    /// <returns>WNID by ILSVRC2012_ID.</returns>
    /// <exception cref="DataException">The file is not such a file.</exception>
    internal static Dictionary<int, string> Synsets(byte[] file)
    {
        try
        {
            if (file.Length < HeaderBytes || file[126] != 'I' || file[127] != 'M') throw new InvalidDataException("it is not a little-endian MATLAB 5 file");
            for (ReadOnlySpan<byte> rest = file.AsSpan(HeaderBytes); rest.Length >= 8;)
            {
                int type = Next(ref rest, out var body);
                if (OfElement(type, body) is { Count: > 0 } synsets) return synsets;
            }
            throw new InvalidDataException("it holds no struct array \"synsets\" with ILSVRC2012_ID and WNID");
        }
        catch (Exception e) when (e is InvalidDataException or ArgumentOutOfRangeException or IndexOutOfRangeException or OverflowException)
        {
            throw new DataException($"meta.mat of the development kit cannot be read: {OneLine.Of(e)}; put map_clsloc.txt (lines \"WNID ID WORDS\") beside the tars instead");
        }
    }

    static Dictionary<int, string>? OfElement(int type, ReadOnlySpan<byte> body)
    {
        if (type != Compressed) return type == Matrix ? OfStruct(body) : null;
        ReadOnlySpan<byte> inflated = Inflate(body);
        type = Next(ref inflated, out var inner);
        return type == Matrix ? OfStruct(inner) : null;
    }

    static Dictionary<int, string>? OfStruct(ReadOnlySpan<byte> matrix)
    {
        if (Header(ref matrix, out int elements, out string name) != StructClass || name != "synsets") return null;
        Next(ref matrix, out var lengthBytes);
        int nameLength = BinaryPrimitives.ReadInt32LittleEndian(lengthBytes);
        if (nameLength < 1) throw new InvalidDataException($"its field names have {nameLength} characters");
        Next(ref matrix, out var names);
        var fields = new List<string>();
        for (int at = 0; at + nameLength <= names.Length; at += nameLength)
            fields.Add(Encoding.ASCII.GetString(names.Slice(at, nameLength)).TrimEnd('\0'));
        if (!fields.Contains("ILSVRC2012_ID") || !fields.Contains("WNID")) return null; // nor is there an end to elements that have no fields

        var synsets = new Dictionary<int, string>();
        for (int element = 0; element < elements; element++)
        {
            int id = 0;
            string wnid = "";
            foreach (string field in fields)
            {
                Next(ref matrix, out var value);
                if (field == "ILSVRC2012_ID") id = (int)Numbers(value)[0];
                else if (field == "WNID") wnid = string.Concat(Numbers(value).Select(c => (char)c)).Trim();
            }
            synsets[id] = wnid;
        }
        return synsets;
    }

    /// <summary>Takes flags, dimensions and name off the front of a matrix; returns its class.</summary>
    static int Header(ref ReadOnlySpan<byte> matrix, out int elements, out string name)
    {
        Next(ref matrix, out var flags);
        Next(ref matrix, out var dimensions);
        Next(ref matrix, out var nameBytes);
        elements = 1;
        for (int at = 0; at + 4 <= dimensions.Length; at += 4) elements = checked(elements * BinaryPrimitives.ReadInt32LittleEndian(dimensions[at..]));
        name = Encoding.ASCII.GetString(nameBytes);
        return flags[0];
    }

    /// <summary>The values of a numeric or character matrix, in whatever type MATLAB stored them.</summary>
    static double[] Numbers(ReadOnlySpan<byte> matrix)
    {
        Header(ref matrix, out _, out _);
        int type = Next(ref matrix, out var body);
        int size = type switch { 1 or 2 or 16 => 1, 3 or 4 or 17 => 2, 5 or 6 or 7 => 4, 9 or 12 or 13 => 8, _ => throw new InvalidDataException($"it has values of type {type}") };
        var values = new double[body.Length / size];
        for (int i = 0; i < values.Length; i++)
        {
            var value = body[(i * size)..];
            values[i] = type switch
            {
                1 => (sbyte)value[0],
                2 or 16 => value[0],
                3 => BinaryPrimitives.ReadInt16LittleEndian(value),
                4 or 17 => BinaryPrimitives.ReadUInt16LittleEndian(value),
                5 => BinaryPrimitives.ReadInt32LittleEndian(value),
                6 => BinaryPrimitives.ReadUInt32LittleEndian(value),
                7 => BinaryPrimitives.ReadSingleLittleEndian(value),
                9 => BinaryPrimitives.ReadDoubleLittleEndian(value),
                _ => BinaryPrimitives.ReadInt64LittleEndian(value),
            };
        }
        return values;
    }

    /// <summary>Takes one data element off the front: its type and body. A small element has its length in the upper half of the tag.</summary>
    static int Next(ref ReadOnlySpan<byte> rest, out ReadOnlySpan<byte> body)
    {
        uint tag = BinaryPrimitives.ReadUInt32LittleEndian(rest);
        if (tag >> 16 != 0)
        {
            body = rest.Slice(4, (int)(tag >> 16));
            rest = rest[8..];
            return (int)(tag & 0xFFFF);
        }
        int length = BinaryPrimitives.ReadInt32LittleEndian(rest[4..]);
        body = rest.Slice(8, length);
        int padded = tag == Compressed ? length : (length + 7) & ~7;
        rest = rest[Math.Min(8 + padded, rest.Length)..];
        return (int)tag;
    }

    static byte[] Inflate(ReadOnlySpan<byte> zlib)
    {
        using var inflating = new ZLibStream(new MemoryStream(zlib.ToArray()), CompressionMode.Decompress);
        using var inflated = new MemoryStream();
        byte[] buffer = new byte[1 << 16];
        for (int n = inflating.Read(buffer); n > 0; n = inflating.Read(buffer))
        {
            inflated.Write(buffer, 0, n);
            if (inflated.Length > InflatedBytesMax) throw new InvalidDataException("it inflates to an absurd size");
        }
        return inflated.ToArray();
    }
}
