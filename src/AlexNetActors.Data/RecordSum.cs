using System.Buffers.Binary;
using System.Globalization;
using System.IO.Hashing;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace AlexNetActors.Data;

/// <summary>
/// Which records were used and how often, in 16 bytes: the sum, modulo 2^128, of a 128-bit hash (XXH3) of each record's number. Their order does
/// not count. Equal sums mean equal records, each as often, up to a collision: one in 2^128 by accident. It is no signature: sums can be forged.
/// </summary>
[JsonConverter(typeof(InHexadecimal))]
public readonly record struct RecordSum(UInt128 Value)
{
    /// <summary>Of these records, each as often as it stands there.</summary>
    public static RecordSum Of(ReadOnlySpan<int> records)
    {
        UInt128 sum = 0;
        foreach (int record in records) sum += HashOf(record);
        return new RecordSum(sum);
    }

    /// <summary>Of every record of a pack once: what an epoch comes to.</summary>
    /// <param name="records">How many there are.</param>
    public static RecordSum OfAll(int records)
    {
        UInt128 sum = 0;
        for (int record = 0; record < records; record++) sum += HashOf(record);
        return new RecordSum(sum);
    }

    public static RecordSum operator +(RecordSum a, RecordSum b) => new(a.Value + b.Value);

    /// <summary>32 hexadecimal digits.</summary>
    public override string ToString() => Value.ToString("x32", CultureInfo.InvariantCulture);

    /// <exception cref="FormatException">These are not hexadecimal digits.</exception>
    public static RecordSum Parse(string text) => new(UInt128.Parse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));

    static UInt128 HashOf(int record)
    {
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, record);
        return XxHash128.HashToUInt128(bytes);
    }

    sealed class InHexadecimal : JsonConverter<RecordSum>
    {
        public override RecordSum Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options)
        {
            try
            {
                return Parse(reader.GetString() ?? "");
            }
            catch (Exception e) when (e is FormatException or OverflowException or InvalidOperationException)
            {
                throw new JsonException("a sum of records is 32 hexadecimal digits");
            }
        }

        public override void Write(Utf8JsonWriter writer, RecordSum value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());
    }
}
