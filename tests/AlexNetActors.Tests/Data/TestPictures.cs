using SkiaSharp;

namespace AlexNetActors.Tests.Data;

/// <summary>Draws picture files for the tests: nothing is checked in.</summary>
static class TestPictures
{
    public static SKBitmap Draw(int width, int height, Func<int, int, SKColor> colour)
    {
        var pixels = new SKColor[width * height];
        for (int i = 0; i < pixels.Length; i++) pixels[i] = colour(i % width, i / width);
        return new SKBitmap(new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Opaque)) { Pixels = pixels };
    }

    /// <summary>A picture with a different colour in each quarter: red, green / blue, white, seen upright.</summary>
    public static SKBitmap Quarters(int width, int height) => Draw(width, height, (x, y) => (y < height / 2, x < width / 2) switch
    {
        (true, true) => SKColors.Red,
        (true, false) => SKColors.Lime,
        (false, true) => SKColors.Blue,
        _ => SKColors.White,
    });

    /// <summary>Smooth colours that depend on a seed.</summary>
    public static SKBitmap Smooth(int seed, int width, int height) =>
        Draw(width, height, (x, y) => new SKColor((byte)(x * 3 + seed * 37), (byte)(y * 2 + seed * 91), (byte)((x + y) * 2 + seed * 53)));

    public static byte[] Encode(SKBitmap bitmap, SKEncodedImageFormat format, int quality = 90)
    {
        using var data = bitmap.Encode(format, quality);
        return data.ToArray();
    }

    public static byte[] Jpeg(int seed, int width = 48, int height = 40)
    {
        using var bitmap = Smooth(seed, width, height);
        return Encode(bitmap, SKEncodedImageFormat.Jpeg);
    }

    /// <summary>Puts an EXIF block that holds nothing but an orientation behind a JPEG's first marker.</summary>
    public static byte[] WithOrientation(byte[] jpeg, byte orientation)
    {
        byte[] exif = [0xFF, 0xE1, 0, 34, .. "Exif\0\0"u8, .. "MM\0*"u8, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0];
        return [.. jpeg[..2], .. exif, .. jpeg[2..]];
    }

    /// <summary>Writes folder/CLASS/00.jpg ... for every class, each picture another.</summary>
    public static void WriteClasses(string folder, int classes, int files, int seed = 0)
    {
        for (int c = 0; c < classes; c++)
        {
            string path = Path.Combine(folder, $"class{c}");
            Directory.CreateDirectory(path);
            for (int i = 0; i < files; i++)
                File.WriteAllBytes(Path.Combine(path, $"{i:00}.jpg"), Jpeg(seed + c * 100 + i, 40 + i % 7, 36 + i % 5));
        }
    }
}
