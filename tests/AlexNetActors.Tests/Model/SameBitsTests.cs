using System.Collections.Concurrent;
using AlexNetActors.Compute;
using AlexNetActors.Compute.Cpu;
using AlexNetActors.Data;
using AlexNetActors.Model;

namespace AlexNetActors.Tests.Model;

/// <summary>The same steps give one digest: both towers on one device, each on its own device and thread, one to three threads a device.</summary>
public sealed class SameBitsTests : IDisposable
{
    const int Steps = 20;
    const int StepsOnManyThreads = 4; // more threads than cores take turns

    readonly TinyRun _run = new();

    public void Dispose() => _run.Dispose();

    public static TheoryData<string> Devices => TestDevices.Names;

    [Theory]
    [MemberData(nameof(Devices))]
    public void TwoThreadsEqualOne(string deviceName)
    {
        using var device = TestDevices.Open(deviceName);
        Assert.Equal(Sequential(device), Threaded(() => TestDevices.Open(deviceName)));
    }

    [Theory]
    [InlineData(SimdLevel.Vector128)]
    [InlineData(SimdLevel.Vector256)]
    [InlineData(SimdLevel.Vector512)]
    public void NumberOfThreadsOfADeviceDoesNotCount(SimdLevel level)
    {
        Assert.SkipUnless(SimdLevels.IsSupported(level), $"this processor has no {level}");
        using var one = new CpuDevice(1, level);
        using var two = new CpuDevice(2, level);
        using var three = new CpuDevice(3, level);
        string expected = Sequential(one, StepsOnManyThreads);
        Assert.Equal(expected, Sequential(two, StepsOnManyThreads));
        Assert.Equal(expected, Sequential(three, StepsOnManyThreads));
    }

    [Fact]
    public void SplitRunEqualsAWholeOne()
    {
        using var device = new ReferenceDevice();
        var whole = _run.Sequential(Steps, device);
        for (int n = 0; n < Steps; n++) whole.Step();
        var first = _run.Sequential(Steps / 2, device);
        for (int n = 0; n < Steps / 2; n++) first.Step();
        var states = first.Towers.Select(t => TowerStates.Capture(t)).ToArray();
        Assert.NotEqual(whole.Digest(), first.Digest());

        var reader = new BatchReader(_run.Data, TinyRun.Recipe.Augmentation, TinyRun.Recipe.Seed, TinyRun.Recipe.Batch);
        Tower[] towers = [.. TowerIds.Both.Select(id => NewTower(id, device))];
        foreach (var (tower, state) in towers.Zip(states)) TowerStates.Restore(tower, state);
        Train(new Pass(towers, new LocalLink()), reader, Steps / 2, Steps);
        Assert.Equal(whole.Digest(), WeightsDigest.Of(TowerStates.Capture(towers[0]), TowerStates.Capture(towers[1])));
    }

    [Fact]
    public void ATowerThatBeginsAnewForgetsWhatItHasLearned()
    {
        using var device = new ReferenceDevice();
        Tower[] towers = [.. TowerIds.Both.Select(id => NewTower(id, device))];
        var reader = new BatchReader(_run.Data, TinyRun.Recipe.Augmentation, TinyRun.Recipe.Seed, TinyRun.Recipe.Batch);
        var digests = Enumerable.Range(0, 2).Select(_ =>
        {
            foreach (var tower in towers) tower.Initialize();
            Train(new Pass(towers, new LocalLink()), reader, 0, 2);
            return WeightsDigest.Of(TowerStates.Capture(towers[0]), TowerStates.Capture(towers[1]));
        }).ToList();
        Assert.Equal(digests[0], digests[1]);
    }

    string Sequential(IDevice device, int steps = Steps)
    {
        var trainer = _run.Sequential(steps, device);
        for (int n = 0; n < steps; n++) trainer.Step();
        return trainer.Digest();
    }

    string Threaded(Func<IDevice> open)
    {
        var link = new BlockingLink();
        IDevice[] devices = [open(), open()]; // both stay until both are done: each reads the other's memory
        var states = new TowerState[2];
        Exception? failure = null;
        Thread[] threads = [.. TowerIds.Both.Select(id => new Thread(() =>
        {
            try
            {
                var tower = NewTower(id, devices[(int)id]);
                tower.Initialize();
                Train(new Pass([tower], link), new BatchReader(_run.Data, TinyRun.Recipe.Augmentation, TinyRun.Recipe.Seed, TinyRun.Recipe.Batch), 0, Steps);
                states[(int)id] = TowerStates.Capture(tower);
            }
            catch (Exception e)
            {
                failure = e; // asserted below: on a bare thread it would end the process
            }
        }))];
        foreach (var thread in threads) thread.Start();
        foreach (var thread in threads) thread.Join();
        foreach (var device in devices) device.Dispose();
        Assert.Null(failure);
        return WeightsDigest.Of(states[0], states[1]);
    }

    Tower NewTower(TowerId id, IDevice device) =>
        new(TinyRun.Network, id, device, TinyRun.Recipe.Batch, TinyRun.Recipe.Seed, _run.Data.Mean.Span, training: true);

    /// <summary>The rate is what the sequential trainer has before its first validation.</summary>
    static void Train(Pass pass, BatchReader reader, int from, int to)
    {
        var batch = reader.NewBatch();
        for (int step = from; step < to; step++)
        {
            reader.ReadTraining(step, batch);
            pass.Train(new PassId(0, PassKind.Train, step), batch, TinyRun.Recipe.DescentAt(TinyRun.Recipe.Schedule.InitialRate));
        }
    }

    /// <summary>By reference, as within one process: one slot a direction, the receiver checks that it is what it waits for.</summary>
    sealed class BlockingLink : ITowerLink
    {
        static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

        readonly BlockingCollection<(ExchangeId Exchange, Portion Portion)>[] _sent = [new(), new()];

        public void Send(TowerId from, ExchangeId exchange, Portion portion)
        {
            portion.Settle();
            _sent[(int)from].Add((exchange, portion));
        }

        public Portion Receive(TowerId to, ExchangeId exchange)
        {
            if (!_sent[(int)to.Other()].TryTake(out var sent, Deadline)) throw new TimeoutException($"tower {to} waits for {exchange}");
            Assert.Equal(exchange, sent.Exchange);
            return sent.Portion;
        }
    }
}
