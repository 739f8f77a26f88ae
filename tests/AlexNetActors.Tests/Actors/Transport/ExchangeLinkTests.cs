using AlexNetActors.Actors;
using AlexNetActors.Compute;
using AlexNetActors.Compute.Cpu;
using AlexNetActors.Data;
using AlexNetActors.Model;

namespace AlexNetActors.Tests.Actors.Transport;

/// <summary>Two towers that meet over a real connection end with the bits of two towers in one.</summary>
public sealed class ExchangeLinkTests : IDisposable
{
    const int Steps = 4;

    readonly TinyRun _run = new();

    public void Dispose() => _run.Dispose();

    /// <summary>A tower that was left behind by its group, or a program that makes such frames: nothing of theirs lands in the memory of a pass.</summary>
    [Fact]
    public void What_does_not_belong_to_its_exchanges_is_refused()
    {
        const int batch = 8;
        var network = TinyRun.Network;
        using var link = new ExchangeLink(network, batch, ChannelOrder.Canonical, generation: 3, TowerId.B, opened: () => { }, received: _ => { }, lost: _ => { });
        var good = new FrameHeader(FrameKind.Activation, new PassId(3, PassKind.Train, 17), ExchangeKind.Gather, 1, TowerId.B, ElementType.Float32, sizeof(float) * batch * network.ExchangedFeatures(1));
        Assert.Equal(good.Bytes, link.Destination(good).First.Length);
        var last = good with { Part = (byte)network.Segments.Count, Bytes = sizeof(float) * batch * network.Classes / 2 };
        Assert.Equal(last.Bytes, link.Destination(last).First.Length);
        foreach (var bad in new[]
        {
            good with { Pass = new PassId(2, PassKind.Train, 17) }, good with { Pass = new PassId(4, PassKind.Train, 17) }, good with { Tower = TowerId.A }, good with { Kind = FrameKind.State },
            good with { Part = 0 }, last with { Part = (byte)(network.Segments.Count + 1) }, last with { Exchange = ExchangeKind.Sum }, // of the logits there is none
            good with { Element = ElementType.BFloat16 }, good with { Bytes = good.Bytes - 4 }, good with { Bytes = good.Bytes + 4 },
        })
            Assert.Throws<FrameRefusedException>(() => link.Destination(bad));
    }

    /// <summary>Where a batch is no multiple of 32, and on the reference device, values go through buffers; else from where they lie to where they belong.</summary>
    [Theory]
    [InlineData("cpu", 32, ExchangeElement.Float32, ChannelOrder.Own, true)]
    [InlineData("cpu", 64, ExchangeElement.Float32, ChannelOrder.Own, true)]
    [InlineData("cpu", 64, ExchangeElement.Float32, ChannelOrder.Canonical, true)]
    [InlineData("cpu", 64, ExchangeElement.BF16, ChannelOrder.Own, false)]
    [InlineData("cpu", 8, ExchangeElement.Float32, ChannelOrder.Own, false)]
    [InlineData("reference", 32, ExchangeElement.Float32, ChannelOrder.Own, false)]
    public void Towers_of_two_processes_end_with_the_bits_of_one(string device, int batch, ExchangeElement element, ChannelOrder order, bool inPlace)
    {
        IDevice Open() => device == "cpu" ? new CpuDevice(1) : new ReferenceDevice();
        var tiny = TinyRun.Network;
        var recipe = TinyRun.Recipe with { Batch = batch, Network = new Network(tiny.InputSize, tiny.Classes, [.. tiny.Layers.Select(l => l.Spec)], LocalResponse.Paper) { Exchanged = element } };
        using var one = Open();
        var sequential = new SequentialTrainer(recipe, _run.Data, one, new RunLimits(TinyRun.Records, batch, Steps, 1000, recipe.Schedule));
        for (int n = 0; n < Steps; n++) sequential.Step();

        using var connected = new CountdownEvent(2);
        using var together = new Barrier(2); // a pass begins when both towers are done with the one before
        var mailboxes = new TowerMailbox[2];
        ExchangeLink[] links = [.. TowerIds.Both.Select(id => new ExchangeLink(recipe.Network, batch, order, Links.Hello.Generation, id.Other(),
            opened: () => connected.Signal(), received: m => mailboxes[(int)id].Put(m), lost: reason => mailboxes[(int)id].Abort(reason)))];
        foreach (var id in TowerIds.Both) mailboxes[(int)id] = new TowerMailbox(recipe.Network, Links.Deadline, links[(int)id].Send);
        using var nodeOfA = new TensorNode(Links.Settings);
        using var nodeOfB = new TensorNode(Links.Settings);
        nodeOfB.Expect(Links.Hello.To, Links.Hello.Generation, _ => links[(int)TowerId.B]);
        nodeOfA.Connect(nodeOfB.Endpoint, Links.Hello, links[(int)TowerId.A]);
        Assert.True(connected.Wait(Links.Deadline));
        var states = new TowerState[2];
        var failures = new Exception?[2];
        Thread[] threads = [.. TowerIds.Both.Select(id => new Thread(() =>
        {
            try
            {
                using var own = Open();
                using var link = links[(int)id]; // ends before the device whose memory it sends from
                var tower = new Tower(recipe.Network, id, own, batch, recipe.Seed, _run.Data.Mean.Span, training: true);
                tower.Initialize();
                Assert.Equal(inPlace, !tower.PlaceOfSum(1).IsEmpty);
                link.ReceiveInto(tower);
                var pass = new Pass([tower], mailboxes[(int)id]);
                var reader = new BatchReader(_run.Data, recipe.Augmentation, recipe.Seed, batch);
                var read = reader.NewBatch();
                for (int step = 0; step < Steps; step++)
                {
                    Assert.True(together.SignalAndWait(Links.Deadline));
                    reader.ReadTraining(step, read);
                    pass.Train(new PassId(Links.Hello.Generation, PassKind.Train, step), read, recipe.DescentAt(recipe.Schedule.InitialRate));
                }
                states[(int)id] = TowerStates.Capture(tower);
                Assert.True(together.SignalAndWait(Links.Deadline)); // what was sent lies on this device
            }
            catch (Exception e)
            {
                failures[(int)id] = e; // asserted below: on a bare thread it would end the process
            }
        }))];
        foreach (var thread in threads) thread.Start();
        foreach (var thread in threads) thread.Join();
        Assert.All(failures, Assert.Null);
        Assert.Equal(sequential.Digest(), WeightsDigest.Of(states[0], states[1]));
    }
}
