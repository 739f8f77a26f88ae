using System.Runtime.InteropServices;
using NetVips;
using SkiaSharp;

namespace AlexNetActors.Benchmarks;

/// <summary>An image library that decodes a JPEG and resizes it: shorter side to the record's, centre cut out.</summary>
sealed record DataPeer(string Name, Func<int, IDataPeerDecoder> NewDecoder);

/// <summary>Belongs to one thread and keeps its memory, as far as the library lets it.</summary>
interface IDataPeerDecoder : IDisposable
{
    /// <returns>uint8 [recordSize, recordSize, 1, 3 or 4], valid until the next call.</returns>
    ReadOnlySpan<byte> Decode(string file);
}

/// <summary>The peers, each with the settings that were found fastest, and with those nearest to what prepare does.</summary>
static class DataPeers
{
    internal static readonly DataPeer[] All =
    [
        new("SkiaSharp, full decode, bilinear without mipmaps", size => new Skia(size, scaled: false)),
        new("SkiaSharp, scaled decode, bilinear without mipmaps", size => new Skia(size, scaled: true)),
        new("NetVips, thumbnail with shrink on load, Lanczos", size => new Vips(size, thumbnail: true)),
        new("NetVips, full decode, linear", size => new Vips(size, thumbnail: false)),
    ];

    /// <summary>Only the part that is cut out is resized, into memory that is used again and again.</summary>
    sealed unsafe class Skia(int recordSize, bool scaled) : IDataPeerDecoder
    {
        readonly SKBitmap record = new(new SKImageInfo(recordSize, recordSize, SKColorType.Rgba8888, SKAlphaType.Opaque));
        byte[] file = new byte[1 << 20];
        byte* pixels = (byte*)NativeMemory.Alloc(64 << 20);

        public ReadOnlySpan<byte> Decode(string path)
        {
            int length = Read(path, ref file);
            fixed (byte* bytes = file)
            {
                using var data = SKData.Create((nint)bytes, length);
                using var codec = SKCodec.Create(data);
                var size = codec.Info.Size;
                if (scaled) size = Shrunk(codec);
                var info = new SKImageInfo(size.Width, size.Height, SKColorType.Rgba8888, SKAlphaType.Opaque);
                if (codec.GetPixels(info, (nint)pixels) != SKCodecResult.Success) throw new InvalidOperationException($"SkiaSharp cannot decode {path}");
                int side = Math.Min(size.Width, size.Height), left = (size.Width - side) / 2, top = (size.Height - side) / 2;
                using var square = new SKPixmap(new SKImageInfo(side, side, SKColorType.Rgba8888, SKAlphaType.Opaque), (nint)(pixels + ((long)top * size.Width + left) * 4), info.RowBytes);
                if (!square.ScalePixels(record.PeekPixels(), new SKSamplingOptions(SKFilterMode.Linear, SKMipmapMode.None))) throw new InvalidOperationException($"SkiaSharp cannot resize {path}");
                return record.GetPixelSpan();
            }
        }

        SKSizeI Shrunk(SKCodec codec)
        {
            for (int eighths = 1; eighths < 8; eighths++)
            {
                var size = codec.GetScaledDimensions(eighths / 8f);
                if (Math.Min(size.Width, size.Height) >= recordSize) return size;
            }
            return codec.Info.Size;
        }

        public void Dispose()
        {
            record.Dispose();
            NativeMemory.Free(pixels);
            pixels = null;
        }
    }

    /// <summary>libvips with one thread a picture and no cache of operations: the parallelism is over pictures.</summary>
    sealed class Vips : IDataPeerDecoder
    {
        readonly int recordSize;
        readonly bool thumbnail;

        internal Vips(int recordSize, bool thumbnail)
        {
            (this.recordSize, this.thumbnail) = (recordSize, thumbnail);
            NetVips.NetVips.Concurrency = 1;
            Cache.Max = 0;
        }

        public ReadOnlySpan<byte> Decode(string path)
        {
            if (thumbnail)
            {
                using var cut = Image.Thumbnail(path, recordSize, height: recordSize, crop: Enums.Interesting.Centre, noRotate: true);
                return cut.WriteToMemory<byte>();
            }
            using var full = Image.NewFromFile(path, access: Enums.Access.Sequential);
            int side = Math.Min(full.Width, full.Height);
            using var square = full.Crop((full.Width - side) / 2, (full.Height - side) / 2, side, side);
            using var record = square.Resize((double)recordSize / side, kernel: Enums.Kernel.Linear);
            return record.WriteToMemory<byte>();
        }

        public void Dispose()
        {
        }
    }

    static int Read(string path, ref byte[] buffer)
    {
        using var handle = File.OpenHandle(path);
        long length = RandomAccess.GetLength(handle);
        if (buffer.Length < length) buffer = new byte[length];
        return RandomAccess.Read(handle, buffer.AsSpan(0, (int)length), 0);
    }
}
