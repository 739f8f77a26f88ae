using System.Text;
using AlexNetActors.Data;

namespace AlexNetActors.Tests.Data;

public class DataFolderTests
{
    [Theory]
    [InlineData(37, 16)]
    [InlineData(600, 17)] // more than are summed in 16 bits, and no whole number of vectors
    public void MeanAndAxesAreThoseOfTheTrainingRecords(int training, int recordSize)
    {
        using var folder = new TemporaryFolder();
        using var data = SmallData.Create(folder["d"], training, validation: 4, recordSize);
        Assert.Equal(recordSize * recordSize * 3, data.Mean.Length);
        for (int i = 0; i < data.Mean.Length; i++)
            Assert.Equal((float)(Enumerable.Range(0, training).Sum(r => (long)SmallData.Byte(r, i)) / (double)training), data.Mean.Span[i]);

        // Against a covariance computed in the plainest way.
        var pixels = Enumerable.Range(0, training).SelectMany(r => Enumerable.Range(0, recordSize * recordSize).Select(p => new double[] { SmallData.Byte(r, 3 * p), SmallData.Byte(r, 3 * p + 1), SmallData.Byte(r, 3 * p + 2) })).ToArray();
        var mean = Enumerable.Range(0, 3).Select(c => pixels.Average(p => p[c])).ToArray();
        for (int axis = 0; axis < 3; axis++)
        {
            var vector = data.ColourAxes.Vectors[axis];
            double variance = pixels.Average(p => Math.Pow(Enumerable.Range(0, 3).Sum(c => (p[c] - mean[c]) * vector[c]), 2));
            Assert.Equal(variance, data.ColourAxes.Values[axis], 6);
            Assert.Equal(1, vector.Sum(x => x * x), 12);
        }
        Assert.True(data.ColourAxes.Values[0] >= data.ColourAxes.Values[1] && data.ColourAxes.Values[1] >= data.ColourAxes.Values[2]);
    }

    [Fact]
    public void TheDigestTellsDataSetsApart()
    {
        using var folder = new TemporaryFolder();
        using var one = SmallData.Create(folder["a"], 20, 5, 16);
        using var same = SmallData.Create(folder["b"], 20, 5, 16);
        using var shorter = SmallData.Create(folder["c"], 20, 4, 16);
        using var labelled = SmallData.Create(folder["d"], 20, 5, 16, classes: 4);
        Assert.Equal(one.Digest, same.Digest);
        Assert.Equal(3, new[] { one.Digest, shorter.Digest, labelled.Digest }.Distinct().Count());
        Assert.Matches("^[0-9a-f]{32}$", one.Digest);
    }

    [Fact]
    public void ARecordOfNoClassIsRefused()
    {
        using var folder = new TemporaryFolder();
        Assert.Contains("record 3 of pack", Assert.ThrowsAny<DataException>(() => SmallData.Create(folder["d"], 6, 3, 16, classes: 4, named: 3)).Message);
    }

    [Fact]
    public void DamageIsRefusedInOneLineThatNamesTheFile()
    {
        using var folder = new TemporaryFolder();
        SmallData.Create(folder["d"], 6, 3, 16).Dispose();
        Refused(folder["none"], "there is no folder");
        Directory.CreateDirectory(folder["empty"]);
        Refused(folder["empty"], "no finished data set");

        Broken("mean.f32", bytes => { bytes[99] ^= 4; return bytes; }, "mean.f32");
        Broken("mean.f32", bytes => bytes[..^4], "mean.f32");
        Broken("mean.f32", _ => null, "mean.f32 is missing");
        Broken("train.pack", _ => null, "there is no pack");
        Broken("validation.pack", bytes => bytes[..^9], "validation.pack");
        Broken("pack.json", bytes => bytes[..^9], "pack.json is damaged");
        Broken("pack.json", bytes => Replaced(bytes, "class1", "class9"), "pack.json is damaged");
        Broken("pack.json", bytes => Replaced(bytes, "\"recordSize\": 16", "\"recordSize\": 17"), "pack.json is damaged");
        Broken("pack.json", bytes => Replaced(bytes, "\"format\": 1", "\"format\": 2"), "format version 2");
        Broken("pack.json", _ => "null"u8.ToArray(), "pack.json is damaged");
        Broken("pack.json", _ => "{}"u8.ToArray(), "pack.json is damaged");
        Broken("pack.json", bytes => Replaced(bytes, "\"colourValues\": [", "\"colourValues\": [ 1e999,"), "pack.json is damaged");
        Broken("pack.json", bytes => Replaced(bytes, "\"format\": 1", "\"format\":1"), "pack.json is damaged");
        SmallData.WritePack(folder["other.pack"], 6, 16, 2);
        Broken("train.pack", _ => File.ReadAllBytes(folder["other.pack"]), "is not the one");

        void Broken(string name, Func<byte[], byte[]?> change, string expected)
        {
            byte[] whole = File.ReadAllBytes(folder["d", name]);
            if (change((byte[])whole.Clone()) is { } changed) File.WriteAllBytes(folder["d", name], changed);
            else File.Delete(folder["d", name]);
            Refused(folder["d"], expected);
            File.WriteAllBytes(folder["d", name], whole);
            DataFolder.Open(folder["d"]).Dispose();
        }

        static void Refused(string path, string expected)
        {
            var error = Assert.ThrowsAny<DataException>(() => DataFolder.Open(path));
            Assert.Contains(expected, error.Message);
            Assert.Contains(path, error.Message);
            Assert.DoesNotContain('\n', error.Message);
        }

        static byte[] Replaced(byte[] text, string from, string to)
        {
            string before = Encoding.UTF8.GetString(text), after = before.Replace(from, to);
            Assert.NotEqual(before, after);
            return Encoding.UTF8.GetBytes(after);
        }
    }
}
