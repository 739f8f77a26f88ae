using SkiaSharp;

namespace AlexNetActors.Data;

/// <summary>A record, or another picture, as a file that others can show.</summary>
public static class RecordPicture
{
    /// <summary>A PNG file.</summary>
    /// <param name="pixels">uint8 RGB [height, width, 3]</param>
    /// <param name="width">In pixels.</param>
    /// <param name="height">In pixels.</param>
    public static byte[] Png(ReadOnlySpan<byte> pixels, int width, int height)
    {
        using var bitmap = new SKBitmap(new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        var drawn = bitmap.GetPixelSpan();
        for (int i = 0; i < width * height; i++)
        {
            pixels.Slice(3 * i, 3).CopyTo(drawn[(4 * i)..]);
            drawn[4 * i + 3] = byte.MaxValue;
        }
        using var png = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return png.ToArray();
    }
}
