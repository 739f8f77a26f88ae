using AlexNetActors.Compute;
using AlexNetActors.Data;
using AlexNetActors.Model;

namespace AlexNetActors.Tests.Model;

/// <summary>What a trained network makes of pictures (paper section 4.1).</summary>
public sealed class ClassifierTests : IDisposable
{
    readonly TinyRun _run = new();
    readonly ReferenceDevice _device = new();

    public void Dispose()
    {
        _device.Dispose();
        _run.Dispose();
    }

    [Fact]
    public void Ten_views_are_the_mean_of_what_each_alone_gives()
    {
        var trainer = _run.Sequential(3, _device);
        trainer.Run();
        // Records larger than the crop, so that the views differ.
        var classifier = new Classifier(TinyRun.Network, [.. trainer.Towers.Select(t => TowerStates.Capture(t))], _run.Data.Mean, _device, TinyRun.Recipe.Batch);
        var reader = new BatchReader(_run.Data, TinyRun.Recipe.Augmentation, TinyRun.Recipe.Seed, TinyRun.Recipe.Batch);
        var batch = reader.NewBatch();
        double[][] each = [.. Enumerable.Range(0, View.Count).Select(view => classifier.Classify(1, _ => reader.ReadValidation(0, batch, view), batch).ToArray())];
        Assert.Equal(View.Count, each.Select(e => e[0]).Distinct().Count());
        double[] ten = classifier.Classify(View.Count, view => reader.ReadValidation(0, batch, view), batch).ToArray();
        for (int i = 0; i < ten.Length; i++) Assert.Equal(each.Average(e => e[i]), ten[i], 1e-12);

        // Of records that belong to no pack the same.
        byte[][] records = [.. Enumerable.Range(0, _run.Data.Validation.Count).Select(n => _run.Data.Validation.Record(n).ToArray())];
        Assert.Equal(ten[..(records.Length * TinyRun.Network.Classes)], classifier.Classify(records, View.Count).ToArray());
    }
}
