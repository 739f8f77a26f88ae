using System.Runtime.InteropServices;
using System.Text;

namespace AlexNetActors.Model;

/// <summary>
/// A protocol buffers message being put together, field by field. Large arrays stay where they are until it is written: a message knows its
/// length without holding its bytes.
/// </summary>
public sealed class ProtobufMessage
{
    const int Varint = 0, Fixed64 = 1, LengthDelimited = 2, Fixed32 = 5; // wire types

    readonly List<(byte[]? Bytes, Array? Values)> _parts = [];

    /// <summary>Bytes of the message.</summary>
    public long Length { get; private set; }

    public ProtobufMessage Add(int field, long value) => Tag(field, Varint).AddVarint((ulong)value);

    public ProtobufMessage Add(int field, float value) => Tag(field, Fixed32).AddBytes(BitConverter.GetBytes(value));

    public ProtobufMessage Add(int field, double value) => Tag(field, Fixed64).AddBytes(BitConverter.GetBytes(value));

    public ProtobufMessage Add(int field, string value) => AddDelimited(field, Encoding.UTF8.GetBytes(value));

    public ProtobufMessage Add(int field, ProtobufMessage value)
    {
        Tag(field, LengthDelimited).AddVarint((ulong)value.Length);
        _parts.AddRange(value._parts);
        Length += value.Length;
        return this;
    }

    /// <summary>The values' bytes, little-endian.</summary>
    public ProtobufMessage AddRaw<T>(int field, T[] values) where T : unmanaged
    {
        long bytes = (long)values.Length * Marshal.SizeOf<T>();
        Tag(field, LengthDelimited).AddVarint((ulong)bytes);
        _parts.Add((null, values));
        Length += bytes;
        return this;
    }

    public void WriteTo(Stream stream)
    {
        foreach (var (bytes, values) in _parts)
            stream.Write(bytes ?? values switch
            {
                float[] floats => MemoryMarshal.AsBytes(floats.AsSpan()),
                double[] doubles => MemoryMarshal.AsBytes(doubles.AsSpan()),
                long[] longs => MemoryMarshal.AsBytes(longs.AsSpan()),
                _ => (byte[])values!,
            });
    }

    ProtobufMessage Tag(int field, int wireType) => AddVarint((ulong)(field << 3 | wireType));

    ProtobufMessage AddDelimited(int field, byte[] bytes) => Tag(field, LengthDelimited).AddVarint((ulong)bytes.Length).AddBytes(bytes);

    ProtobufMessage AddVarint(ulong value)
    {
        Span<byte> bytes = stackalloc byte[10];
        int n = 0;
        for (; value >= 0x80; value >>= 7) bytes[n++] = (byte)(value | 0x80);
        bytes[n++] = (byte)value;
        return AddBytes(bytes[..n].ToArray());
    }

    ProtobufMessage AddBytes(byte[] bytes)
    {
        _parts.Add((bytes, null));
        Length += bytes.Length;
        return this;
    }
}
