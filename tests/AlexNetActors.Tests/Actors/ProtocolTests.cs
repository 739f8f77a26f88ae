using System.Runtime.Serialization;
using Akka.Actor;
using AlexNetActors.Actors;
using AlexNetActors.Compute;
using AlexNetActors.Data;
using AlexNetActors.Model;
using CsCheck;

namespace AlexNetActors.Tests.Actors;

/// <summary>Every message through the real serializer; its bytes as they were when the protocol was fixed; garbage refused.</summary>
public sealed class ProtocolTests : IDisposable
{
    readonly ActorSystem _system = ActorSystem.Create("protocol", "akka { loglevel = WARNING, stdout-loglevel = WARNING }");
    readonly ProtocolSerializer _serializer;

    public ProtocolTests() => _serializer = new ProtocolSerializer((ExtendedActorSystem)_system);

    public void Dispose() => _system.Terminate().Wait(TimeSpan.FromSeconds(10));

    static readonly PassId Pass = new(1, PassKind.Train, 17);
    static readonly RunProgress SomeProgress = new(34, new ScheduleState(0.5f, 1, 0.25, 2, false), 1, 32, 0.25, 30) { ValidatedSteps = 30, Ledger = new Ledger(1, 14, new RecordSum(new UInt128(1, 2))) };
    static readonly Score SomeScore = new(128, 294.5, 100, 60);

    static readonly StepRecords Records = new(17, [new(0, 3, new(new UInt128(1, 2))), new(1, 5, new(new UInt128(0, 7)))]);

    static Batch SomeBatch()
    {
        var batch = new Batch(2, 1);
        batch.Pixels[3] = 200;
        batch.Placements[1] = new Placement(3, 300, true);
        batch.ColourShift[0] = 1.5f;
        batch.Labels[1] = -1;
        batch.Records[0] = 7;
        return batch;
    }

