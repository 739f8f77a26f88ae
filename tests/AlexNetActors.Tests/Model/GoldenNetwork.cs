using AlexNetActors.Compute;
using AlexNetActors.Data;
using AlexNetActors.Model;

namespace AlexNetActors.Tests.Model;

/// <summary>
/// The small AlexNet of make_fixtures.py, split over two towers.
/// Weight decay and the response's alpha are a hundred times the paper's, so that a mistake in either shows after ten steps.
/// </summary>
sealed class GoldenNetwork
{

    public static readonly Descent Descent = new(0.01f, 0.9f, 0.05f);

    public static readonly Network Network = new(69, 10,
    [
        new("conv1", 16, Size: 7, Stride: 3, Pad: 2, Deviation: 0.005f, Normalize: true, Pool: true),
        new("conv2", 32, Size: 5, Pad: 2, Deviation: 0.05f, Bias: 0.1f, Normalize: true, Pool: true),
        new("conv3", 48, Size: 3, Pad: 1, SeesBoth: true, Deviation: 0.06f),
        new("conv4", 48, Size: 3, Pad: 1, Deviation: 0.07f, Bias: 0.1f),
        new("conv5", 32, Size: 3, Pad: 1, Deviation: 0.07f, Bias: 0.1f, Pool: true),
        new("fc6", 64, SeesBoth: true, Deviation: 0.1f, Bias: 0.1f, Dropout: 0.5),
        new("fc7", 64, SeesBoth: true, Deviation: 0.15f, Bias: 0.1f, Dropout: 0.5),
        new("fc8", 10, SeesBoth: true, Deviation: 0.15f),
    ], new LocalResponse(2, 0.01f, 5));

    readonly GoldenBatches _batches;
    readonly Batch _batch;
    readonly Pass _pass;

    public GoldenNetwork(IDevice device, int images, ulong seed)
    {
        _batches = new GoldenBatches(seed, Network.InputSize, record: 75, Network.Classes);
        Towers = [.. TowerIds.Both.Select(id => new Tower(Network, id, device, images, seed, _batches.Mean(), training: true))];
        foreach (var tower in Towers) tower.Initialize();
        _pass = new Pass(Towers, new LocalLink());
        _batch = new Batch(images, Network.InputSize);
    }

    public IReadOnlyList<Tower> Towers { get; }

    public Score Train(long step, Descent descent)
    {
        _batches.Fill(_batch, step);
        return _pass.Train(new PassId(0, PassKind.Train, step), _batch, descent).Score;
    }

    /// <summary>A tensor of both towers as one grouped network holds it: A's kernels, then B's.</summary>
    public float[] Whole(string parameter, Func<Parameter, Tensor> which) =>
        [.. Towers.SelectMany(tower =>
        {
            var p = tower.Parameters.Single(p => p.Name == parameter);
            var half = new float[p.Shape.Count];
            tower.Device.Read(which(p), half);
            return half;
        })];
}
