using System.Buffers.Binary;

namespace AlexNetActors.Data;

/// <summary>Walks the segments of a JPEG file to say what a decoder does not (ITU T.81, annex B).</summary>
internal static class JpegFrame
{
    internal static bool IsJpeg(ReadOnlySpan<byte> bytes) => bytes.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF]);

    /// <returns>What is unusual about the frame header, or null if nothing is or this is no JPEG.</returns>
    internal static string? Complaint(ReadOnlySpan<byte> bytes)
    {
        if (!IsJpeg(bytes)) return null;
        for (int at = 2; NextSegment(bytes, ref at, out int marker, out var body);)
        {
            if (marker is 0xDA) return null;
            if (marker is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC) && body.Length >= 5) return OfFrame(marker, body);
        }
        return null;
    }

    /// <summary>
    /// Whether the end-of-image marker is missing. Decoders make up the pixels of a file cut short and some do not tell, so that the
    /// marker is asked for; garbage behind it is harmless, and a marker inside an embedded thumbnail does not count.
    /// </summary>
    internal static bool LacksEnd(ReadOnlySpan<byte> bytes)
    {
        bool scanned = false;
        int at = 2;
        while (NextSegment(bytes, ref at, out int marker, out _))
        {
            if (marker == 0xD9) return false;
            scanned |= marker == 0xDA;
            if (!scanned) continue;
            // Entropy-coded data: FF 00 is a byte, FF D0 to FF D7 are restarts, anything else begins a segment.
            for (; at + 1 < bytes.Length; at++)
            {
                int next = bytes[at..].IndexOf((byte)0xFF);
                at = next < 0 ? bytes.Length : at + next;
                if (at + 1 < bytes.Length && bytes[at + 1] is not (0x00 or (>= 0xD0 and <= 0xD7) or 0xFF)) break;
            }
        }
        return true;
    }

    /// <summary>Moves behind the next marker and its body.</summary>
    static bool NextSegment(ReadOnlySpan<byte> bytes, ref int at, out int marker, out ReadOnlySpan<byte> body)
    {
        body = default;
        marker = -1;
        while (at + 1 < bytes.Length && (bytes[at] != 0xFF || bytes[at + 1] is 0x00 or 0xFF)) at++;
        if (at + 1 >= bytes.Length) return false;
        marker = bytes[at + 1];
        at += 2;
        if (marker is 0x01 or (>= 0xD0 and <= 0xD9)) return true;
        if (at + 2 > bytes.Length) return false;
        int length = BinaryPrimitives.ReadUInt16BigEndian(bytes[at..]);
        if (length < 2 || at + length > bytes.Length) return false;
        body = bytes.Slice(at + 2, length - 2);
        at += length;
        return true;
    }

    /// <param name="marker">SOF0 to SOF15.</param>
    /// <param name="frame">Precision, height, width.</param>
    static string? OfFrame(int marker, ReadOnlySpan<byte> frame)
    {
        int height = BinaryPrimitives.ReadUInt16BigEndian(frame[1..]), width = BinaryPrimitives.ReadUInt16BigEndian(frame[3..]);
        return width == 0 || height == 0 || (long)width * height > ImageDecoder.PixelsMax ? ImageDecoder.BadSize(width, height)
            : marker is 0xC3 or 0xC7 or 0xCB or 0xCF ? "lossless JPEG, which the decoder does not read"
            : marker is not (0xC0 or 0xC1 or 0xC2 or 0xC9 or 0xCA) ? "hierarchical JPEG, which the decoder does not read"
            : frame[0] != 8 ? $"JPEG of {frame[0]} bits a sample, which the decoder does not read"
            : null;
    }
}
