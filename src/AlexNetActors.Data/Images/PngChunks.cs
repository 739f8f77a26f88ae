using System.Buffers.Binary;

namespace AlexNetActors.Data;

/// <summary>The chunks of a PNG file (PNG specification, section 5.3), for what its decoder leaves to us.</summary>
internal static class PngChunks
{
    /// <summary>The decoder gathers a chunk that holds no pixels in pieces, each time copying what it has: 60 MB take minutes, and cannot be interrupted.</summary>
    const int AncillaryBytesMax = 4 << 20;

    static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];

    /// <summary>Where the first chunk begins; behind the end of what is no PNG.</summary>
    internal static int Start(ReadOnlySpan<byte> bytes) => bytes.StartsWith(Signature) ? Signature.Length : bytes.Length;

    /// <summary>Moves behind the chunk; false at the end, and where a chunk is cut short.</summary>
    internal static bool Next(ReadOnlySpan<byte> bytes, ref int at, out ReadOnlySpan<byte> type, out ReadOnlySpan<byte> body)
    {
        type = body = default;
        if (at + 12 > bytes.Length) return false;
        uint length = BinaryPrimitives.ReadUInt32BigEndian(bytes[at..]);
        if (length > bytes.Length - at - 12) return false;
        type = bytes.Slice(at + 4, 4);
        body = bytes.Slice(at + 8, (int)length);
        at += 12 + (int)length;
        return true;
    }

    /// <returns>What is unusual about the chunks before the pixels, or null if nothing is or this is no PNG.</returns>
    internal static string? Complaint(ReadOnlySpan<byte> bytes)
    {
        for (int at = Start(bytes); at + 8 <= bytes.Length && !bytes.Slice(at + 4, 4).SequenceEqual("IDAT"u8);)
        {
            uint length = BinaryPrimitives.ReadUInt32BigEndian(bytes[at..]); // whether they are all there or not
            if (char.IsAsciiLetterLower((char)bytes[at + 4]) && length > AncillaryBytesMax)
                return $"PNG with {length} bytes beside the picture in one chunk, more than {AncillaryBytesMax}";
            if (!Next(bytes, ref at, out _, out _)) break;
        }
        return null;
    }
}
