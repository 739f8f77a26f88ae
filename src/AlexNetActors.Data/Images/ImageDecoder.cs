using System.Runtime.InteropServices;
using SkiaSharp;

namespace AlexNetActors.Data;

/// <summary>
/// Makes a record of an image file (paper section 2): right side up, shorter side to the record's size, centre cut out. Belongs to one thread.
/// <para>
/// The format is told by the bytes, not by the name: JPEG, PNG, GIF (first frame), WebP, BMP. Grey becomes three equal channels, CMYK and
/// YCCK are converted without a profile, 16 bits become 8, transparency is laid over white, the EXIF orientation is applied.
/// </para>
/// </summary>
public sealed unsafe class ImageDecoder(int recordSize) : IDisposable
{
    /// <summary>Larger pictures are refused before anything is allocated for them: a header of a few bytes can claim four gigapixels.</summary>
    internal const long PixelsMax = 100_000_000;

    const string CutShort = "cut short: the file ends before the picture does";
    const long KeptBytesMax = 64 << 20;
    const long PixelsAtOnceMax = 16_000_000;
    static readonly Lock LargePicture = new(); // one of them in memory at a time

    /// <summary>The decoder knows others too, among them WBMP, which two zero bytes can begin.</summary>
    static readonly SKEncodedImageFormat[] Formats = [SKEncodedImageFormat.Jpeg, SKEncodedImageFormat.Png, SKEncodedImageFormat.Gif, SKEncodedImageFormat.Webp, SKEncodedImageFormat.Bmp];

    readonly Resampler resampler = new(recordSize);
    byte* pixels;
    long capacity;

    /// <summary>Decodes one file.</summary>
    /// <param name="bytes">The whole file.</param>
    /// <param name="record">uint8 RGB [recordSize, recordSize, 3], overwritten; without meaning where the file was skipped.</param>
    /// <returns>Why the file is to be skipped, or null if the record is good.</returns>
    public string? Decode(ReadOnlySpan<byte> bytes, Span<byte> record)
    {
        if (bytes.IsEmpty) return "empty file";
        if (PngChunks.Complaint(bytes) is { } complaint) return complaint;
        fixed (byte* start = bytes)
        {
            using var data = SKData.Create((nint)start, bytes.Length);
            using var codec = SKCodec.Create(data);
            if (codec is null || !Formats.Contains(codec.EncodedFormat)) return Unreadable(bytes, SKCodecResult.Unimplemented);
            var info = codec.Info;
            if (info.Width < 1 || info.Height < 1 || (long)info.Width * info.Height > PixelsMax) return BadSize(info.Width, info.Height);
            if (codec.EncodedFormat == SKEncodedImageFormat.Jpeg && JpegFrame.LacksEnd(bytes)) return CutShort;
            if ((long)info.Width * info.Height <= PixelsAtOnceMax) return Decode(codec, bytes, record);
            lock (LargePicture) return Decode(codec, bytes, record);
        }
    }

    internal static string BadSize(int width, int height) =>
        width == 0 || height == 0 ? $"header says {width} x {height} pixels" : $"header says {width} x {height} pixels, more than {PixelsMax / 1_000_000} million";

    string? Decode(SKCodec codec, ReadOnlySpan<byte> bytes, Span<byte> record)
    {
        var size = DecodedSize(codec);
        bool opaque = codec.Info.AlphaType == SKAlphaType.Opaque;
        var info = new SKImageInfo(size.Width, size.Height, SKColorType.Rgba8888, opaque ? SKAlphaType.Opaque : SKAlphaType.Unpremul);
        Reserve((long)info.RowBytes * info.Height);
        var result = codec.GetPixels(info, (nint)pixels);
        if (result == SKCodecResult.Success)
        {
            if (!opaque) LayOverWhite(pixels, (long)size.Width * size.Height);
            int orientation = PngOrientation.Of(bytes) is > 0 and int stated ? stated : (int)codec.EncodedOrigin;
            resampler.Resample(pixels, size.Width, size.Height, codec.Info.Width, codec.Info.Height, orientation, record);
        }
        if (capacity > KeptBytesMax) Free();
        return result == SKCodecResult.Success ? null : Unreadable(bytes, result);
    }

    /// <summary>A JPEG decoder can leave out the frequencies that shrinking would remove: the smallest n/8 of the size that is not below the record's.</summary>
    SKSizeI DecodedSize(SKCodec codec)
    {
        var full = new SKSizeI(codec.Info.Width, codec.Info.Height);
        if (codec.EncodedFormat != SKEncodedImageFormat.Jpeg) return full;
        for (int eighths = 1; eighths < 8; eighths++)
        {
            var scaled = codec.GetScaledDimensions(eighths / 8f);
            if (Math.Min(scaled.Width, scaled.Height) >= recordSize) return scaled;
        }
        return full;
    }

    static void LayOverWhite(byte* pixels, long count)
    {
        for (byte* p = pixels, end = pixels + count * 4; p < end; p += 4)
        {
            int alpha = p[3], white = 255 * (255 - alpha) + 127;
            p[0] = (byte)((p[0] * alpha + white) / 255);
            p[1] = (byte)((p[1] * alpha + white) / 255);
            p[2] = (byte)((p[2] * alpha + white) / 255);
        }
    }

    static string Unreadable(ReadOnlySpan<byte> bytes, SKCodecResult result)
    {
        if (JpegFrame.Complaint(bytes) is { } complaint) return complaint;
        if (bytes.TrimStart(" \t\r\n"u8).StartsWith("<"u8)) return "a text (HTML or XML), not a picture";
        return result switch
        {
            SKCodecResult.IncompleteInput => CutShort,
            SKCodecResult.ErrorInInput => "damaged: the picture's data is in error",
            _ => "not a picture in a known format, or its header is damaged",
        };
    }

    void Reserve(long bytes)
    {
        if (bytes <= capacity) return;
        Free();
        pixels = (byte*)NativeMemory.Alloc((nuint)bytes);
        capacity = bytes;
    }

    void Free()
    {
        NativeMemory.Free(pixels);
        pixels = null;
        capacity = 0;
    }

    /// <summary>Gives the pixel memory back.</summary>
    public void Dispose() => Free();
}
