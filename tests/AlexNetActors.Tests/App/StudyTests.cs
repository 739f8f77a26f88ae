using AlexNetActors.Actors;
using AlexNetActors.App;
using AlexNetActors.Compute.Cpu;

namespace AlexNetActors.Tests.App;

/// <summary>What the dashboard shows of a checkpoint's network: each number is one that `alexnet evaluate` or plain arithmetic gives, too.</summary>
public sealed class StudyTests : IDisposable
{
    readonly Workshop _workshop = new();

    public void Dispose() => _workshop.Dispose();

    [Fact]
    public void The_confusion_matrix_counts_every_validation_picture_once_and_agrees_with_the_evaluation()
    {
        _workshop.TrainTo("run", 8);
        var evaluated = Alexnet.Run("evaluate", _workshop.Checkpoints("run")[0].Folder, "--json").Expect(0).Json;
        var study = CheckpointStudy.Of(_workshop.Checkpoints("run")[0].Folder, StudyDesk.OneThread, long.MaxValue);
        Assert.Equal((8, Workshop.ValidationRecords, Workshop.Records), (study.Step, study.Images, study.TrainingImages));
        Assert.Equal(Workshop.ValidationRecords, study.Confusion!.Sum(row => row.Sum()));
        int right = study.Confusion!.Select((row, label) => row[label]).Sum();
        Assert.Equal((double)evaluated["top1Error"]!, 1 - (double)right / Workshop.ValidationRecords, 12);

        Assert.Equal(Workshop.ValidationRecords, study.Sheet.Count);
        foreach (var picture in study.Sheet)
        {
            Assert.Equal((5, 5), (picture.Guesses.Count, picture.Nearest.Count));
            Assert.Equal(picture.Guesses.OrderByDescending(g => g.Probability), picture.Guesses);
            Assert.All(picture.Nearest.Select(n => n.Picture).Append(picture.Picture), name => Assert.Equal("PNG"u8, study.Pictures[name].AsSpan(1, 3)));
        }
    }

    [Fact]
    public void Memory_that_is_not_there_is_not_taken()
    {
        _workshop.TrainTo("run", 3);
        var refused = Assert.Throws<RunException>(() => CheckpointStudy.Of(_workshop.Checkpoints("run")[0].Folder, StudyDesk.OneThread, memoryBytes: 20_000));
        Assert.Matches("^it takes [0-9.]+ [kM]B of memory, and there are 20.0 kB left$", refused.Message);
        Assert.InRange(Machine.FreeBytes(), 1, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);
    }

    [Fact]
    public async Task Whatever_goes_wrong_is_a_line_and_may_be_tried_again()
    {
        _workshop.TrainTo("run", 3);
        var (steps, folder) = _workshop.Checkpoints("run")[0];
        bool broken = true;
        var desk = new StudyDesk(new DeviceFactory("cpu", "cpu", "cpu", () => broken ? throw new InvalidOperationException("no such luck") : new CpuDevice(1)));
        async Task<(CheckpointStudy? Study, bool Busy, string Said)> Study()
        {
            Assert.True(desk.Ask(new CheckpointWritten(steps, folder, "")).Busy);
            using var late = new CancellationTokenSource(TimeSpan.FromSeconds(60));
            while (desk.Read().Busy) await Task.Delay(10, late.Token);
            return desk.Read();
        }
        Assert.Equal((null, false, "The checkpoint after step 3 cannot be looked at: no such luck"), await Study());
        broken = false;
        Assert.Equal((3L, ""), await Study() is var done ? (done.Study!.Step, done.Said) : default);
    }

    [Fact]
    public void The_nearest_are_kept_in_order()
    {
        var nearest = new NearestPictures([0, 0]);
        foreach (var (record, at) in new[] { 9, 2, 7, 1, 8, 3, 0, 6 }.Index()) nearest.Offer(record, [at, at]);
        Assert.Equal([6, 3, 1, 5, 7], nearest.Records); // at 0, 1, 2, 3, 6
    }
}
