using AlexNetActors.Actors;
using AlexNetActors.Model;

namespace AlexNetActors.Tests.Actors.Transport;

/// <summary>A tower's state that comes over a connection, frame by frame, into the shelf of snapshots.</summary>
public class StateLinkTests
{
    const long Steps = 4, Later = 8;

    readonly SnapshotShelf _shelf = new();
    readonly List<TowerStateReady> _received = [];

    StateLink NewLink(int waitMs = 1000) => new(TinyRun.Network, generation: 3, TowerIds.Both, room: (tower, steps) => _shelf.Room(tower, steps, TimeSpan.FromMilliseconds(waitMs)), opened: _ => { }, _received.Add, lost: _ => { });

    void Announce(long steps = Steps) => _shelf.Announce(TinyRun.Network, "run", RunProgress.Start(new RunLimits(20, 10, 9, 0, new LearningRateSchedule(0.01f, 10, 3, 2, 0))) with { Steps = steps }, keep: -1);

    /// <summary>As a connection does with a frame: asks where it belongs, fills that, and says that it was whole, or does not.</summary>
    static void Frame(StateLink link, byte part, byte filling, bool whole = true, long steps = Steps)
    {
        int bytes = sizeof(float) * TowerStates.Empty(TinyRun.Network, TowerId.B).Values[part].Data.Length;
        var header = new FrameHeader(FrameKind.State, new PassId(3, PassKind.Train, steps), default, part, TowerId.B, ElementType.Float32, bytes);
        var (first, second) = link.Destination(header);
        Assert.Equal(bytes, first.Length + second.Length);
        first.Span.Fill(filling);
        if (whole) link.Received(header);
    }

    static int Parts => TowerStates.Empty(TinyRun.Network, TowerId.B).Values.Count;

    [Fact]
    public void A_snapshot_that_is_whole_is_not_touched_by_one_that_is_damaged_on_its_way()
    {
        Announce();
        var link = NewLink();
        for (byte part = 0; part < Parts; part++) Frame(link, part, filling: 1);
        _shelf.Put(TowerId.B, Steps);
        Assert.Equal(TowerId.B, Assert.Single(_received).State.Tower);

        Announce(); // a new group takes it once more
        var again = NewLink();
        Frame(again, 0, filling: 7, whole: false); // refused: the connection ends
        var held = Assert.Single(_shelf.Held);
        Assert.Equal((TowerId.B, Steps), (held.Tower, held.Progress.Steps));
        float expected = BitConverter.ToSingle([1, 1, 1, 1]);
        Assert.All(_shelf.Find(TowerId.B, Steps)!.Values, v => Assert.All(v.Data, x => Assert.Equal(expected, x)));

        var whole = NewLink();
        for (byte part = 0; part < Parts; part++) Frame(whole, part, filling: 1);
        Assert.Same(_shelf.Find(TowerId.B, Steps), _received[^1].State);
    }

    [Fact]
    public void One_that_is_not_whole_yet_is_received_in_its_place_and_given_to_nobody()
    {
        Announce();
        var link = NewLink();
        for (byte part = 0; part < Parts - 1; part++) Frame(link, part, filling: 1);
        Frame(link, (byte)(Parts - 1), filling: 7, whole: false);
        Assert.Empty(_shelf.Held);
        Assert.Null(_shelf.Find(TowerId.B, Steps));
        Assert.Empty(_received);
    }

    [Fact]
    public void What_does_not_belong_to_its_states_is_refused()
    {
        Announce();
        var link = NewLink();
        Frame(link, 0, filling: 1);
        var next = new FrameHeader(FrameKind.State, new PassId(3, PassKind.Train, Steps), default, 1, TowerId.B, ElementType.Float32, sizeof(float) * TowerStates.Empty(TinyRun.Network, TowerId.B).Values[1].Data.Length);
        Assert.Equal(next.Bytes, link.Destination(next).First.Length);
        foreach (var bad in new[]
        {
            next with { Pass = new PassId(2, PassKind.Train, Steps) }, next with { Pass = new PassId(3, PassKind.Train, Later) }, next with { Tower = TowerId.A }, next with { Kind = FrameKind.Activation },
            next with { Part = 0 }, next with { Part = 2 }, next with { Bytes = next.Bytes + 4 },
        })
            Assert.Throws<FrameRefusedException>(() => link.Destination(bad));
    }

    [Fact]
    public void One_that_nobody_announced_goes_by_and_the_next_is_received()
    {
        var link = NewLink(waitMs: 10);
        for (byte part = 0; part < Parts; part++)
        {
            Frame(link, part, filling: 7);
            if (part == 0) Announce(); // too late
        }
        Assert.Empty(_received);
        Announce(Later);
        for (byte part = 0; part < Parts; part++) Frame(link, part, filling: 1, steps: Later);
        Assert.Equal(Later, Assert.Single(_received).Steps);
        Assert.Same(_shelf.Room(TowerId.B, Later, TimeSpan.Zero)!.Value.State, _received[0].State);
    }

    [Fact]
    public void Whoever_waits_for_an_announcement_gets_it_or_gives_up()
    {
        var deadline = TimeSpan.FromSeconds(30);
        bool givenUp = false;
        var rooms = new (TowerState State, bool Whole)?[3];
        Thread[] waiting = [.. Enumerable.Range(0, 3).Select(n => new Thread(() =>
            rooms[n] = n < 2 ? _shelf.Room(TowerIds.Both[n], Steps, deadline) : _shelf.Room(TowerId.A, Steps + 1, deadline, () => Volatile.Read(ref givenUp))))];
        foreach (var thread in waiting) thread.Start();
        Assert.True(SpinWait.SpinUntil(() => waiting.All(t => t.ThreadState.HasFlag(ThreadState.WaitSleepJoin)), deadline));
        Announce();
        foreach (var thread in waiting[..2]) Assert.True(thread.Join(deadline));
        Assert.All(rooms[..2], room => Assert.False(room!.Value.Whole));
        Assert.True(waiting[2].IsAlive);
        Volatile.Write(ref givenUp, true);
        Assert.True(waiting[2].Join(deadline));
        Assert.Null(rooms[2]);
    }
}