    /// <summary>One of each message, and its bytes in hexadecimal: written by hand from the MessagePack specification, checked by eye.</summary>
    static readonly (object Message, string Bytes)[] Golden =
    [
        (new NodeAdmitted(), "90"),
        (new NodeRefused("no"), "91 a26e6f"),
        (new OfferAgain(), "90"),
        (new NodeLeaves("n"), "91 a16e"),
        (new NodeReleased(), "90"),
        (new RunOver(true, "no"), "92 c3 a26e6f"),
        (new StandingAsked(null), "91 c0"),
        (new StandingTold(true, new ClusterStrength(3, "a:1", Leads: true)), "92 c3 93 03 a3613a31 c3"),
        (new LinkLost(1, "n", LinkPurpose.Batches, "no"), "94 01 a16e 01 a26e6f"),
        (new DisbandGroup(1, "no"), "92 01 a26e6f"),
        (new GpuReady(1, [TowerId.A]), "92 01 91 00"),
        (new LoadTowers(1, WeightSource.Memory, SomeProgress, ["a", "b"]), "94 01 02 9c 22 ca3f000000 01 cb3fd0000000000000 02 c2 01 20 cb3fd0000000000000 1e 1e 94 01 0e 01 02 92 a161 a162"),
        (new TakeSnapshot(1, SomeProgress, 9), "93 01 9c 22 ca3f000000 01 cb3fd0000000000000 02 c2 01 20 cb3fd0000000000000 1e 1e 94 01 0e 01 02 09"),
        (new TowersLoaded(1, [TowerId.A, TowerId.B]), "92 01 92 00 01"),
        (new RunStep(Pass, 0.5f), "92 93 01 00 11 ca3f000000"),
        (new EvaluateBatch(Pass with { Kind = PassKind.Evaluate }), "91 93 01 01 11"),
        (new PassDone(Pass, [TowerId.B], SomeScore, 1, 2, 0, 3, [new ExchangeTime(1, 2, 1, 2, 0, 2)], Records), "99 93 01 00 11 91 01 94 cc80 cb4072680000000000 64 3c cb3ff0000000000000 cb4000000000000000 cb0000000000000000 03 91 96 01 02 cb3ff0000000000000 cb4000000000000000 cb0000000000000000 cb4000000000000000 92 11 98 00 03 01 02 01 05 00 07"),
        (new SaveTowers(1, 340), "92 01 cd0154"),
        (new TowerSaved(1, 340, TowerId.B, "ff", [[1, 2]]), "95 01 cd0154 01 a26666 91 c4020102"),
        (new BatchMissing(Pass, [TowerId.B]), "92 93 01 00 11 91 01"),
        (new LoaderFailed(1, "n", "no"), "93 01 a16e a26e6f"),
        (new MemberFailed(1, "gpu-1", "no", [TowerId.B]), "94 01 a56770752d31 a26e6f 91 01"),
        (new NodeBroken("n", "no"), "92 a16e a26e6f"),
        (new NumbersWentWrong(Pass, [TowerId.B], "cpu", TowerId.B, "fc6", "it", true, [7, 300]), "98 93 01 00 11 91 01 a3637075 01 a3666336 a26974 c3 92 07 cd012c"),
        (new StopRun(), "91 c2"),
        (new PauseRun(), "90"),
        (new ContinueRun(), "90"),
        (new SaveRun(), "90"),
        (new ActivationReady(new ExchangeId(Pass, ExchangeKind.Sum, 2), TowerId.B, new Portion(new float[] { 1, -2 }, ChannelOrder.Canonical)), "93 93 93 01 00 11 01 02 01 c408 0000803f 000000c0"),
        (new GrantCredit(1, PassKind.Train, 0, 4), "94 01 00 00 04"),
        (new BatchReady(Pass, SomeBatch()), "92 93 01 00 11 97 02 01 c406 000000c80000 96 00 00 c2 03 cd012c c3 c418 0000c03f0000000000000000000000000000000000000000 c408 00000000ffffffff c408 0700000000000000"),
        (new GroupWaits("tower A"), "91 a7746f7765722041"),
        (new NodeJoined("n", "cpu"), "92 a16e a3637075"),
        (new NodeTurnedAway("n", "no"), "92 a16e a26e6f"),
        (new NodeGone("n", "no"), "92 a16e a26e6f"),
        (new GroupFormed(2, ["cpu"], "cpu", ["here"]), "94 02 91 a3637075 a3637075 91 a468657265"),
        (new GroupBroken(2, "no"), "92 02 a26e6f"),
        (new LoadersChanged(["n"], "no"), "92 91 a16e a26e6f"),
        (new RunStarted(3, 2, ["cpu"], null, new Ledger(1, 14, new RecordSum(new UInt128(1, 2)))), "95 03 02 91 a3637075 c0 94 01 0e 01 02"),
        (new StepCompleted(17, 0.5f, SomeScore, [new TowerTime("A", 1, 0, 0, 2, [])], Records), "95 11 ca3f000000 94 cc80 cb4072680000000000 64 3c 91 96 a141 cb3ff0000000000000 cb0000000000000000 cb0000000000000000 02 90 92 11 98 00 03 01 02 01 05 00 07"),
        (new ValidationCompleted(34, 1, SomeScore, true, 0.5f), "95 22 01 94 cc80 cb4072680000000000 64 3c c3 ca3f000000"),
        (new CheckpointWritten(34, "d", "ab"), "93 22 a164 a26162"),
        (new RunPaused(34), "91 22"),
        (new RunContinued(34), "91 22"),
        (new TowerActivity([TowerId.A], "loss"), "92 91 00 a46c6f7373"),
        (new NodeMemory("n", 300), "92 a16e cd012c"),
        (new RunFinished(34, "done"), "92 22 a4646f6e65"),
        (new RunFailed("no"), "91 a26e6f"),
    ];

