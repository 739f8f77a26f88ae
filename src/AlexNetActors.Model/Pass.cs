using System.Diagnostics;
using AlexNetActors.Data;

namespace AlexNetActors.Model;

/// <summary>What a pass gave and where its time went on this thread.</summary>
/// <param name="Score">Loss and errors of the batch.</param>
/// <param name="Compute">Time in the towers.</param>
/// <param name="Exchange">Time waiting for the other tower.</param>
public readonly record struct PassResult(Score Score, TimeSpan Compute, TimeSpan Exchange);

/// <summary>
/// The order of a pass: segment by segment forward with a gather between, the loss, segment by segment backward with a sum
/// between, the update. <paramref name="towers"/> are those of this thread: both on one device, or one of two; the same code runs them.
/// <paramref name="witness"/> is told where the pass is, on its thread; null outside fault plans.
/// </summary>
public sealed class Pass(IReadOnlyList<Tower> towers, ITowerLink link, Action<Moment>? witness = null)
{
    readonly Places? _places = witness is null ? null : new Places(towers[0].Network);
    readonly int _segments = towers[0].Network.Segments.Count;
    readonly string[] _forward = [.. towers[0].Network.Segments.Select(s => $"forward {s.Name}")], _backward = [.. towers[0].Network.Segments.Select(s => $"backward {s.Name}")];
    readonly string[] _exchanges = [.. towers[0].Network.Segments.Select(s => s.Layers[0].Name).Append("loss").SelectMany(n => new[] { $"exchange {n} forward", $"exchange {n} backward" })]; // by segment and kind
    long _waiting;

    /// <summary>What runs now, for a view of the run from another thread: "forward conv1-conv2", "exchange conv3 forward", "backward fc6".</summary>
    public string Activity => _activity;
    volatile string _activity = "idle";

    /// <summary>One training step: forward, loss, backward, update. A loss or gradient that is not finite stops it before the update.</summary>
    /// <param name="id">Which step.</param>
    /// <param name="batch">Its batch.</param>
    /// <param name="descent">How fast to learn.</param>
    /// <param name="next">The next step's batch, if it is here already: it travels to the device while this step ends.</param>
    /// <exception cref="NotFiniteException">The loss or a gradient is not finite: the weights are those before the step.</exception>
    public PassResult Train(PassId id, Batch batch, Descent descent, Func<Batch?>? next = null)
    {
        long start = Stopwatch.GetTimestamp();
        var score = Forward(id, batch);
        for (int s = _segments - 1; s >= 0; s--) Backward(id, s);
        if (next?.Invoke() is { } ahead) towers[0].Device.SendAhead(ahead.Pixels); // before anybody waits for the gradients
        foreach (var tower in towers)
            if (!tower.GradientsAreFinite()) throw new NotFiniteException(id, NotFinite.InBackward(towers), RecordsOf(batch));
        _activity = "update";
        witness?.Invoke(new Moment(Places.Update, id.Number));
        foreach (var tower in towers) tower.Descend(descent);
        return Result(score, start);
    }

    /// <summary>Forward and loss only, without dropout.</summary>
    /// <exception cref="NotFiniteException">The loss is not finite.</exception>
    public PassResult Evaluate(PassId id, Batch batch)
    {
        long start = Stopwatch.GetTimestamp();
        return Result(Forward(id, batch), start);
    }

    Score Forward(PassId id, Batch batch)
    {
        _waiting = 0;
        bool training = id.Kind == PassKind.Train;
        witness?.Invoke(training ? new Moment(Places.Loading, id.Number) : new Moment(Places.Validation, -1));
        towers[0].Load(batch, training, id.Number);
        foreach (var tower in towers.Skip(1)) tower.Load(towers[0]);
        for (int s = 0; s < _segments; s++)
        {
            _activity = _forward[s];
            if (training) witness?.Invoke(new Moment(_places!.Forward(s), id.Number));
            var exchange = new ExchangeId(id, ExchangeKind.Gather, (byte)(s + 1));
            foreach (var tower in towers) link.Send(tower.Id, exchange, tower.Forward(s));
            if (training) witness?.Invoke(new Moment(_places!.Exchange(ExchangeKind.Gather, s + 1), id.Number));
            foreach (var tower in towers) tower.Accept(s + 1, Receive(tower, exchange));
        }
        _activity = "loss";
        if (training) witness?.Invoke(new Moment(Places.Loss, id.Number));
        var score = Tower.Loss(towers, batch.Labels);
        return double.IsFinite(score.LossSum) ? score : throw new NotFiniteException(id, NotFinite.InForward(towers), RecordsOf(batch));
    }

    static int[] RecordsOf(Batch batch) => [.. batch.Records.Where(r => r >= 0)];

    void Backward(PassId id, int s)
    {
        _activity = _backward[s];
        witness?.Invoke(new Moment(_places!.Backward(s), id.Number));
        var exchange = new ExchangeId(id, ExchangeKind.Sum, (byte)s);
        foreach (var tower in towers)
        {
            if (tower.BackwardInput(s) is { } part) link.Send(tower.Id, exchange, part);
        }
        // The gradients by the weights need nothing from the other side: they hide the exchange.
        foreach (var tower in towers) tower.BackwardWeights(s);
        if (s == 0) return;
        witness?.Invoke(new Moment(_places!.Exchange(ExchangeKind.Sum, s), id.Number));
        foreach (var tower in towers) tower.AcceptGradient(s, Receive(tower, exchange));
    }

    Portion Receive(Tower tower, ExchangeId exchange)
    {
        long start = Stopwatch.GetTimestamp();
        _activity = _exchanges[2 * exchange.Segment + (int)exchange.Kind];
        var portion = link.Receive(tower.Id, exchange);
        _waiting += Stopwatch.GetTimestamp() - start;
        return portion;
    }

    PassResult Result(Score score, long start)
    {
        foreach (var tower in towers) tower.Device.Synchronize();
        _activity = "idle";
        var waiting = Stopwatch.GetElapsedTime(0, _waiting);
        return new PassResult(score, Stopwatch.GetElapsedTime(start) - waiting, waiting);
    }
}
