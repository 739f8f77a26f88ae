using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Akka.Actor;
using Akka.Configuration;
using AlexNetActors.Actors;
using AlexNetActors.Model;

namespace AlexNetActors.Tests.Actors.Transport;

/// <summary>A peer that dials again while its earlier connection stands gets the new one, and the end of the old is nobody's loss.</summary>
public sealed class RedialTests : IDisposable
{
    static readonly TensorHello Hello = Links.Hello with { Purpose = LinkPurpose.State, From = "gpu-0", To = "archive" };

    readonly TensorNode _node = new(Links.Settings);
    readonly BlockingCollection<object> _heard = [];

    public void Dispose() => _node.Dispose();

    object Heard() => _heard.TryTake(out object? heard, Links.Deadline) ? heard : throw new TimeoutException("nothing was heard");

    /// <summary>A parameter of a tower's state, as its node sends it.</summary>
    static byte[] Part(int part, int value)
    {
        float[] values = [.. TowerStates.Empty(TinyRun.Network, TowerId.B).Values[part].Data.Select(_ => (float)value)];
        return RawPeer.Frame(new FrameHeader(FrameKind.State, new PassId(Hello.Generation, PassKind.Train, 4), default, (byte)part, TowerId.B, ElementType.Float32, sizeof(float) * values.Length), MemoryMarshal.AsBytes(values.AsSpan()));
    }

    [Fact]
    public void A_link_keeps_the_newer_connection()
    {
        using var link = new StateLink(TinyRun.Network, Hello.Generation, TowerIds.Both, StateLink.OneRoomEach(TinyRun.Network), opened: _ => _heard.Add("opened"), received: _heard.Add, lost: _heard.Add);
        _node.Expect(Hello.To, Hello.Generation, _ => link);
        using var first = RawPeer.Accepted(_node, Hello);
        Assert.Equal("opened", Heard());
        first.Stream.Write(Part(0, 1));
        Links.Until(() => _node.Counters.FramesReceived == 1, "the first frame");
        using var second = RawPeer.Accepted(_node, Hello);
        Assert.Equal("opened", Heard());
        first.WaitForEnd();
        for (int part = 0; part < TowerStates.Empty(TinyRun.Network, TowerId.B).Values.Count; part++) second.Stream.Write(Part(part, 2));
        var state = Assert.IsType<TowerStateReady>(Heard()).State;
        Assert.All(state.Values, v => Assert.All(v.Data, x => Assert.Equal(2, x)));
        second.EndAndWait();
        Assert.Contains("closed the connection", Assert.IsType<string>(Heard()));
    }

    [Fact]
    public void So_does_the_archive_and_it_takes_no_other_purpose()
    {
        using var folder = new TinyRun();
        using var system = ActorSystem.Create("redial", ConfigurationFactory.ParseString(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "hocon", "node.conf"))));
        var archive = ArchiveActor.Props(TinyRun.Network, new CheckpointFolder(Path.Combine(folder.Folder, "run")), _node);
        var parent = system.ActorOf(Props.Create(() => new Parent(archive, _heard)));
        parent.Tell(new ArchiveActor.Serve(Hello.Generation, [new Seat([.. TowerIds.Both], Hello.From, "cpu", "cpu", "cpu", "", parent)]));
        using var first = Early();
        using var second = RawPeer.Accepted(_node, Hello);
        first.WaitForEnd();
        Assert.Empty(_heard);
        using var other = new RawPeer(_node);
        HelloFormat.WriteHello(other.Stream, Hello with { Purpose = LinkPurpose.Exchange });
        Assert.Equal(new HelloAnswer(Verdict.Refused, "the archive keeps states: Exchange is for others"), HelloFormat.ReadAnswer(other.Stream));
        second.EndAndWait();
        var lost = Assert.IsType<LinkLost>(Heard());
        Assert.Equal((Hello.From, LinkPurpose.State), (lost.Node, lost.Purpose));
    }

    /// <summary>A peer that may come before the archive has heard whom it serves.</summary>
    RawPeer Early()
    {
        using var late = new CancellationTokenSource(Links.Deadline);
        while (true)
        {
            late.Token.ThrowIfCancellationRequested();
            var peer = new RawPeer(_node);
            HelloFormat.WriteHello(peer.Stream, Hello);
            var answer = HelloFormat.ReadAnswer(peer.Stream);
            if (answer.Verdict == Verdict.Accepted) return peer;
            Assert.Equal(Verdict.NotYet, answer.Verdict);
            peer.Dispose();
        }
    }

    /// <summary>The coordinator: hands on what the archive is to do, and keeps what it is told.</summary>
    sealed class Parent : ReceiveActor
    {
        public Parent(Props archive, BlockingCollection<object> heard)
        {
            var child = Context.ActorOf(archive, "archive");
            Receive<ArchiveActor.Serve>(child.Forward);
            ReceiveAny(heard.Add);
        }
    }
}
