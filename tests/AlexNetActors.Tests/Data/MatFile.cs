using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace AlexNetActors.Tests.Data;

/// <summary>Writes a MATLAB 5 file like the development kit's meta.mat, as "MAT-File Format" describes it: only what MATLAB itself would write for it.</summary>
static class MatFile
{
    const int Int8 = 1, UInt8 = 2, UInt16 = 4, Int32 = 5, UInt32 = 6, Matrix = 14, Compressed = 15;
    const byte StructClass = 2, CharClass = 4, DoubleClass = 6;

    public static byte[] Synsets(IReadOnlyList<(int Id, string Wnid, string Words)> synsets, bool compressed)
    {
        string[] fields = ["ILSVRC2012_ID", "WNID", "words", "num_children"];
        const int nameLength = 32;
        byte[] names = new byte[fields.Length * nameLength];
        for (int i = 0; i < fields.Length; i++) Encoding.ASCII.GetBytes(fields[i], names.AsSpan(i * nameLength));
        byte[] body = [.. Head(StructClass, [synsets.Count, 1], "synsets"), .. Element(Int32, Little(nameLength)), .. Element(Int8, names)];
        foreach (var (id, wnid, words) in synsets)
            body = [.. body, .. Number(id), .. Text(wnid), .. Text(words), .. Number(0)];
        byte[] header = Header(), element = Element(Matrix, body);
        if (!compressed) return [.. header, .. element];
        using var packed = new MemoryStream();
        using (var zlib = new ZLibStream(packed, CompressionLevel.Optimal, leaveOpen: true)) zlib.Write(element);
        return [.. header, .. Little(Compressed), .. Little((int)packed.Length), .. packed.ToArray()];
    }

    /// <summary>A struct array "synsets" without elements, whatever its dimensions say.</summary>
    public static byte[] Struct(int rows, int columns, int nameLength, string names) =>
        [.. Header(), .. Element(Matrix, [.. Head(StructClass, [rows, columns], "synsets"), .. Element(Int32, Little(nameLength)), .. Element(Int8, Encoding.ASCII.GetBytes(names))])];

    static byte[] Header()
    {
        byte[] header = new byte[128];
        Encoding.ASCII.GetBytes("MATLAB 5.0 MAT-file").CopyTo(header, 0);
        (header[124], header[125], header[126], header[127]) = (0, 1, (byte)'I', (byte)'M');
        return header;
    }

    /// <summary>A double is stored in the smallest type that holds it.</summary>
    static byte[] Number(int value) => Element(Matrix, [.. Head(DoubleClass, [1, 1], ""),
        .. value < 256 ? Element(UInt8, [(byte)value]) : Element(UInt16, [(byte)value, (byte)(value >> 8)])]);

    static byte[] Text(string text) => Element(Matrix, [.. Head(CharClass, [1, text.Length], ""), .. Element(UInt16, Encoding.Unicode.GetBytes(text))]);

    static byte[] Head(byte kind, int[] dimensions, string name) =>
        [.. Element(UInt32, [kind, 0, 0, 0, 0, 0, 0, 0]), .. Element(Int32, [.. dimensions.SelectMany(Little)]), .. Element(Int8, Encoding.ASCII.GetBytes(name))];

    /// <summary>Bodies of one to four bytes go into the tag; others follow it, padded to eight.</summary>
    static byte[] Element(int type, byte[] body)
    {
        if (body.Length is > 0 and <= 4) return [(byte)type, 0, (byte)body.Length, 0, .. body, .. new byte[4 - body.Length]];
        return [.. Little(type), .. Little(body.Length), .. body, .. new byte[(8 - body.Length % 8) % 8]];
    }

    static byte[] Little(int value)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        return bytes;
    }
}
