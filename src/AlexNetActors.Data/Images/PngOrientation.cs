using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace AlexNetActors.Data;

/// <summary>The EXIF orientation of a PNG, which the decoder leaves to us: from its eXIf chunk, or from the text chunk that ImageMagick writes.</summary>
internal static class PngOrientation
{
    const int ProfileBytesMax = 1 << 20;

    static ReadOnlySpan<byte> ProfileKey => "Raw profile type exif\0"u8;

    /// <returns>1 to 8, or 0 where the file says nothing.</returns>
    internal static int Of(ReadOnlySpan<byte> bytes)
    {
        int at = PngChunks.Start(bytes);
        while (PngChunks.Next(bytes, ref at, out var type, out var body))
        {
            int found = type.SequenceEqual("eXIf"u8) ? OfTiff(body)
                : type.SequenceEqual("tEXt"u8) && body.StartsWith(ProfileKey) && body.Length <= ProfileBytesMax ? OfProfile(body[ProfileKey.Length..])
                : type.SequenceEqual("zTXt"u8) && body.StartsWith(ProfileKey) && body.Length > ProfileKey.Length ? OfProfile(Inflate(body[(ProfileKey.Length + 1)..]))
                : 0;
            if (found != 0) return found;
        }
        return 0;
    }

    /// <summary>"\nexif\n     LENGTH\n" and hexadecimal lines of "Exif\0\0" and a TIFF block.</summary>
    static int OfProfile(ReadOnlySpan<byte> text)
    {
        string[] words = Encoding.Latin1.GetString(text).Split((char[])['\n', '\r', ' '], StringSplitOptions.RemoveEmptyEntries);
        string digits = string.Concat(words.Skip(2));
        if (digits.Length % 2 != 0 || !digits.All(char.IsAsciiHexDigit)) return 0;
        ReadOnlySpan<byte> exif = Convert.FromHexString(digits);
        return OfTiff(exif.StartsWith("Exif\0\0"u8) ? exif[6..] : exif);
    }

    /// <summary>Tag 0x0112 of the first directory (TIFF 6.0, section 2).</summary>
    static int OfTiff(ReadOnlySpan<byte> tiff)
    {
        bool little = tiff.StartsWith("II*\0"u8);
        if (tiff.Length < 8 || !little && !tiff.StartsWith("MM\0*"u8)) return 0;
        uint directory = little ? BinaryPrimitives.ReadUInt32LittleEndian(tiff[4..]) : BinaryPrimitives.ReadUInt32BigEndian(tiff[4..]);
        if (directory > tiff.Length - 2) return 0;
        int entries = Short(tiff[(int)directory..], little);
        for (int at = (int)directory + 2; entries > 0 && at + 12 <= tiff.Length; entries--, at += 12)
            if (Short(tiff[at..], little) == 0x0112)
                return Short(tiff[(at + 8)..], little) is >= 1 and <= 8 and int orientation ? orientation : 0;
        return 0;
    }

    static int Short(ReadOnlySpan<byte> bytes, bool little) =>
        little ? BinaryPrimitives.ReadUInt16LittleEndian(bytes) : BinaryPrimitives.ReadUInt16BigEndian(bytes);

    static byte[] Inflate(ReadOnlySpan<byte> zlib)
    {
        try
        {
            using var inflating = new ZLibStream(new MemoryStream(zlib.ToArray()), CompressionMode.Decompress);
            byte[] text = new byte[ProfileBytesMax];
            return text[..inflating.ReadAtLeast(text, text.Length, throwOnEndOfStream: false)];
        }
        catch (InvalidDataException)
        {
            return []; // A broken profile says nothing about the picture.
        }
    }
}
