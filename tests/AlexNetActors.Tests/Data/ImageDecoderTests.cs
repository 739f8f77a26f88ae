using System.Buffers.Binary;
using AlexNetActors.Data;
using SkiaSharp;

namespace AlexNetActors.Tests.Data;

public class ImageDecoderTests
{
    const int RecordSize = 64;

    [Theory]
    [InlineData(64, 64)]
    [InlineData(160, 120)] // a JPEG of this size is shrunk while decoding
    [InlineData(66, 330)]
    [InlineData(30, 20)] // enlarged
    [InlineData(65, 64)]
    public void ThePictureIsCentredAndUprightInEveryOrientation(int width, int height)
    {
        for (byte orientation = 1; orientation <= 8; orientation++)
        {
            using var upright = TestPictures.Quarters(width, height);
            using var stored = Stored(upright, orientation);
            byte[] record = Decode(TestPictures.WithOrientation(TestPictures.Encode(stored, SKEncodedImageFormat.Jpeg, 95), orientation));
            AssertQuarters(record, $"orientation {orientation}");
        }
    }

    [Fact]
    public void InvalidOrientationsCountAsNone()
    {
        using var picture = TestPictures.Quarters(80, 80);
        byte[] jpeg = TestPictures.Encode(picture, SKEncodedImageFormat.Jpeg, 95);
        foreach (byte orientation in (byte[])[0, 9, 255]) AssertQuarters(Decode(TestPictures.WithOrientation(jpeg, orientation)), $"{orientation}");
    }

    [Fact]
    public void APngMayCarryAnOrientationToo()
    {
        using var upright = TestPictures.Quarters(90, 70);
        byte[] tiff = [.. "MM\0*"u8, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0];
        using var stored = Stored(upright, 6);
        byte[] png = TestPictures.Encode(stored, SKEncodedImageFormat.Png);
        AssertQuarters(Decode(WithChunk(png, "eXIf", tiff)), "eXIf");
        string hex = Convert.ToHexStringLower([.. "Exif\0\0"u8, .. tiff]);
        AssertQuarters(Decode(WithChunk(png, "tEXt", [.. "Raw profile type exif\0"u8, .. System.Text.Encoding.ASCII.GetBytes($"\nexif\n      32\n{hex[..60]}\n{hex[60..]}\n")])), "tEXt");
    }

    [Fact]
    public void AnEmptyOrHugeProfileOfAPngSaysNothing()
    {
        using var picture = TestPictures.Quarters(90, 70);
        byte[] png = TestPictures.Encode(picture, SKEncodedImageFormat.Png);
        foreach (string type in (string[])["tEXt", "zTXt", "eXIf"])
            foreach (int length in (int[])[0, 1, 2, 10, (1 << 20) + 1])
                AssertQuarters(Decode(WithChunk(png, type, [.. "Raw profile type exif\0"u8, .. new byte[length]])), $"{type} with {length} bytes");
    }

    [Fact]
    public void APngWithManyBytesBesideThePictureIsSkippedAtOnce()
    {
        using var picture = TestPictures.Quarters(90, 70);
        byte[] png = TestPictures.Encode(picture, SKEncodedImageFormat.Png), large = WithChunk(png, "tEXt", [.. "Comment\0"u8, .. new byte[5 << 20]]);
        Assert.Equal("PNG with 5242888 bytes beside the picture in one chunk, more than 4194304", Skipped(large));
        Assert.StartsWith("PNG with 5242888 bytes", Skipped(large[..(5 << 20)]));
        AssertQuarters(Decode(WithChunk(png, "tEXt", [.. "Comment\0"u8, .. new byte[1 << 20]])), "one megabyte");
        AssertQuarters(Decode(WithChunk(png, "tEXt", [.. "Comment\0"u8, .. new byte[5 << 20]], png.Length - 12)), "behind the pixels");
    }

