using System.Buffers.Binary;
using System.Numerics;
using AlexNetActors.Data;
using AlexNetActors.Model;

namespace AlexNetActors.App;

/// <summary>
/// A TensorBoard event file, append-only: TFRecords, each the length of its payload as 8 bytes, their checksum, the payload, its checksum; the
/// first one names the format. Nothing but the file of its name is written, by nobody else.
/// </summary>
sealed class EventFile : IDisposable
{
    const int HeaderBytes = 12, FooterBytes = 4;
    static int s_files; // of this process

    readonly FileStream _file;

    EventFile(FileStream file) => _file = file;

    /// <summary>The name begins with the second, so that files sort by when they were begun.</summary>
    /// <exception cref="IOException">It cannot be made.</exception>
    public static EventFile Create(string folder)
    {
        Directory.CreateDirectory(folder);
        string name = $"events.out.tfevents.{DateTimeOffset.UtcNow.ToUnixTimeSeconds()}.{Environment.MachineName}.{Environment.ProcessId}.{Interlocked.Increment(ref s_files):D4}";
        return new EventFile(new FileStream(Path.Combine(folder, name), FileMode.CreateNew, FileAccess.Write, FileShare.Read, bufferSize: 0));
    }

    public string Name => _file.Name;

    /// <exception cref="IOException">It cannot be written whole; then none of it is there.</exception>
    public void Append(ProtobufMessage message)
    {
        var record = new byte[HeaderBytes + message.Length + FooterBytes];
        message.WriteTo(new MemoryStream(record, HeaderBytes, (int)message.Length));
        BinaryPrimitives.WriteInt64LittleEndian(record, message.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(8), MaskedChecksum(record.AsSpan(0, 8)));
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(record.Length - FooterBytes), MaskedChecksum(record.AsSpan(HeaderBytes, (int)message.Length)));
        long end = _file.Position;
        try
        {
            _file.Write(record);
        }
        catch (Exception e) when (Disk.Refusal(e) is not null)
        {
            _file.SetLength(end);
            throw;
        }
    }

    /// <summary>CRC-32C, rotated and shifted, as TFRecord has it: a checksum of what holds checksums is a poor one.</summary>
    static uint MaskedChecksum(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        for (; bytes.Length >= sizeof(ulong); bytes = bytes[sizeof(ulong)..]) crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        foreach (byte b in bytes) crc = BitOperations.Crc32C(crc, b);
        return BitOperations.RotateRight(~crc, 15) + 0xA282EAD8;
    }

    public void Dispose() => _file.Dispose();
}
