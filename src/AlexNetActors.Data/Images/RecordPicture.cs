using SkiaSharp;

namespace AlexNetActors.Data;

/// <summary>A record as a picture that others can show.</summary>
public static class RecordPicture
{
    /// <summary>A PNG file.</summary>
    /// <param name="record">uint8 RGB [size, size, 3]</param>
    /// <param name="size">Side in pixels.</param>
    public static byte[] Png(ReadOnlySpan<byte> record, int size)
    {
        using var bitmap = new SKBitmap(new SKImageInfo(size, size, SKColorType.Rgba8888, SKAlphaType.Opaque));
        var pixels = bitmap.GetPixelSpan();
        for (int i = 0; i < size * size; i++)
        {
            record.Slice(3 * i, 3).CopyTo(pixels[(4 * i)..]);
            pixels[4 * i + 3] = byte.MaxValue;
        }
        using var png = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return png.ToArray();
    }
}