    [Fact]
    public void PixelsOfTheRecordsSizeAreUntouched()
    {
        using var picture = TestPictures.Smooth(3, RecordSize, RecordSize);
        byte[] record = Decode(TestPictures.Encode(picture, SKEncodedImageFormat.Png));
        for (int i = 0; i < RecordSize * RecordSize; i++)
        {
            var colour = picture.GetPixel(i % RecordSize, i / RecordSize);
            Assert.Equal((colour.Red, colour.Green, colour.Blue), (record[3 * i], record[3 * i + 1], record[3 * i + 2]));
        }
    }

    [Fact]
    public void FineDetailAveragesInsteadOfAliasing()
    {
        // One-pixel checks at nine times the size: every target pixel must be near the mean, which picking pixels would not give.
        using var checks = TestPictures.Draw(RecordSize * 9, RecordSize * 9, (x, y) => ((x + y) & 1) == 0 ? SKColors.Black : SKColors.White);
        Assert.All(Decode(TestPictures.Encode(checks, SKEncodedImageFormat.Png)), pixel => Assert.InRange(pixel, 124, 131));
    }

    [Theory]
    [InlineData(97, 71)] // taps and rows that fill no whole vectors
    [InlineData(300, 65)]
    [InlineData(41, 50)] // enlarged
    [InlineData(700, 500)]
    public void EveryPixelIsTheTriangleFiltersMean(int width, int height)
    {
        var random = new Random(width);
        using var picture = TestPictures.Draw(width, height, (_, _) => new SKColor((uint)random.Next() | 0xFF000000));
        byte[] record = Decode(TestPictures.Encode(picture, SKEncodedImageFormat.Png));
        double scale = Math.Min(width, height) / (double)RecordSize;
        int scaledWidth = (int)Math.Round(width / scale), scaledHeight = (int)Math.Round(height / scale);
        var pixels = picture.Pixels;
        for (int k = 0; k < 200; k++)
        {
            int x = random.Next(RecordSize), y = random.Next(RecordSize);
            var across = Weights(width, scaledWidth, x);
            var down = Weights(height, scaledHeight, y);
            double expected = down.Sum(row => across.Sum(column => row.Weight * column.Weight * pixels[row.At * width + column.At].Green));
            Assert.InRange(record[(y * RecordSize + x) * 3 + 1], expected - 0.502, expected + 0.502);
        }

        static (int At, double Weight)[] Weights(int source, int scaled, int target)
        {
            double scale = (double)source / scaled, reach = Math.Max(1, scale), centre = ((scaled - RecordSize) / 2 + target + 0.5) * scale;
            var all = Enumerable.Range(0, source).Select(i => (At: i, Weight: Math.Max(0, 1 - Math.Abs(i + 0.5 - centre) / reach))).Where(w => w.Weight > 0).ToArray();
            double total = all.Sum(w => w.Weight);
            return [.. all.Select(w => (w.At, w.Weight / total))];
        }
    }

    [Fact]
    public void ShrinkingInTheDecoderChangesLittle()
    {
        using var picture = TestPictures.Smooth(1, 80, 80);
        using var large = picture.Resize(new SKImageInfo(512, 512), new SKSamplingOptions(SKFilterMode.Linear));
        byte[] fromJpeg = Decode(TestPictures.Encode(large, SKEncodedImageFormat.Jpeg, 98)), fromPng = Decode(TestPictures.Encode(large, SKEncodedImageFormat.Png));
        double difference = fromJpeg.Zip(fromPng, (a, b) => Math.Abs(a - b)).Average();
        Assert.InRange(difference, 0, 3);
    }

    [Fact]
    public void TheFormatIsToldByTheBytes()
    {
        using var picture = TestPictures.Quarters(100, 100);
        foreach (var format in (SKEncodedImageFormat[])[SKEncodedImageFormat.Jpeg, SKEncodedImageFormat.Png, SKEncodedImageFormat.Webp])
            AssertQuarters(Decode(TestPictures.Encode(picture, format, 95)), format.ToString());
        AssertQuarters(Decode(Bmp(picture)), "BMP");
    }

