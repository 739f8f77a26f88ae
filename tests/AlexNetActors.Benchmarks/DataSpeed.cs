using System.Diagnostics;
using System.Globalization;
using System.Text;
using AlexNetActors.App;
using AlexNetActors.Data;
using AlexNetActors.Model;
using SkiaSharp;

namespace AlexNetActors.Benchmarks;

/// <summary>
/// How fast pictures become packs and packs become batches. Prepare is the product's own, with checksums, statistics, journal and packs on
/// disk; beside it, alternating in one run, SkiaSharp and NetVips do no more than read, decode and resize the same files. The loader is what
/// every DataLoaderActor calls for a batch, on one thread.
/// </summary>
static class DataSpeed
{
    const int Threads = 2, RecordSize = 256, BatchSize = 128, SmallPictures = 2000, LargePictures = 1000, LargeQuality = 99;

    /// <summary>What one run of a contender took.</summary>
    readonly record struct Spent(int Images, double ClockSeconds, double ProcessorSeconds)
    {
        internal double ImagesPerSecond => Images / ClockSeconds;
        internal double ProcessorMs => 1000 * ProcessorSeconds / Images;
    }

    sealed record Contender(string Name, Func<Spent> Run)
    {
        internal readonly List<Spent> Rounds = [];
        internal double ImagesPerSecond => Median.Of([.. Rounds.Select(r => r.ImagesPerSecond)]);
        internal double ProcessorMs => Median.Of([.. Rounds.Select(r => r.ProcessorMs)]);
    }

    /// <param name="args">A folder that `alexnet prepare` takes; how often each contender runs; a markdown file for the result.</param>
    public static int Run(string[] args)
    {
        if (args.Length != 3 || !int.TryParse(args[1], out int rounds) || rounds < 1)
        {
            Console.Error.WriteLine("expected: data PICTURES ROUNDS OUT");
            return 2;
        }
        var (pictures, output) = (args[0], args[2]);
        string work = Directory.CreateTempSubdirectory("alexnet-data-speed-").FullName;
        try
        {
            var report = new StringBuilder();
            report.AppendLine("# Pictures into packs, packs into batches, images/s");
            report.AppendLine();
            report.AppendLine($"{Machine.Description}; {rounds} alternating rounds after one that does not count; medians. {Threads} threads each.");
            report.AppendLine();
            string small = Path.Combine(work, "small"), large = Path.Combine(work, "large");
            foreach (string file in Chosen(pictures, SmallPictures)) File.Copy(file, PathIn(small, pictures, file));
            Compare(report, work, small, rounds);
            Enlarge(pictures, large);
            Compare(report, work, large, rounds);
            Load(report, work, small, rounds);
            report.AppendLine($"`dotnet run -c Release --project tests/AlexNetActors.Benchmarks -- data PICTURES {rounds} OUT`");
            File.WriteAllText(output, report.ToString());
            Console.WriteLine(report);
            return 0;
        }
        finally
        {
            Directory.Delete(work, recursive: true);
        }
    }

    static void Compare(StringBuilder report, string work, string pictures, int rounds)
    {
        string[] files = FilesOf(pictures);
        Contender[] contenders =
        [
            new("alexnet prepare, packs on disk", () => Prepared(work, pictures)),
            .. DataPeers.All.Select(peer => new Contender(peer.Name, () => Decoded(files, peer))),
        ];
        foreach (var contender in contenders) contender.Run();
        for (int round = 1; round <= rounds; round++)
            foreach (var contender in contenders)
            {
                var spent = contender.Run();
                contender.Rounds.Add(spent);
                Console.WriteLine($"round {round}: {contender.Name}: {spent.ImagesPerSecond:F0} images/s, {spent.ProcessorMs:F3} ms of processor an image");
            }

        double ours = contenders[0].ImagesPerSecond;
        report.AppendLine($"## Prepare: {Description(files)}");
        report.AppendLine();
        report.AppendLine("| | median | rounds | ours / this | processor ms an image | pixels differ from ours by |");
        report.AppendLine("|---|---|---|---|---|---|");
        foreach (var contender in contenders)
        {
            var peer = DataPeers.All.FirstOrDefault(p => p.Name == contender.Name);
            string difference = peer is null ? "" : Difference(files, peer).ToString("F2", CultureInfo.InvariantCulture);
            report.AppendLine($"| {contender.Name} | {contender.ImagesPerSecond:F0} | {Rounds(contender)} | {ours / contender.ImagesPerSecond:F2} | {contender.ProcessorMs:F3} | {difference} |");
        }
        report.AppendLine();
    }

    static Spent Prepared(string work, string pictures)
    {
        string target = Path.Combine(work, "packs");
        var spent = Measure(() =>
        {
            var made = Prepare.Run(pictures, target, new PrepareOptions(RecordSize, Threads));
            return made.Training + made.Validation;
        });
        Directory.Delete(target, recursive: true);
        return spent;
    }

    /// <summary>As prepare does it: threads of their own, each taking the next file.</summary>
    static Spent Decoded(string[] files, DataPeer peer) => Measure(() =>
    {
        int next = -1;
        var threads = Enumerable.Range(0, Threads).Select(_ => new Thread(() =>
        {
            using var decoder = peer.NewDecoder(RecordSize);
            for (int i; (i = Interlocked.Increment(ref next)) < files.Length;) decoder.Decode(files[i]);
        })).ToArray();
        foreach (var thread in threads) thread.Start();
        foreach (var thread in threads) thread.Join();
        return files.Length;
    });