    [Fact]
    public void Bytes_are_those_of_the_protocol()
    {
        foreach (var (message, bytes) in Golden)
            Assert.Equal($"{message.GetType().Name} {bytes.Replace(" ", "")}", $"{message.GetType().Name} {Convert.ToHexStringLower(_serializer.ToBinary(message))}");
    }

    [Fact]
    public void Every_message_type_has_golden_bytes() =>
        Assert.Equal(ProtocolSerializer.Messages.Values.Except(WithActors(ActorRefs.Nobody).Select(m => m.GetType())).OrderBy(t => t.Name), Golden.Select(g => g.Message.GetType()).Distinct().OrderBy(t => t.Name));

    [Fact]
    public void Every_message_comes_back_equal()
    {
        foreach (var (message, _) in Golden)
        {
            var back = _serializer.FromBinary(_serializer.ToBinary(message), _serializer.Manifest(message));
            Assert.Equal(Convert.ToHexString(_serializer.ToBinary(message)), Convert.ToHexString(_serializer.ToBinary(back)));
            Assert.Equal(message.GetType(), back.GetType());
        }
    }

    /// <summary>These name actors, whose paths are the system's.</summary>
    static IReadOnlyList<IProtocolMessage> WithActors(IActorRef a)
    {
        Seat[] seats = [new([TowerId.A], "n:1", "cpu", "cpu-fast", "cpu", "n:7", a)];
        return
        [
            new NodeOffer("1.0", "n:1", a, 3, "seed = 1", new DataOffer("ff", 20), [new GpuOffer(a, "cpu", "cpu-fast", "cpu", [TowerId.B])], [a], "n:7", [new HeldSnapshot(TowerId.A, "r/d/cpu", SomeProgress)]),
            new FormGroup(1, seats, "seed = 1", "r/d/cpu", 300_000, a, "n:2", "n:8", 20),
            new AssignLoader(1, 3, 0, 2, seats, "seed = 1", 4),
        ];
    }

    [Fact]
    public void Messages_with_actors_come_back_with_them()
    {
        var a = _system.ActorOf(Props.Empty, "a");
        foreach (var message in WithActors(a))
        {
            byte[] bytes = _serializer.ToBinary(message);
            var back = _serializer.FromBinary(bytes, _serializer.Manifest(message));
            Assert.Equal(Convert.ToHexString(bytes), Convert.ToHexString(_serializer.ToBinary(back)));
            if (back is NodeOffer offer) Assert.Equal([a, a, a], [offer.Actor, offer.Gpus[0].Actor, offer.Loaders[0]]);
            if (back is FormGroup group) Assert.Equal([a, a], [group.Archive, group.Seats[0].Actor]);
        }
    }

    [Fact]
    public void An_offer_begins_with_version_and_name_in_every_version() =>
        Assert.StartsWith("9AA3312E30A36E3A31", Convert.ToHexString(_serializer.ToBinary(WithActors(_system.ActorOf(Props.Empty, "b"))[0])));

    [Fact]
    public void What_is_not_of_the_protocol_is_refused()
    {
        Assert.Throws<SerializationException>(() => _serializer.Manifest("text"));
        Assert.Contains("unknown manifest", Assert.Throws<SerializationException>(() => _serializer.FromBinary([0x91, 0x02], "exit")).Message);
    }

    [Fact]
    public void Garbage_is_refused_and_never_crashes() =>
        Gen.Select(Gen.Int[0, Golden.Length - 1], Gen.Int[0, 200], Gen.Byte, Gen.Int[0, 200]).Sample((which, at, value, cut) =>
        {
            var golden = Golden[which];
            byte[] bytes = _serializer.ToBinary(golden.Message);
            bytes[at % bytes.Length] = value;
            byte[] damaged = bytes[..Math.Max(0, bytes.Length - cut % bytes.Length)];
            try
            {
                _serializer.FromBinary(damaged, _serializer.Manifest(golden.Message));
            }
            catch (SerializationException)
            {
                // refused, as it should be
            }
        }, iter: 20_000);
}
