using System.Buffers;
using System.Buffers.Binary;
using MessagePack;

namespace AlexNetActors.Actors;

/// <summary>What the one who was dialled says to a hello: come in, come again, or never.</summary>
enum Verdict : byte { Accepted, NotYet, Refused }

/// <param name="Verdict">Come in, come again, or never.</param>
/// <param name="Line">Why not.</param>
readonly record struct HelloAnswer(Verdict Verdict, string Line);

/// <summary>
/// A hello and its answer: each a MessagePack bin 16 of at most <see cref="BytesMax"/> bytes around an array. A hello's first two fields stay what they
/// are in every version: [magic, version, generation, purpose, from, to]; an answer is [version, verdict, line].
/// </summary>
static class HelloFormat
{
    public const int Version = 1, BytesMax = 1024;

    /// <summary>First byte of a hello and of an answer.</summary>
    public const byte Bin16 = 0xc5;

    const string Magic = "alexnet-tensors";
    const int PrefixBytes = 3, NameMax = 128;

    public static void WriteHello(Stream stream, TensorHello hello)
    {
        var buffer = new ArrayBufferWriter<byte>();
        var writer = new MessagePackWriter(buffer);
        writer.WriteArrayHeader(6);
        writer.Write(Magic);
        writer.Write(Version);
        writer.Write(hello.Generation);
        writer.Write((byte)hello.Purpose);
        writer.Write(hello.From);
        writer.Write(hello.To);
        writer.Flush();
        Write(stream, buffer.WrittenSpan);
    }

    /// <exception cref="HelloException">It is none that this version knows.</exception>
    /// <exception cref="IOException">The connection ended, or its deadline passed.</exception>
    public static TensorHello ReadHello(Stream stream) => Decode(Read(stream), static (ref MessagePackReader reader) =>
    {
        int fields = reader.ReadArrayHeader();
        if (fields < 2 || reader.ReadString() != Magic) throw new HelloException(Refusal.Garbage, "is not a hello of the tensor transport");
        int version = reader.ReadInt32();
        if (version != Version) throw new HelloException(Refusal.Version, $"speaks version {version} of the tensor transport, this node version {Version}: use the same release on every node");
        if (fields != 6) throw new HelloException(Refusal.Garbage, $"has {fields} fields, wanted 6");
        var hello = new TensorHello(reader.ReadInt32(), (LinkPurpose)reader.ReadByte(), Name(ref reader), Name(ref reader));
        return hello.Purpose <= LinkPurpose.Snapshots ? hello : throw new HelloException(Refusal.Garbage, $"has purpose {hello.Purpose}, which does not exist");
    });

    public static void WriteAnswer(Stream stream, HelloAnswer answer)
    {
        var buffer = new ArrayBufferWriter<byte>();
        var writer = new MessagePackWriter(buffer);
        writer.WriteArrayHeader(3);
        writer.Write(Version);
        writer.Write((byte)answer.Verdict);
        writer.Write(answer.Line.Length <= BytesMax / 4 ? answer.Line : answer.Line[..(BytesMax / 4)]);
        writer.Flush();
        Write(stream, buffer.WrittenSpan);
    }

    /// <exception cref="HelloException">It is none.</exception>
    /// <exception cref="IOException">The connection ended, or its deadline passed.</exception>
    public static HelloAnswer ReadAnswer(Stream stream) => Decode(Read(stream), static (ref MessagePackReader reader) =>
    {
        if (reader.ReadArrayHeader() != 3) throw new HelloException(Refusal.Garbage, "is not an answer to a hello");
        reader.ReadInt32(); // the line says what is wrong with versions that differ
        var answer = new HelloAnswer((Verdict)reader.ReadByte(), reader.ReadString() ?? "");
        return answer.Verdict <= Verdict.Refused && !answer.Line.Any(char.IsControl) ? answer : throw new HelloException(Refusal.Garbage, "is not an answer to a hello");
    });

    static void Write(Stream stream, ReadOnlySpan<byte> content)
    {
        var message = new byte[PrefixBytes + content.Length];
        message[0] = Bin16;
        BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(1), (ushort)content.Length);
        content.CopyTo(message.AsSpan(PrefixBytes));
        stream.Write(message);
        stream.Flush();
    }

    static byte[] Read(Stream stream)
    {
        Span<byte> prefix = stackalloc byte[PrefixBytes];
        Fill(stream, prefix);
        int length = BinaryPrimitives.ReadUInt16BigEndian(prefix[1..]);
        if (prefix[0] != Bin16 || length > BytesMax) throw new HelloException(Refusal.Garbage, "is not one of the tensor transport");
        var content = new byte[length];
        Fill(stream, content);
        return content;
    }

    static void Fill(Stream stream, Span<byte> destination)
    {
        for (int at = 0; at < destination.Length;)
        {
            int got = stream.Read(destination[at..]);
            if (got == 0) throw new ConnectionEndedException("closed the connection before it was accepted");
            at += got;
        }
    }

    static string Name(ref MessagePackReader reader)
    {
        string? name = reader.ReadString();
        return name is { Length: > 0 and <= NameMax } && !name.Any(char.IsControl) ? name : throw new HelloException(Refusal.Garbage, "has a name that is no actor's");
    }

    delegate T Decoder<T>(ref MessagePackReader reader);

    static T Decode<T>(byte[] content, Decoder<T> decoder)
    {
        try
        {
            var reader = new MessagePackReader(content);
            var value = decoder(ref reader);
            return reader.End ? value : throw new HelloException(Refusal.Garbage, "has bytes after its end");
        }
        catch (Exception e) when (e is MessagePackSerializationException or EndOfStreamException or OverflowException) // what the reader throws at bytes that mean something else, end early or do not fit
        {
            throw new HelloException(Refusal.Garbage, "cannot be read");
        }
    }
}

/// <summary>A hello, or an answer to one, that is wrong; the message goes on after "the hello".</summary>
sealed class HelloException(Refusal refusal, string message) : Exception(message)
{
    public Refusal Refusal => refusal;
}