    static void Load(StringBuilder report, string work, string pictures, int rounds)
    {
        string packs = Path.Combine(work, "packs");
        Prepare.Run(pictures, packs, new PrepareOptions(RecordSize, Threads));
        // The first epoch after opening checks every record's checksum, the later ones do not.
        Contender first = new("first epoch, checksums verified", () => Epoch(packs, 0)), later = new("later epochs", () => Epoch(packs, 1));
        for (int round = 0; round <= rounds; round++)
            foreach (var contender in (Contender[])[first, later])
            {
                var spent = contender.Run();
                if (round > 0) contender.Rounds.Add(spent);
                Console.WriteLine($"round {round}: loader, {contender.Name}: {spent.ImagesPerSecond:F0} images/s, {spent.ProcessorMs:F4} ms of processor an image");
            }
        report.AppendLine($"## Loader: augmented batches of {BatchSize} from packs of {RecordSize}-pixel records, one thread, recipe paper");
        report.AppendLine();
        report.AppendLine("| | median | rounds | images per second of processor |");
        report.AppendLine("|---|---|---|---|");
        foreach (var contender in (Contender[])[first, later])
            report.AppendLine($"| {contender.Name} | {contender.ImagesPerSecond:F0} | {Rounds(contender)} | {1000 / contender.ProcessorMs:F0} |");
        report.AppendLine();
    }

    /// <summary>Reads an epoch's batches into read-ahead buffers in turn, as a DataLoaderActor does.</summary>
    static Spent Epoch(string packs, int epoch)
    {
        using var data = DataFolder.Open(packs);
        if (epoch > 0) data.Verify();
        var reader = new BatchReader(data, new Augmentation(CropSize: 224, RandomCrop: true, Mirror: true, ColourSigma: 0.1), seed: 2012, BatchSize);
        Batch[] buffers = [reader.NewBatch(), reader.NewBatch(), reader.NewBatch()];
        long from = reader.Plan.StepsOf(epoch), steps = data.Train.Count / BatchSize;
        return Measure(() =>
        {
            for (long step = from; step < from + steps; step++) reader.ReadTraining(step, buffers[step % buffers.Length]);
            return (int)steps * BatchSize;
        });
    }

    static Spent Measure(Func<int> work)
    {
        GC.Collect();
        var processor = Environment.CpuUsage.TotalTime;
        var clock = Stopwatch.StartNew();
        int images = work();
        return new Spent(images, clock.Elapsed.TotalSeconds, (Environment.CpuUsage.TotalTime - processor).TotalSeconds);
    }

    /// <summary>Pictures of ImageNet's average size, 500 x 375 and 375 x 500, made of small ones and stored at a quality that comes near its 110 kB a file.</summary>
    static void Enlarge(string pictures, string target)
    {
        bool lying = true;
        foreach (string file in Chosen(pictures, LargePictures))
        {
            using var small = SKBitmap.Decode(file);
            using var large = small.Resize(lying ? new SKImageInfo(500, 375) : new SKImageInfo(375, 500), new SKSamplingOptions(SKCubicResampler.CatmullRom));
            using var jpeg = large.Encode(SKEncodedImageFormat.Jpeg, LargeQuality);
            using var stream = File.Create(PathIn(target, pictures, file));
            jpeg.SaveTo(stream);
            lying = !lying;
        }
    }

    /// <summary>So many files, evenly from all classes.</summary>
    static IEnumerable<string> Chosen(string pictures, int count)
    {
        string[] files = FilesOf(pictures);
        count = Math.Min(count, files.Length);
        return Enumerable.Range(0, count).Select(i => files[(long)i * files.Length / count]);
    }

    /// <summary>The same place within another folder, whose directories are made.</summary>
    static string PathIn(string target, string pictures, string file)
    {
        string path = Path.Combine(target, Path.GetRelativePath(pictures, file));
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        return path;
    }

    static string Description(string[] files)
    {
        var sizes = files.GroupBy(file =>
        {
            using var codec = SKCodec.Create(file);
            return $"{codec.Info.Width} x {codec.Info.Height}";
        });
        return $"{files.Length:N0} JPEGs of {string.Join(" and ", sizes.Select(g => g.Key).Order(StringComparer.Ordinal))} pixels, {files.Average(file => new FileInfo(file).Length) / 1000:F1} kB on average, into records of {RecordSize}";
    }

    /// <summary>Mean absolute difference in grey levels of a peer's record to ours: whether the same work is done.</summary>
    static double Difference(string[] files, DataPeer peer)
    {
        using var ours = new ImageDecoder(RecordSize);
        using var theirs = peer.NewDecoder(RecordSize);
        byte[] record = new byte[RecordSize * RecordSize * 3];
        double sum = 0;
        const int Samples = 64;
        for (int k = 0; k < Samples; k++)
        {
            string file = files[(long)k * files.Length / Samples];
            if (ours.Decode(File.ReadAllBytes(file), record) is { } reason) throw new InvalidOperationException($"{file}: {reason}");
            var pixels = theirs.Decode(file);
            int channels = pixels.Length / (RecordSize * RecordSize);
            for (int i = 0; i < record.Length; i++) sum += Math.Abs(record[i] - pixels[channels < 3 ? i / 3 * channels : i / 3 * channels + i % 3]);
        }
        return sum / Samples / record.Length;
    }

    static string[] FilesOf(string folder)
    {
        string[] files = [.. Directory.EnumerateFiles(folder, "*.*", SearchOption.AllDirectories).Where(f => Path.GetExtension(f).ToUpperInvariant() is ".JPEG" or ".JPG")];
        Array.Sort(files, StringComparer.Ordinal);
        return files;
    }

    static string Rounds(Contender contender) => string.Join(", ", contender.Rounds.Select(r => r.ImagesPerSecond.ToString("F0", CultureInfo.InvariantCulture)));
}
