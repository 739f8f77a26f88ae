using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using AlexNetActors.Model;

namespace AlexNetActors.Actors;

/// <summary>
/// A frame is one MessagePack array of ten: eight fields, the payload (bin 32) and its <see cref="FrameChecksum"/> (uint 64).
/// Every field has one width, the widest, so that headers and trailers have one length; any other encoding is refused.
/// </summary>
static class FrameFormat
{
    public const int HeaderBytes = 32, TrailerBytes = 9;

    /// <summary>What is hashed and moved at a time: still in the last-level cache when the other happens to it, and few system calls a payload.</summary>
    public const int PieceBytes = 2 << 20;

    const byte Array10 = 0x9a, UInt8 = 0xcc, Int32 = 0xd2, Int64 = 0xd3, Bin32 = 0xc6, UInt64 = 0xcf;

    public static void WriteHeader(in FrameHeader header, Span<byte> destination)
    {
        destination[0] = Array10;
        Write(destination[1..], (byte)header.Kind);
        destination[3] = Int32;
        BinaryPrimitives.WriteInt32BigEndian(destination[4..], header.Pass.Generation);
        Write(destination[8..], (byte)header.Pass.Kind);
        destination[10] = Int64;
        BinaryPrimitives.WriteInt64BigEndian(destination[11..], header.Pass.Number);
        Write(destination[19..], (byte)header.Exchange);
        Write(destination[21..], header.Part);
        Write(destination[23..], (byte)header.Tower);
        Write(destination[25..], (byte)header.Element);
        destination[27] = Bin32;
        BinaryPrimitives.WriteInt32BigEndian(destination[28..], header.Bytes);
    }

    /// <exception cref="FrameRefusedException">It is none, or one with values that do not exist.</exception>
    public static FrameHeader ReadHeader(ReadOnlySpan<byte> source)
    {
        if (source[0] != Array10 || source[3] != Int32 || source[10] != Int64 || source[27] != Bin32) Refuse("the header is not one of a frame");
        var pass = new PassId(BinaryPrimitives.ReadInt32BigEndian(source[4..]), (PassKind)Read(source[8..], (byte)PassKind.Evaluate), BinaryPrimitives.ReadInt64BigEndian(source[11..]));
        var header = new FrameHeader((FrameKind)Read(source[1..], (byte)FrameKind.State), pass, (ExchangeKind)Read(source[19..], (byte)ExchangeKind.Sum),
            Read(source[21..], byte.MaxValue), (TowerId)Read(source[23..], (byte)TowerId.B), (ElementType)Read(source[25..], (byte)ElementType.BFloat16),
            BinaryPrimitives.ReadInt32BigEndian(source[28..]));
        if (header.Bytes < 0) Refuse($"a payload of {(uint)header.Bytes} bytes");
        if (header.Kind == FrameKind.Alive && header != default) Refuse("an Alive frame that carries something");
        return header;
    }

    public static void WriteTrailer(ulong checksum, Span<byte> destination)
    {
        destination[0] = UInt64;
        BinaryPrimitives.WriteUInt64BigEndian(destination[1..], checksum);
    }

    /// <exception cref="FrameRefusedException">It is none.</exception>
    public static ulong ReadTrailer(ReadOnlySpan<byte> source)
    {
        if (source[0] != UInt64) Refuse("the frame does not end in a checksum");
        return BinaryPrimitives.ReadUInt64BigEndian(source[1..]);
    }

    static void Write(Span<byte> destination, byte value) => (destination[0], destination[1]) = (UInt8, value);

    static byte Read(ReadOnlySpan<byte> source, byte last)
    {
        if (source[0] != UInt8 || source[1] > last) Refuse("a field of the header has a value that does not exist");
        return source[1];
    }

    [DoesNotReturn]
    static void Refuse(string why) => throw new FrameRefusedException(why);
}
