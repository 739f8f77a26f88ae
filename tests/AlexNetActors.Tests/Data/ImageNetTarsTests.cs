using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using AlexNetActors.Data;

namespace AlexNetActors.Tests.Data;

/// <summary>The ILSVRC2012 downloads in miniature: three synsets whose ILSVRC2012_IDs run against the order of their names.</summary>
public class ImageNetTarsTests
{
    static readonly PrepareOptions Small = new(RecordSize: 32);
    static readonly (int Id, string Wnid, string Words)[] Synsets =
        [(300, "n01440764", "tench, Tinca tinca"), (1, "n02119789", "kit fox"), (2, "n02100735", "English setter"), (1001, "n00001740", "entity")];

    // Validation picture 1 shows ID 2, picture 2 shows ID 300, ...
    static readonly int[] Truth = [2, 300, 1, 1, 300, 2];

    [Theory]
    [InlineData("kit")]
    [InlineData("kit, compressed")]
    [InlineData("map")]
    public void LabelsFollowTheDevelopmentKit(string key)
    {
        using var folder = new TemporaryFolder();
        WriteTars(folder);
        if (key == "map") WriteMap(folder);
        else WriteKit(folder, compressed: key.Contains("compressed"));
        var report = Prepare.Run(folder["in"], folder["out"], Small);
        using var data = DataFolder.Open(folder["out"]);
        Assert.Equal(["n01440764", "n02100735", "n02119789"], data.Classes);
        Assert.Equal([("n01440764", 3, 2), ("n02100735", 3, 2), ("n02119789", 3, 2)], report.Classes.Select(c => (c.Name, c.Training, c.Validation)));

        // Validation lies by class, then by number: pictures 2, 5 (tench), 1, 6 (setter), 3, 4 (fox).
        using var decoder = new ImageDecoder(32);
        byte[] record = new byte[32 * 32 * 3];
        int[] order = [2, 5, 1, 6, 3, 4];
        for (int i = 0; i < 6; i++)
        {
            Assert.Null(decoder.Decode(TestPictures.Jpeg(1000 + order[i]), record));
            Assert.Equal(record, data.Validation.Record(i).ToArray());
            Assert.Equal(i / 2, data.Validation.Label(i));
        }
        for (int i = 0; i < 9; i++)
        {
            Assert.Null(decoder.Decode(TestPictures.Jpeg(i), record));
            Assert.Equal(record, data.Train.Record(i).ToArray());
        }
        Assert.True(Prepare.Run(folder["in"], folder["out"], Small).AlreadyDone);
    }

