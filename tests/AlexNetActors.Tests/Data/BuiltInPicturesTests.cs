using AlexNetActors.Data;

namespace AlexNetActors.Tests.Data;

public class BuiltInPicturesTests(ITestOutputHelper output)
{
    /// <summary>Fixed once: a run on the built-in pictures must find the same pictures in every version and on every machine.</summary>
    const string DefaultDigest = "1028f3a4ab30cb56fd77ab37744fbc23";

    [Fact]
    public void TheDefaultPicturesNeverChange()
    {
        using var folder = new TemporaryFolder();
        using var data = BuiltInPictures.Create(folder["d"]);
        Assert.Equal((4000, 500, 40, 10), (data.Train.Count, data.Validation.Count, data.RecordSize, data.Classes.Count));
        Assert.Equal(DefaultDigest, data.Digest);
        for (int label = 0; label < 10; label++)
            Assert.Equal((400, 50), (Count(data.Train, label), Count(data.Validation, label)));
    }

    [Fact]
    public void TheyAreDrawnOnceAndAgainOnlyWhenDamagedOrOther()
    {
        using var folder = new TemporaryFolder();
        var settings = new BuiltInSettings(60, 20, 24);
        BuiltInPictures.Create(folder["d"], settings).Dispose();
        byte[] first = File.ReadAllBytes(folder["d", "train.pack"]);
        var written = File.GetLastWriteTimeUtc(folder["d", "train.pack"]);
        BuiltInPictures.Create(folder["d"], settings).Dispose();
        Assert.Equal(written, File.GetLastWriteTimeUtc(folder["d", "train.pack"]));

        byte[] damaged = (byte[])first.Clone();
        damaged[5000] ^= 1;
        File.WriteAllBytes(folder["d", "train.pack"], damaged);
        BuiltInPictures.Create(folder["d"], settings).Dispose();
        Assert.Equal(first, File.ReadAllBytes(folder["d", "train.pack"]));

        byte[] manifest = File.ReadAllBytes(folder["d", "pack.json"]);
        File.WriteAllText(folder["d", "pack.json"], "{");
        BuiltInPictures.Create(folder["d"], settings).Dispose();
        Assert.Equal(manifest, File.ReadAllBytes(folder["d", "pack.json"]));

        using var other = BuiltInPictures.Create(folder["d"], settings with { Seed = 1 });
        Assert.NotEqual(first, File.ReadAllBytes(folder["d", "train.pack"]));
    }

    [Fact]
    public void AnotherDataSetIsNotOverwritten()
    {
        using var folder = new TemporaryFolder();
        SmallData.Create(folder["d"], 6, 3, 16).Dispose();
        Assert.Contains("another data set", Assert.Throws<DataUnreadableException>(() => BuiltInPictures.Create(folder["d"])).Message);
        SmallData.Create(folder["d"], 6, 3, 16).Dispose();
    }

    [Fact]
    public void ManyAtOnceDrawOneDataSet()
    {
        using var folder = new TemporaryFolder();
        var settings = new BuiltInSettings(40, 10, 16);
        Parallel.For(0, 4, new ParallelOptions { MaxDegreeOfParallelism = 4 }, _ => BuiltInPictures.Create(folder["d"], settings).Dispose());
        using var data = DataFolder.Open(folder["d"]);
        data.Verify();
    }

    [Fact]
    public void ALinearClassifierOnPixelsIsLost()
    {
        using var folder = new TemporaryFolder();
        using var data = BuiltInPictures.Create(folder["d"]);
        var (training, validation) = LinearClassifier.Accuracy(data, epochs: 12);
        output.WriteLine($"multinomial logistic regression on raw pixels: {training:P1} of the training pictures, {validation:P1} of the validation pictures");
        Assert.InRange(validation, 0.05, 0.30); // guessing gives 0.1
    }

    [Fact]
    public void MeanColourAndContrastTellNothing()
    {
        using var folder = new TemporaryFolder();
        using var data = BuiltInPictures.Create(folder["d"]);
        var means = Enumerable.Range(0, 10).Select(label => Enumerable.Range(0, data.Train.Count).Where(i => data.Train.Label(i) == label).Average(i => Mean(data.Train.Record(i)))).ToArray();
        output.WriteLine(string.Join(" ", means.Select(mean => mean.ToString("F1"))));
        // One picture's mean has a standard deviation of about 40, that of 200 about 3.
        Assert.InRange(means.Max() - means.Min(), 0, 18);
    }

    static int Count(Pack pack, int label) => Enumerable.Range(0, pack.Count).Count(i => pack.Label(i) == label);

    static double Mean(ReadOnlySpan<byte> record)
    {
        long sum = 0;
        foreach (byte b in record) sum += b;
        return sum / (double)record.Length;
    }
}
