using AlexNetActors.Compute;
using AlexNetActors.Data;

namespace AlexNetActors.Model;

/// <summary>Both towers of a trained network on one device and thread, for looking at pictures: no actors, no gradients.</summary>
public sealed class Classifier
{
    readonly Network _network;
    readonly IDevice _device;
    readonly Tower[] _towers;
    readonly Pass _pass;
    readonly Batch _batch; // of records
    readonly double[] _probabilities; // [B, classes], sums over views

    /// <param name="network">The layer table.</param>
    /// <param name="weights">Tower A's and B's: of a checkpoint, of an exported file (<see cref="WholeNetwork.Split"/>), or captured.</param>
    /// <param name="mean">The training set's mean image, [R, R, 3].</param>
    /// <param name="device">Computes; the caller keeps ownership.</param>
    /// <param name="batch">Most pictures that are looked at together.</param>
    /// <exception cref="CheckpointException">The weights are of another network.</exception>
    public Classifier(Network network, IReadOnlyList<TowerState> weights, ReadOnlyMemory<float> mean, IDevice device, int batch)
    {
        (_network, _device, RecordSize) = (network, device, (int)Math.Round(Math.Sqrt(mean.Length / 3)));
        _towers = [.. TowerIds.Both.Select(id => new Tower(network, id, device, batch, seed: 0, mean.Span, training: false))]; // whatever the seed: nothing is dropped
        foreach (var tower in _towers) TowerStates.Restore(tower, weights[(int)tower.Id]);
        _pass = new Pass(_towers, new LocalLink());
        _batch = new Batch(batch, network.InputSize);
        Array.Fill(_batch.Records, -1); // they are of no pack
        _probabilities = new double[batch * network.Classes];
    }

    /// <summary>The network of a run folder as `alexnet train` or `alexnet import` leaves it, or of one of its checkpoints; it takes neither the data set nor a reader of recipes.</summary>
    /// <param name="runOrCheckpoint">Of a run the best checkpoint is taken, where it is whole, else the newest.</param>
    /// <param name="device">Computes; the caller keeps ownership.</param>
    /// <param name="batch">Most pictures that are looked at together.</param>
    /// <param name="report">Told of damaged checkpoints that are passed over.</param>
    /// <exception cref="CheckpointException">It is neither, or has no whole checkpoint, or another of its files is damaged.</exception>
    public static Classifier Open(string runOrCheckpoint, IDevice device, int batch = 1, Action<string>? report = null)
    {
        string run = RunManifest.FolderOf(runOrCheckpoint) ?? throw new CheckpointException($"{runOrCheckpoint} is no run folder and no checkpoint of one: there is no {RunManifest.FileName}");
        var manifest = RunManifest.Read(run);
        var weights = run != runOrCheckpoint ? CheckpointFolder.Load(runOrCheckpoint).Towers
            : new CheckpointFolder(Path.Combine(run, RunManifest.CheckpointsName)).BestWhole(report ?? (_ => { }))?.Towers ?? throw new CheckpointException($"{run} has no whole checkpoint");
        return new Classifier(manifest.ReadNetwork(run), weights, manifest.ReadMean(run), device, batch) { Classes = manifest.Classes };
    }

    /// <summary>Names in the order of labels; empty where they were not told. A class of the network that only makes the number even has none.</summary>
    public IReadOnlyList<string> Classes { get; init; } = [];

    /// <summary>Side of a record in pixels, R: what an <see cref="ImageDecoder"/> makes of a picture.</summary>
    public int RecordSize { get; }

    /// <summary>What the network takes a picture for: every class with its probability, best first.</summary>
    /// <param name="picture">The bytes of a JPEG, PNG, GIF, WebP or BMP file; larger ones are made smaller, and their centre is looked at.</param>
    /// <param name="views">1, the centre, or <see cref="View.Count"/>.</param>
    /// <exception cref="DataException">It cannot be read: why.</exception>
    public IReadOnlyList<(string Class, double Probability)> Guesses(ReadOnlySpan<byte> picture, int views = 1)
    {
        byte[] record = new byte[3 * RecordSize * RecordSize];
        using var decoder = new ImageDecoder(RecordSize);
        if (decoder.Decode(picture, record) is { } reason) throw new DataException($"the picture cannot be used: {reason}");
        return [.. Classes.Zip(Classify([record], views).ToArray()).OrderByDescending(g => g.Second)];
    }

    /// <summary>Softmax averaged over the views of each picture (paper section 4.1).</summary>
    /// <param name="records">uint8 RGB [R, R, 3] each, at most a batch of them.</param>
    /// <param name="views">1, the centre, or <see cref="View.Count"/>.</param>
    /// <returns>[records, classes], valid until the next call.</returns>
    public ReadOnlySpan<double> Classify(IReadOnlyList<byte[]> records, int views = 1)
    {
        return Classify(views, Fill, _batch)[..(records.Count * _network.Classes)];
        void Fill(int view)
        {
            Array.Fill(_batch.Placements, View.Place(view, RecordSize, _network.InputSize));
            for (int i = 0; i < records.Count; i++) Crop.Cut(records[i], RecordSize, _batch.Placements[i], _network.InputSize, _batch.Image(i));
        }
    }

    /// <summary>The same of a batch that is filled by the caller.</summary>
    /// <param name="views">1 or <see cref="View.Count"/>.</param>
    /// <param name="fill">Fills the batch with a view of its pictures.</param>
    /// <param name="batch">Filled again for each view.</param>
    /// <returns>[B, classes], valid until the next call.</returns>
    public ReadOnlySpan<double> Classify(int views, Action<int> fill, Batch batch)
    {
        int classes = _network.Classes;
        Array.Clear(_probabilities);
        for (int view = 0; view < views; view++)
        {
            fill(view);
            _pass.Evaluate(new PassId(0, PassKind.Evaluate, view), batch);
            for (int b = 0; b < batch.Size; b++) Loss.AddSoftmax(_towers[0].Logits.Slice(b * classes, classes), _probabilities.AsSpan(b * classes, classes));
        }
        for (int i = 0; i < _probabilities.Length; i++) _probabilities[i] /= views;
        return _probabilities;
    }

    /// <summary>What the last layer has seen of each picture of the last view, both towers' halves: [B, features].</summary>
    public float[] Features()
    {
        var seen = _towers[0].InputOf(_network.Segments.Count - 1);
        float[] features = new float[seen.Shape.Count];
        _device.ReadChannels(seen, 0, seen.Shape.Channels, features);
        return features;
    }
}
