using System.Text;
using AlexNetActors.Model;
using CsCheck;

namespace AlexNetActors.Tests.Model;

/// <summary>A file comes back as it was written, and a damaged one is refused. That other writers' files are read, the golden fixtures show.</summary>
public sealed class SafeTensorsTests : IDisposable
{
    readonly string _file = Path.GetTempFileName();

    public void Dispose() => File.Delete(_file);

    static readonly NamedValues[] Tensors =
    [
        new("conv1.weight", [2, 3, 1, 1], [1, -2, 3.5f, float.NaN, float.Epsilon, -0f]),
        new("conv1.bias", [2], [float.PositiveInfinity, 1e-30f]),
        new("empty", [0, 4], []),
    ];

    [Fact]
    public void RoundTripKeepsEveryBit() =>
        Gen.Select(Gen.String[Gen.Char['a', 'é'], 1, 9], Gen.Int[0, 4].Array[1, 4], Gen.Int).Array[0, 5].Sample(made =>
        {
            NamedValues[] tensors = [.. made.DistinctBy(m => m.Item1).Select(m => new NamedValues(m.Item1, m.Item2, Bits(m.Item3, m.Item2.Aggregate(1, (a, b) => a * b))))];
            string hash = SafeTensors.Write(_file, tensors, new Dictionary<string, string>());
            AssertSame(tensors, SafeTensors.Read(_file, hash));
        }, iter: 50, threads: 1);

    /// <summary>Of one tensor among others, of none, less than a piece, a piece, and more.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    [InlineData(1 << 14)]
    [InlineData((1 << 14) + 1)]
    [InlineData(100_000)]
    public void Scanning_hands_over_the_same_values_in_their_order(int count)
    {
        var wanted = new NamedValues("wanted", [count], Bits(7, count));
        SafeTensors.Write(_file, [Tensors[0], wanted, Tensors[1]], new Dictionary<string, string>());
        var got = new List<float>();
        SafeTensors.Scan(_file, "wanted", piece => got.AddRange(piece));
        AssertSame([wanted], [wanted with { Data = [.. got] }]);
        Assert.Contains("it has no other", Assert.Throws<CheckpointException>(() => SafeTensors.Scan(_file, "other", _ => { })).Message);
    }

    static float[] Bits(int seed, int count) => [.. Enumerable.Range(0, count).Select(n => BitConverter.Int32BitsToSingle(seed + n * 0x01234567))];

    static void AssertSame(IReadOnlyList<NamedValues> expected, IReadOnlyList<NamedValues> got)
    {
        Assert.Equal(expected.Select(t => t.Name), got.Select(t => t.Name));
        foreach (var (e, g) in expected.Zip(got))
        {
            Assert.Equal(e.Shape, g.Shape);
            Assert.Equal(e.Data.Select(BitConverter.SingleToInt32Bits), g.Data.Select(BitConverter.SingleToInt32Bits));
        }
    }

    [Fact]
    public void LayoutIsTheFormats()
    {
        SafeTensors.Write(_file, Tensors, new Dictionary<string, string> { ["tower"] = "A" });
        byte[] bytes = File.ReadAllBytes(_file);
        int header = (int)BitConverter.ToInt64(bytes);
        Assert.Equal(0, header % 8);
        Assert.StartsWith("""{"__metadata__":{"tower":"A"},"conv1.weight":{"dtype":"F32","shape":[2,3,1,1],"data_offsets":[0,24]},"conv1.bias":{"dtype":"F32","shape":[2],"data_offsets":[24,32]}""", Encoding.UTF8.GetString(bytes, 8, header));
        Assert.Equal(8 + header + 32, bytes.Length);
        Assert.Equal(3.5f, BitConverter.ToSingle(bytes, 8 + header + 8));
    }

    [Fact]
    public void FlippedBytesAreFoundByTheHash()
    {
        string hash = SafeTensors.Write(_file, Tensors, new Dictionary<string, string>());
        byte[] whole = File.ReadAllBytes(_file);
        for (int n = 0; n < whole.Length; n++)
        {
            File.WriteAllBytes(_file, [.. whole[..n], (byte)(whole[n] ^ 1 << n % 8), .. whole[(n + 1)..]]);
            Assert.Contains("is damaged: its SHA-256 is", Assert.Throws<CheckpointException>(() => SafeTensors.Read(_file, hash)).Message);
        }
    }

    /// <summary>Without the hash a changed header is either still a header, or refused; nothing else happens.</summary>
    [Fact]
    public void ChangedHeadersThrowNothingElse()
    {
        SafeTensors.Write(_file, Tensors, new Dictionary<string, string>());
        byte[] whole = File.ReadAllBytes(_file);
        foreach (char c in "0-{[\"\\9e \u0001")
            for (int n = 0; n < whole.Length - 32; n++)
            {
                File.WriteAllBytes(_file, [.. whole[..n], (byte)c, .. whole[(n + 1)..]]);
                try
                {
                    SafeTensors.Read(_file);
                }
                catch (CheckpointException e)
                {
                    Assert.Contains(_file, e.Message);
                }
            }
    }

    [Fact]
    public void CutFilesAreRefused()
    {
        SafeTensors.Write(_file, Tensors, new Dictionary<string, string>());
        byte[] whole = File.ReadAllBytes(_file);
        for (int length = 0; length < whole.Length; length++)
        {
            File.WriteAllBytes(_file, whole[..length]);
            Assert.Contains("is not a safetensors file", Assert.Throws<CheckpointException>(() => SafeTensors.Read(_file)).Message);
        }
    }

    [Theory]
    [InlineData("""[1]""")]
    [InlineData("""{"a":1}""")]
    [InlineData("""{"a":{"dtype":4,"shape":[1],"data_offsets":[0,4]}}""")]
    [InlineData("""{"a":{"shape":[1],"data_offsets":[0,4]}}""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}}""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-1,-1],"data_offsets":[0,4]}}""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2147483647,2147483647,2147483647],"data_offsets":[0,4]}}""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1073741824,2147483647,2],"data_offsets":[0,4]}}""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1073741824,1073741824,4],"data_offsets":[0,0]}}""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[9223372036854775804,-9223372036854775808]}}""")]
    public void NonsenseIsRefused(string header)
    {
        byte[] json = Encoding.UTF8.GetBytes(header);
        File.WriteAllBytes(_file, [.. BitConverter.GetBytes((long)json.Length), .. json, 0, 0, 0, 0]);
        Assert.Contains("is not a safetensors file", Assert.Throws<CheckpointException>(() => SafeTensors.Read(_file)).Message);
    }

    [Fact]
    public void MissingFileIsNamed()
    {
        string missing = _file + ".none";
        Assert.Equal($"{missing} is missing", Assert.Throws<CheckpointException>(() => SafeTensors.Read(missing)).Message);
    }

    [Theory]
    [InlineData("""{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", "w is there twice")]
    [InlineData("""{"w":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}}""", "w has values of type BF16, wanted F32")]
    public void What_other_writers_may_write_and_is_not_ours_is_named(string header, string expected)
    {
        File.WriteAllBytes(_file, [.. BitConverter.GetBytes((long)header.Length), .. Encoding.UTF8.GetBytes(header), 0, 0, 0, 0]);
        Assert.Contains(expected, Assert.Throws<CheckpointException>(() => SafeTensors.Read(_file)).Message);
    }
}
