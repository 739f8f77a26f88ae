using AlexNetActors.Compute;
using AlexNetActors.Data;

namespace AlexNetActors.Model;

/// <summary>
/// Both towers on one device and one thread, without actors: the definition of a run, and the oracle of every distributed
/// test. Read this first: it is the whole training, in the order in which it happens.
/// </summary>
public sealed class SequentialTrainer
{
    readonly Recipe _recipe;
    readonly BatchReader _reader;
    readonly Batch _batch;
    readonly Tower[] _towers;
    readonly Pass _pass;

    /// <param name="recipe">What to train and how.</param>
    /// <param name="data">The data set.</param>
    /// <param name="device">Where both towers live; the caller keeps ownership.</param>
    /// <param name="limits">When the run ends.</param>
    public SequentialTrainer(Recipe recipe, DataFolder data, IDevice device, RunLimits limits)
    {
        (_recipe, Limits) = (recipe, limits);
        _reader = new BatchReader(data, recipe.Augmentation, recipe.Seed, recipe.Batch);
        _batch = _reader.NewBatch();
        _towers = [.. TowerIds.Both.Select(id => new Tower(recipe.Network, id, device, recipe.Batch, recipe.Seed, data.Mean.Span, training: true))];
        foreach (var tower in _towers) tower.Initialize();
        _pass = new Pass(_towers, new LocalLink());
        Progress = RunProgress.Start(limits);
    }

    public RunLimits Limits { get; }
    public RunProgress Progress { get; private set; }
    public IReadOnlyList<Tower> Towers => _towers;

    /// <summary>Trains until the limits say so. <paramref name="onStep"/> hears every training step's score.</summary>
    public void Run(Action<long, Score>? onStep = null)
    {
        while (Progress.Next(Limits) is var next && next != RunStage.Finish)
            switch (next)
            {
                case RunStage.Train:
                    long step = Progress.Steps;
                    var score = Step();
                    onStep?.Invoke(step, score);
                    break;
                case RunStage.Validate:
                    Progress = Progress.AfterValidation(Limits, Validate().Top1Error);
                    break;
                case RunStage.Checkpoint:
                    Progress = Progress.AfterCheckpoint(); // nothing can be lost here, so nothing is written
                    break;
            }
    }

    /// <summary>One training step.</summary>
    /// <exception cref="NotFiniteException">The loss or a gradient is not finite: the step was stopped before its update.</exception>
    public Score Step()
    {
        _reader.ReadTraining(Progress.Steps, _batch);
        var id = new PassId(0, PassKind.Train, Progress.Steps);
        var result = _pass.Train(id, _batch, _recipe.DescentAt(Progress.Schedule.Rate));
        Progress = Progress.AfterStep();
        return result.Score;
    }

    /// <summary>The whole validation set, centre crops.</summary>
    public Score Validate()
    {
        var score = new Score();
        for (int n = 0; n < _reader.ValidationBatches; n++)
        {
            _reader.ReadValidation(n, _batch);
            score += _pass.Evaluate(new PassId(0, PassKind.Evaluate, n), _batch).Score;
        }
        return score;
    }

    /// <summary>SHA-256 of the weights: <see cref="WeightsDigest"/>.</summary>
    public string Digest() => WeightsDigest.Of(TowerStates.Capture(_towers[0]), TowerStates.Capture(_towers[1]));
}