    [Fact]
    public void TarsAndTheSameFilesUnpackedGiveTheSameDataSet()
    {
        using var folder = new TemporaryFolder();
        WriteTars(folder);
        WriteMap(folder);
        string[] classes = ["n01440764", "n02100735", "n02119789"];
        for (int i = 0; i < 9; i++) Write(folder["unpacked", "train", classes[i / 3], $"{classes[i / 3]}_{i}.JPEG"], TestPictures.Jpeg(i));
        for (int i = 1; i <= 6; i++) Write(folder["unpacked", "val", Synsets.First(s => s.Id == Truth[i - 1]).Wnid, $"ILSVRC2012_val_{i:00000000}.JPEG"], TestPictures.Jpeg(1000 + i));
        Assert.Equal(Prepare.Run(folder["unpacked"], folder["a"], Small).Digest, Prepare.Run(folder["in"], folder["b"], Small).Digest);

        static void Write(string path, byte[] bytes)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllBytes(path, bytes);
        }
    }

    [Fact]
    public void WhatIsMissingOrCutShortIsNamed()
    {
        using var folder = new TemporaryFolder();
        WriteTars(folder);
        Refused("neither ILSVRC2012_devkit_t12.tar.gz nor");
        WriteMap(folder);
        string map = folder["in", "map_clsloc.txt"], truth = folder["in", "ILSVRC2012_validation_ground_truth.txt"];
        string mapText = File.ReadAllText(map), truthText = File.ReadAllText(truth);
        File.Delete(map);
        Refused("nothing that names its numbers");
        File.WriteAllBytes(folder["in", "meta.mat"], new byte[500]);
        Refused("meta.mat of the development kit cannot be read");
        File.Delete(folder["in", "meta.mat"]);
        File.WriteAllText(map, "n01440764 x tench\n");
        Refused("where \"WNID ID WORDS\" is expected");
        File.WriteAllText(map, mapText);
        File.WriteAllText(truth, truthText.Replace("300", "301"));
        Refused("line 2 of ILSVRC2012_validation_ground_truth.txt is \"301\"");
        File.WriteAllText(truth, "2\n300\n");
        Refused("has no line in the ground truth, which has 2");
        File.WriteAllText(truth, truthText.Replace("300", "1001"));
        Refused("shows n00001740, of which");
        File.WriteAllText(truth, truthText);

        foreach (string name in (string[])["ILSVRC2012_img_train.tar", "ILSVRC2012_img_val.tar"])
        {
            byte[] whole = File.ReadAllBytes(folder["in", name]);
            File.WriteAllBytes(folder["in", name], whole[..(whole.Length / 2)]);
            Refused("download it again");
            File.WriteAllBytes(folder["in", name], whole);
        }
        File.Delete(folder["in", "ILSVRC2012_img_val.tar"]);
        Refused("not ILSVRC2012_img_val.tar");

        void Refused(string expected)
        {
            var error = Assert.ThrowsAny<DataException>(() => Prepare.Run(folder["in"], folder["out"], Small));
            Assert.Contains(expected, error.Message);
            Assert.DoesNotContain('\n', error.Message);
        }
    }

    [Fact]
    public void ATarWithAHoleOrWithoutItsEndIsRefused()
    {
        using var folder = new TemporaryFolder();
        WriteTars(folder);
        WriteMap(folder);
        foreach (string name in (string[])["ILSVRC2012_img_train.tar", "ILSVRC2012_img_val.tar"])
        {
            byte[] whole = File.ReadAllBytes(folder["in", name]);
            int third = whole.AsSpan().IndexOf(name.Contains("val") ? "ILSVRC2012_val_00000006"u8 : "n02100735.tar"u8);
            Refused("is not a whole tar: it has a hole at byte", [.. whole[..third], .. new byte[512], .. whole[(third + 512)..]]);
            Refused("is not a whole tar: it has a hole at byte", [.. whole[..third], .. new byte[20_000]]); // more than tar itself appends
            Refused("is not a whole tar: it has no end mark at byte", whole[..third]);
            int inner = whole.AsSpan().IndexOf("n02100735_5.JPEG"u8);
            if (inner > 0) Refused("n02100735.tar in", [.. whole[..inner], .. new byte[512], .. whole[(inner + 512)..]]);
            File.WriteAllBytes(folder["in", name], [.. whole, .. new byte[10240 - whole.Length % 10240]]); // as GNU tar ends it
            Prepare.Run(folder["in"], folder[$"out of {name}"], Small);
            File.WriteAllBytes(folder["in", name], whole);

            void Refused(string expected, byte[] bytes)
            {
                File.WriteAllBytes(folder["in", name], bytes);
                var error = Assert.Throws<DataException>(() => Prepare.Run(folder["in"], folder["out"], Small));
                Assert.Contains(expected, error.Message);
                Assert.EndsWith("download it again", error.Message);
            }
        }
    }

    [Fact]
    public void EachValidationPictureIsThereOnce()
    {
        using var folder = new TemporaryFolder();
        WriteTars(folder);
        WriteMap(folder);
        Refused("has 5 pictures, the ground truth 6", 1, 2, 3, 4, 5);
        Refused("ILSVRC2012_val_00000002.JPEG is in", 1, 2, 3, 4, 5, 2);

        void Refused(string expected, params int[] numbers)
        {
            File.WriteAllBytes(folder["in", "ILSVRC2012_img_val.tar"], Tar(numbers.Select(i => ($"ILSVRC2012_val_{i:00000000}.JPEG", TestPictures.Jpeg(1000 + i)))));
            Assert.Contains(expected, Assert.Throws<DataException>(() => Prepare.Run(folder["in"], folder["out"], Small)).Message);
        }
    }

    static void WriteTars(TemporaryFolder folder)
    {
        Directory.CreateDirectory(folder["in"]);
        string[] classes = ["n01440764", "n02100735", "n02119789"];
        // Neither tar is in any order, as the real ones are not.
        File.WriteAllBytes(folder["in", "ILSVRC2012_img_train.tar"], Tar(((int[])[2, 0, 1]).Select(c =>
            ($"{classes[c]}.tar", Tar(((int[])[1, 2, 0]).Select(i => ($"{classes[c]}_{3 * c + i}.JPEG", TestPictures.Jpeg(3 * c + i))))))));
        File.WriteAllBytes(folder["in", "ILSVRC2012_img_val.tar"], Tar(((int[])[4, 1, 6, 2, 5, 3]).Select(i => ($"ILSVRC2012_val_{i:00000000}.JPEG", TestPictures.Jpeg(1000 + i)))));
    }

    static void WriteMap(TemporaryFolder folder)
    {
        File.WriteAllText(folder["in", "ILSVRC2012_validation_ground_truth.txt"], string.Join('\n', Truth) + "\n");
        File.WriteAllText(folder["in", "map_clsloc.txt"], string.Join('\n', Synsets.Select(s => $"{s.Wnid} {s.Id} {s.Words}")));
    }

    static void WriteKit(TemporaryFolder folder, bool compressed)
    {
        using var file = File.Create(folder["in", "ILSVRC2012_devkit_t12.tar.gz"]);
        using var gzip = new GZipStream(file, CompressionLevel.Fastest);
        gzip.Write(Tar([
            ("ILSVRC2012_devkit_t12/readme.txt", "read me"u8.ToArray()),
            ("ILSVRC2012_devkit_t12/data/meta.mat", MatFile.Synsets(Synsets, compressed)),
            ("ILSVRC2012_devkit_t12/data/ILSVRC2012_validation_ground_truth.txt", Encoding.ASCII.GetBytes(string.Join('\n', Truth) + "\n"))]));
    }

    static byte[] Tar(IEnumerable<(string Name, byte[] Bytes)> files)
    {
        using var memory = new MemoryStream();
        using (var writer = new TarWriter(memory, TarEntryFormat.Ustar, leaveOpen: true))
            foreach (var (name, bytes) in files)
                writer.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(bytes) });
        return memory.ToArray();
    }
}
