using System.Text;

namespace AlexNetActors.Tests.Model;

/// <summary>A protocol buffers message as its numbered fields: all that a reader without a schema can know.</summary>
sealed class ProtobufFields
{
    readonly List<(int Field, ulong Number, byte[] Bytes)> _fields = [];

    public static ProtobufFields Of(ReadOnlySpan<byte> bytes)
    {
        var message = new ProtobufFields();
        while (!bytes.IsEmpty)
        {
            ulong key = Varint(ref bytes), number = 0;
            byte[] payload = [];
            switch (key & 7)
            {
                case 0:
                    number = Varint(ref bytes);
                    break;
                case 1:
                    payload = Take(ref bytes, 8);
                    break;
                case 2:
                    payload = Take(ref bytes, (int)Varint(ref bytes));
                    break;
                case 5:
                    payload = Take(ref bytes, 4);
                    break;
                default:
                    throw new InvalidDataException($"wire type {key & 7}");
            }
            message._fields.Add(((int)(key >> 3), number, payload));
        }
        return message;
    }

    static ulong Varint(ref ReadOnlySpan<byte> bytes)
    {
        ulong value = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte b = bytes[0];
            bytes = bytes[1..];
            value |= (ulong)(b & 0x7F) << shift;
            if (b < 0x80) return value;
        }
    }

    static byte[] Take(ref ReadOnlySpan<byte> bytes, int count)
    {
        byte[] taken = bytes[..count].ToArray();
        bytes = bytes[count..];
        return taken;
    }

    public IEnumerable<ulong> Numbers(int field) => _fields.Where(f => f.Field == field).Select(f => f.Number);
    public IEnumerable<ProtobufFields> Messages(int field) => _fields.Where(f => f.Field == field).Select(f => Of(f.Bytes));
    public IEnumerable<string> Texts(int field) => _fields.Where(f => f.Field == field).Select(f => Encoding.UTF8.GetString(f.Bytes));
    public ulong Number(int field) => Assert.Single(Numbers(field));
    public ProtobufFields Message(int field) => Assert.Single(Messages(field));
    public string Text(int field) => Assert.Single(Texts(field));
    public byte[] Bytes(int field) => _fields.Single(f => f.Field == field).Bytes;
    public double Double(int field) => BitConverter.ToDouble(Bytes(field));
    public ulong Fixed64(int field) => BitConverter.ToUInt64(Bytes(field));
    public float Single(int field) => BitConverter.ToSingle(Bytes(field));
}
