using System.Collections.Concurrent;
using AlexNetActors.Actors;
using AlexNetActors.Compute;
using AlexNetActors.Data;
using AlexNetActors.Model;

namespace AlexNetActors.Tests.Actors.Transport;

/// <summary>Whatever a loader sends in a whole frame, the tower's process goes on and the loader is named.</summary>
public sealed class BatchReceiverTests : IDisposable
{
    const int RecordSize = 36;

    readonly BlockingCollection<Batch> _batches = [];
    readonly BlockingCollection<string> _losses = [];
    readonly TensorNode _loader = new(Links.Settings), _tower = new(Links.Settings);

    public void Dispose()
    {
        _loader.Dispose();
        _tower.Dispose();
    }

    void Send(Batch batch, bool withMean = true)
    {
        _tower.Expect(Links.Hello.To, Links.Hello.Generation, _ => new BatchReceiver(TinyRun.Recipe, Links.Hello.Generation, mean: _ => { }, batch: m => _batches.Add(m.Batch), lost: _losses.Add));
        using var stands = new ManualResetEventSlim();
        var sender = new BatchSender(Links.Hello.Generation, opened: stands.Set, lost: _ => { });
        _loader.Connect(_tower.Endpoint, Links.Hello with { From = "loader-1", Purpose = LinkPurpose.Batches }, sender);
        Assert.True(stands.Wait(Links.Deadline));
        if (withMean) sender.Send(new float[RecordSize * RecordSize * 3]);
        sender.Send(new PassId(Links.Hello.Generation, PassKind.Train, 0), batch);
    }

    static Batch NewBatch() => new(TinyRun.Recipe.Batch, TinyRun.Recipe.Augmentation.CropSize);

    void IsRefused(string reason)
    {
        Assert.True(_losses.TryTake(out string? loss, Links.Deadline));
        Assert.StartsWith("loader-1 at ", loss);
        Assert.EndsWith($"sent a frame that is refused: {reason}", loss);
        Assert.Empty(_batches);
        Assert.Equal(1, _tower.Counters.FramesRefused);
    }

    [Theory]
    [InlineData(int.MaxValue, 0)] // with the crop's size on top it is negative
    [InlineData(0, int.MaxValue - 30)]
    [InlineData(5, 0)]
    [InlineData(0, -1)]
    public void A_crop_outside_of_the_record(int top, int left)
    {
        var batch = NewBatch();
        batch.Placements[^1] = new Placement(top, left, false);
        Send(batch);
        IsRefused($"a crop at ({top}, {left}), wanted 0 to 4");
    }

    [Theory]
    [InlineData(10)]
    [InlineData(-2)]
    public void A_class_that_does_not_exist(int label)
    {
        var batch = NewBatch();
        batch.Labels[0] = label;
        Send(batch);
        IsRefused($"label {label}, wanted -1 to 9");
    }

    [Fact]
    public void A_batch_before_the_mean_image()
    {
        Send(NewBatch(), withMean: false);
        IsRefused("a batch before the mean image");
    }

    [Fact]
    public void The_corners_the_last_class_and_no_image_are_taken()
    {
        var batch = NewBatch();
        (batch.Placements[0], batch.Placements[1]) = (new Placement(4, 0, true), new Placement(0, 4, false));
        (batch.Labels[0], batch.Labels[1]) = (9, -1);
        Send(batch);
        Assert.True(_batches.TryTake(out var received, Links.Deadline), string.Join(", ", _losses));
        Assert.Equal(batch.Placements, received.Placements);
        Assert.Equal(batch.Labels, received.Labels);
    }
}
