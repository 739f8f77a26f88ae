using System.Formats.Tar;
using System.Globalization;
using System.IO.Compression;
using System.Text;

namespace AlexNetActors.Data;

/// <summary>
/// The development kit of ILSVRC2012: which synset each validation picture shows. The ground truth has one ILSVRC2012_ID (1 to 1000) a line;
/// what an ID means says <c>meta.mat</c>, or <c>map_clsloc.txt</c> with lines "WNID ID WORDS". IDs are not in the order of synset names.
/// </summary>
internal static class DevelopmentKit
{
    const string KitName = "ILSVRC2012_devkit_t12.tar.gz", TruthName = "ILSVRC2012_validation_ground_truth.txt", MetaName = "meta.mat", MapName = "map_clsloc.txt";
    const long FileBytesMax = 64 << 20;

    /// <returns>The synset of validation picture 1, 2, ...</returns>
    /// <exception cref="DataException">Ground truth or synset numbers are missing or damaged.</exception>
    internal static IReadOnlyList<string> Read(string folder)
    {
        var files = new Dictionary<string, byte[]>();
        string kit = Path.Combine(folder, KitName);
        if (File.Exists(kit)) Unpack(kit, files);
        foreach (string name in (string[])[TruthName, MetaName, MapName])
            if (File.Exists(Path.Combine(folder, name))) files[name] = File.ReadAllBytes(Path.Combine(folder, name));

        if (!files.TryGetValue(TruthName, out byte[]? truth))
            throw new DataUseException($"{folder} has neither {KitName} nor {TruthName}: download the development kit (tasks 1 and 2) into it");
        var synsets = files.TryGetValue(MapName, out byte[]? map) ? OfMap(Path.Combine(folder, MapName), map)
            : files.TryGetValue(MetaName, out byte[]? meta) ? MetaMat.Synsets(meta)
            : throw new DataUseException($"{folder} has {TruthName} but nothing that names its numbers: add {KitName}, {MetaName} or {MapName}");
        return [.. Lines(truth).Select((line, i) =>
            int.TryParse(line, NumberStyles.None, CultureInfo.InvariantCulture, out int id) && synsets.TryGetValue(id, out string? synset) ? synset
            : throw new DataException($"line {i + 1} of {TruthName} is \"{line}\", which is not the ILSVRC2012_ID of a synset: download the development kit again"))];
    }

    static void Unpack(string kit, Dictionary<string, byte[]> files)
    {
        try
        {
            using var tar = new TarReader(new GZipStream(File.OpenRead(kit), CompressionMode.Decompress));
            while (tar.GetNextEntry() is { } entry)
            {
                string name = Path.GetFileName(entry.Name);
                if (name is not (TruthName or MetaName) || entry.DataStream is null || entry.Length > FileBytesMax) continue;
                byte[] bytes = new byte[entry.Length];
                entry.DataStream.ReadExactly(bytes);
                files[name] = bytes;
            }
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException or FormatException)
        {
            throw new DataException($"{kit} is not a whole tar.gz: {OneLine.Of(e)}; download it again");
        }
    }

    static Dictionary<int, string> OfMap(string path, byte[] text)
    {
        var synsets = new Dictionary<int, string>();
        foreach (string line in Lines(text))
        {
            string[] words = line.Split((char[]?)null, 3, StringSplitOptions.RemoveEmptyEntries);
            if (words.Length < 2 || !int.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out int id))
                throw new DataException($"{path} has a line \"{line}\" where \"WNID ID WORDS\" is expected");
            synsets[id] = words[0];
        }
        return synsets;
    }

    static IEnumerable<string> Lines(byte[] text) => Encoding.UTF8.GetString(text).Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0);
}