    [Fact]
    public void TransparencyLiesOverWhite()
    {
        using var picture = new SKBitmap(new SKImageInfo(70, 70, SKColorType.Rgba8888, SKAlphaType.Unpremul));
        picture.Erase(new SKColor(200, 0, 100, 0));
        Assert.All(Decode(TestPictures.Encode(picture, SKEncodedImageFormat.Png)), pixel => Assert.Equal(255, pixel));
        picture.Erase(new SKColor(100, 100, 100, 128));
        Assert.All(Decode(TestPictures.Encode(picture, SKEncodedImageFormat.Png)), pixel => Assert.InRange(pixel, 176, 178));
    }

    [Fact]
    public void GreyHasThreeEqualChannels()
    {
        using var grey = new SKBitmap(new SKImageInfo(70, 80, SKColorType.Gray8, SKAlphaType.Opaque));
        grey.Erase(new SKColor(90, 90, 90));
        Assert.All(Decode(TestPictures.Encode(grey, SKEncodedImageFormat.Jpeg)), pixel => Assert.InRange(pixel, 89, 91));
    }

    [Fact]
    public void WhatIsCutShortIsSkippedAtAnyByte()
    {
        using var picture = TestPictures.Smooth(5, 120, 90);
        foreach (var format in (SKEncodedImageFormat[])[SKEncodedImageFormat.Jpeg, SKEncodedImageFormat.Png])
        {
            byte[] whole = TestPictures.Encode(picture, format);
            // A PNG ends in checksums and an end chunk, which hold no pixels: a decoder may do without.
            int needed = format == SKEncodedImageFormat.Png ? whole.Length * 3 / 4 : whole.Length - 1;
            for (int length = 0; length <= needed; length = length == needed ? needed + 1 : Math.Min(needed, length + 1 + length / 9))
                Assert.False(string.IsNullOrEmpty(Skipped(whole[..length])), $"{format} of {whole.Length} bytes cut to {length}");
            Assert.Null(Skipped([.. whole, 1, 2, 3, 4, 5, 6, 7, 8, 9]));
        }
    }

