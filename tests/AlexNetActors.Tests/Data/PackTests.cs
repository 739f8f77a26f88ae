using AlexNetActors.Data;

namespace AlexNetActors.Tests.Data;

public class PackTests
{
    const int RecordSize = 16, Records = 5;

    [Fact]
    public void ReadsWhatWasWritten()
    {
        using var folder = new TemporaryFolder();
        SmallData.WritePack(folder["a.pack"], Records, RecordSize, 3);
        using var pack = Pack.Open(folder["a.pack"]);
        Assert.Equal((Records, RecordSize), (pack.Count, pack.RecordSize));
        for (int i = 0; i < Records; i++)
        {
            Assert.Equal(SmallData.Record(i, RecordSize), pack.Record(i).ToArray());
            Assert.Equal(i % 3, pack.Label(i));
        }
        Assert.Throws<ArgumentOutOfRangeException>(() => pack.Record(Records).Length);
        Assert.Equal([folder["a.pack"]], Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void AFlippedBitAnywhereIsFound()
    {
        using var folder = new TemporaryFolder();
        SmallData.WritePack(folder["a.pack"], Records, RecordSize, 3);
        byte[] whole = File.ReadAllBytes(folder["a.pack"]);
        for (int at = 0; at < whole.Length; at += at is < 64 or > 4096 + Records * 768 ? 1 : 61)
        {
            byte[] flipped = (byte[])whole.Clone();
            flipped[at] ^= (byte)(1 << at % 8);
            File.WriteAllBytes(folder["b.pack"], flipped);
            var error = Assert.ThrowsAny<DataException>(() =>
            {
                using var pack = Pack.Open(folder["b.pack"]);
                pack.Verify();
            });
            Assert.Contains(folder["b.pack"], error.Message);
            Assert.DoesNotContain('\n', error.Message);
            if (at is >= 4096 and < 4096 + Records * 768) Assert.Contains($"record {(at - 4096) / 768} ", error.Message);
        }
    }

    [Fact]
    public void ACutOrLengthenedPackIsRefused()
    {
        using var folder = new TemporaryFolder();
        SmallData.WritePack(folder["a.pack"], Records, RecordSize, 3);
        byte[] whole = File.ReadAllBytes(folder["a.pack"]);
        foreach (int length in (int[])[0, 1, 24, 4095, 4096, 5000, whole.Length - 1])
        {
            File.WriteAllBytes(folder["b.pack"], whole[..length]);
            Assert.Contains("damaged", Assert.ThrowsAny<DataException>(() => Pack.Open(folder["b.pack"])).Message);
        }
        File.WriteAllBytes(folder["b.pack"], [.. whole, 0]);
        Assert.Contains("damaged", Assert.ThrowsAny<DataException>(() => Pack.Open(folder["b.pack"])).Message);
    }

    [Fact]
    public void ForeignThingsAreRefusedInOneLine()
    {
        using var folder = new TemporaryFolder();
        SmallData.WritePack(folder["a.pack"], Records, RecordSize, 3);
        byte[] bytes = File.ReadAllBytes(folder["a.pack"]);
        bytes[8] = 2;
        File.WriteAllBytes(folder["newer.pack"], bytes);
        Assert.Contains("format version 2", Assert.ThrowsAny<DataException>(() => Pack.Open(folder["newer.pack"])).Message);
        File.WriteAllBytes(folder["text.pack"], new byte[9999]);
        Assert.Contains("does not start like a pack", Assert.ThrowsAny<DataException>(() => Pack.Open(folder["text.pack"])).Message);
        Assert.Contains("alexnet prepare", Assert.ThrowsAny<DataException>(() => Pack.Open(folder["none.pack"])).Message);
        Assert.ThrowsAny<DataException>(() => Pack.Open(folder.Path));
    }
}
