using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using AlexNetActors.Data;

namespace AlexNetActors.Model;

/// <summary>
/// The safetensors format: 8 bytes little-endian header length, a JSON header of names, shapes and offsets, then the raw values.
/// Only F32 is written and read here.
/// </summary>
public static class SafeTensors
{
    const long HeaderBytesMax = 16 << 20;
    const int PieceValues = 1 << 14; // 64 KiB: .NET collects larger arrays, from 85,000 bytes on, rarely

    /// <summary>Writes a file, flushes it to the disk and returns its SHA-256 in lower-case hexadecimal.</summary>
    public static string Write(string path, IReadOnlyList<NamedValues> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        var header = new JsonObject { ["__metadata__"] = new JsonObject(metadata.Select(m => KeyValuePair.Create(m.Key, (JsonNode?)m.Value))) };
        long offset = 0;
        foreach (var t in tensors)
        {
            long end = offset + 4L * t.Data.Length;
            header[t.Name] = new JsonObject { ["dtype"] = "F32", ["shape"] = new JsonArray([.. t.Shape.Select(n => (JsonNode)n)]), ["data_offsets"] = new JsonArray(offset, end) };
            offset = end;
        }
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(header);
        var padded = new byte[(json.Length + 7) / 8 * 8]; // values start on 8 bytes
        padded.AsSpan().Fill((byte)' ');
        json.CopyTo(padded, 0);

        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 16);
        void Put(ReadOnlySpan<byte> bytes)
        {
            hash.AppendData(bytes);
            file.Write(bytes);
        }
        var length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, padded.Length);
        Put(length);
        Put(padded);
        foreach (var t in tensors) Put(MemoryMarshal.AsBytes(t.Data.AsSpan()));
        file.Flush(flushToDisk: true);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Reads a file; with <paramref name="sha256"/>, only if its bytes have that hash.</summary>
    /// <param name="path">The file.</param>
    /// <param name="sha256">Of all its bytes.</param>
    /// <param name="only">The one tensor that is wanted, which must be there; null for all.</param>
    /// <exception cref="CheckpointException">The file is missing, damaged, cannot be read or is not safetensors with F32 values.</exception>
    public static IReadOnlyList<NamedValues> Read(string path, string? sha256 = null, string? only = null)
    {
        var tensors = new List<NamedValues>();
        Open(path, sha256, only, (file, tensor) =>
        {
            var data = new float[tensor.Count];
            file.ReadExactly(MemoryMarshal.AsBytes(data.AsSpan()));
            tensors.Add(new NamedValues(tensor.Name, tensor.Shape, data));
        });
        return tensors;
    }

    /// <summary>Hands over the values of one tensor in their order, piece by piece: they may be more than are worth holding at once.</summary>
    /// <param name="path">The file.</param>
    /// <param name="name">The tensor, which must be there.</param>
    /// <param name="take">Called with each piece, which is not to be kept.</param>
    /// <exception cref="CheckpointException">As <see cref="Read"/> throws it.</exception>
    public static void Scan(string path, string name, Action<ReadOnlySpan<float>> take) => Open(path, null, name, (file, tensor) =>
    {
        var piece = new float[Math.Min(tensor.Count, PieceValues)];
        for (long left = tensor.Count; left > 0; left -= piece.Length)
        {
            var part = piece.AsSpan(0, (int)Math.Min(left, piece.Length));
            file.ReadExactly(MemoryMarshal.AsBytes(part));
            take(part);
        }
    });

    /// <summary>Calls for each tensor that is wanted, with the file where its values begin.</summary>
    static void Open(string path, string? sha256, string? only, Action<FileStream, (string Name, int[] Shape, long Count)> read)
    {
        if (!File.Exists(path)) throw new CheckpointException($"{path} is missing");
        if (!OrdinaryFile.HasBytes(path)) throw Damaged(path, "it is empty");
        try
        {
            using var file = File.OpenRead(path);
            if (sha256 is not null)
            {
                string found = Convert.ToHexStringLower(SHA256.HashData(file));
                if (found != sha256) throw new CheckpointException($"{path} is damaged: its SHA-256 is {found[..16]}..., the manifest says {sha256[..Math.Min(16, sha256.Length)]}...");
                file.Position = 0;
            }
            var length = new byte[8];
            file.ReadExactly(length);
            long headerBytes = BinaryPrimitives.ReadInt64LittleEndian(length);
            if (headerBytes is < 2 or > HeaderBytesMax || headerBytes > file.Length - 8) throw Damaged(path, $"header of {headerBytes} bytes");
            var json = new byte[headerBytes];
            file.ReadExactly(json);
            var names = new HashSet<string>();
            long taken = 0, available = file.Length - 8 - headerBytes;
            foreach (var entry in JsonDocument.Parse(json).RootElement.EnumerateObject().Where(e => e.Name != "__metadata__" && (only is null || e.Name == only)))
            {
                if (entry.Value.GetProperty("dtype").GetString() is var type && type != "F32") throw new CheckpointException($"{path}: {entry.Name} has values of type {type}, wanted F32: save it as float32");
                if (!names.Add(entry.Name)) throw Damaged(path, $"{entry.Name} is there twice");
                int[] shape = [.. entry.Value.GetProperty("shape").EnumerateArray().Select(n => n.GetInt32())];
                long start = entry.Value.GetProperty("data_offsets")[0].GetInt64(), end = entry.Value.GetProperty("data_offsets")[1].GetInt64();
                long count = shape.Aggregate(1L, (a, b) => checked(a * b));
                if (shape.Any(n => n < 0) || start < 0 || end < start || end > available || end - start != checked(4 * count)) throw Damaged(path, $"{entry.Name} lies outside the file");
                if ((taken += end - start) > available) throw Damaged(path, $"{entry.Name} has bytes that another tensor has, too");
                file.Position = 8 + headerBytes + start;
                read(file, (entry.Name, shape, count));
            }
            if (only is not null && names.Count == 0) throw Damaged(path, $"it has no {only}");
        }
        catch (Exception e) when (e is JsonException or EndOfStreamException or InvalidOperationException or KeyNotFoundException or IndexOutOfRangeException or OverflowException or FormatException)
        {
            throw Damaged(path, e.Message);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointUnreadableException($"{path} cannot be read: {e.Message}");
        }
    }

    static CheckpointException Damaged(string path, string why) => new($"{path} is not a safetensors file: {why}");
}