    [Fact]
    public void ReasonsSayWhatItWas()
    {
        Assert.Equal("empty file", Skipped([]));
        Assert.Contains("HTML", Skipped("  <!DOCTYPE html><p>gone</p>"u8.ToArray()));
        Assert.Contains("not a picture", Skipped(new byte[5000]));
        Assert.Contains("not a picture", Skipped([0, 0, 64, 64, .. new byte[64 * 8]])); // WBMP
        byte[] jpeg = TestPictures.Jpeg(1);
        int frame = jpeg.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xC0]);
        Assert.Contains("lossless", Skipped(With(jpeg, frame + 1, 0xC3)));
        Assert.Contains("12 bits", Skipped(With(jpeg, frame + 4, 12)));
        Assert.Contains("0 pixels", Skipped(With(With(jpeg, frame + 5, 0), frame + 6, 0)));
    }

    [Fact]
    public void AHeaderBombCostsNoMemory()
    {
        using var picture = TestPictures.Smooth(1, 8, 8);
        byte[] png = TestPictures.Encode(picture, SKEncodedImageFormat.Png);
        BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(16), 60000);
        BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(20), 60000);
        BinaryPrimitives.WriteUInt32BigEndian(png.AsSpan(29), Crc32(png.AsSpan(12, 17)));
        Assert.Contains("60000 x 60000", Skipped(png));
        byte[] jpeg = TestPictures.Jpeg(1);
        int frame = jpeg.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xC0]);
        BinaryPrimitives.WriteUInt32BigEndian(jpeg.AsSpan(frame + 5), 0xEA60EA60);
        Assert.Contains("60000 x 60000", Skipped(jpeg));
    }

    static byte[] Decode(byte[] file)
    {
        using var decoder = new ImageDecoder(RecordSize);
        byte[] record = new byte[RecordSize * RecordSize * 3];
        Assert.Null(decoder.Decode(file, record));
        return record;
    }

    static string? Skipped(byte[] file)
    {
        using var decoder = new ImageDecoder(RecordSize);
        return decoder.Decode(file, new byte[RecordSize * RecordSize * 3]);
    }

    static byte[] With(byte[] bytes, int at, byte value)
    {
        byte[] changed = (byte[])bytes.Clone();
        changed[at] = value;
        return changed;
    }

    static void AssertQuarters(byte[] record, string what)
    {
        Assert.Equal("255,0,0", Near(record, RecordSize / 4, RecordSize / 4, what));
        Assert.Equal("0,255,0", Near(record, RecordSize / 4, RecordSize * 3 / 4, what));
        Assert.Equal("0,0,255", Near(record, RecordSize * 3 / 4, RecordSize / 4, what));
        Assert.Equal("255,255,255", Near(record, RecordSize * 3 / 4, RecordSize * 3 / 4, what));
    }

    /// <summary>The colour of a pixel, with what compression did to it taken off.</summary>
    static string Near(byte[] record, int y, int x, string what)
    {
        var pixel = record.AsSpan((y * RecordSize + x) * 3, 3).ToArray();
        Assert.All(pixel, value => Assert.True(value is < 12 or > 243, $"{what}: {string.Join(',', pixel)} at {y}, {x}"));
        return string.Join(',', pixel.Select(value => value < 128 ? 0 : 255));
    }

    /// <summary>How a camera would have stored a picture to be shown with this orientation (EXIF 2.3, tag 274).</summary>
    static SKBitmap Stored(SKBitmap upright, int orientation)
    {
        bool turned = orientation >= 5;
        int right = upright.Width - 1, bottom = upright.Height - 1;
        var pixels = upright.Pixels;
        return TestPictures.Draw(turned ? upright.Height : upright.Width, turned ? upright.Width : upright.Height, (x, y) =>
        {
            // Row 0 of the file is the picture's: 1 top, 2 top, 3 bottom, 4 bottom, 5 left, 6 right, 7 right, 8 left side;
            // column 0 its: left, right, right, left, top, top, bottom, bottom.
            var (ux, uy) = orientation switch
            {
                1 => (x, y),
                2 => (right - x, y),
                3 => (right - x, bottom - y),
                4 => (x, bottom - y),
                5 => (y, x),
                6 => (right - y, x),
                7 => (right - y, bottom - x),
                _ => (y, bottom - x),
            };
            return pixels[uy * upright.Width + ux];
        });
    }

    static byte[] WithChunk(byte[] png, string type, byte[] body, int at = 33)
    {
        byte[] chunk = [0, 0, 0, 0, .. System.Text.Encoding.ASCII.GetBytes(type), .. body, 0, 0, 0, 0];
        BinaryPrimitives.WriteInt32BigEndian(chunk, body.Length);
        BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(chunk.Length - 4), Crc32(chunk.AsSpan(4, chunk.Length - 8)));
        return [.. png[..at], .. chunk, .. png[at..]];
    }

    static uint Crc32(ReadOnlySpan<byte> bytes) => System.IO.Hashing.Crc32.HashToUInt32(bytes);

    /// <summary>A 24-bit BMP; Skia reads them but does not write them.</summary>
    static byte[] Bmp(SKBitmap picture)
    {
        int row = (picture.Width * 3 + 3) & ~3;
        byte[] bmp = new byte[54 + row * picture.Height];
        "BM"u8.CopyTo(bmp);
        BinaryPrimitives.WriteInt32LittleEndian(bmp.AsSpan(2), bmp.Length);
        BinaryPrimitives.WriteInt32LittleEndian(bmp.AsSpan(10), 54);
        BinaryPrimitives.WriteInt32LittleEndian(bmp.AsSpan(14), 40);
        BinaryPrimitives.WriteInt32LittleEndian(bmp.AsSpan(18), picture.Width);
        BinaryPrimitives.WriteInt32LittleEndian(bmp.AsSpan(22), picture.Height);
        BinaryPrimitives.WriteInt16LittleEndian(bmp.AsSpan(26), 1);
        BinaryPrimitives.WriteInt16LittleEndian(bmp.AsSpan(28), 24);
        for (int y = 0; y < picture.Height; y++)
            for (int x = 0; x < picture.Width; x++)
            {
                var colour = picture.GetPixel(x, picture.Height - 1 - y);
                int at = 54 + y * row + x * 3;
                (bmp[at], bmp[at + 1], bmp[at + 2]) = (colour.Blue, colour.Green, colour.Red);
            }
        return bmp;
    }
}
