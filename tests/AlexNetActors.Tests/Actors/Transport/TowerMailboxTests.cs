using AlexNetActors.Actors;
using AlexNetActors.Model;

namespace AlexNetActors.Tests.Actors.Transport;

public class TowerMailboxTests
{
    static readonly ExchangeId Exchange = new(new PassId(3, PassKind.Train, 17), ExchangeKind.Gather, 1);

    static TowerMailbox Waiting(TimeSpan deadline) => new(TinyRun.Network, deadline, _ => { });

    /// <summary>A compute thread that waited on for a group that is no more would keep its device from the next group until the deadline.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_pass_that_is_called_off_waits_no_longer(bool asksFirst)
    {
        var mailbox = Waiting(Links.Deadline);
        using var asks = new ManualResetEventSlim();
        if (!asksFirst) mailbox.Abort("the other tower is gone");
        var waits = Task.Factory.StartNew(() =>
        {
            asks.Set();
            return mailbox.Receive(TowerId.A, Exchange);
        }, TestContext.Current.CancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        Assert.True(asks.Wait(Links.Deadline));
        if (asksFirst) mailbox.Abort("the other tower is gone");
        var aborted = await Assert.ThrowsAsync<PassAbortedException>(() => waits);
        Assert.True(aborted.CalledOff);
        Assert.Equal("the other tower is gone", aborted.Message);
    }

    [Fact]
    public void Who_gets_nothing_says_what_it_waited_for()
    {
        var aborted = Assert.Throws<PassAbortedException>(() => Waiting(TimeSpan.FromMilliseconds(20)).Receive(TowerId.A, Exchange));
        Assert.False(aborted.CalledOff);
        Assert.Contains($"tower A waited 0 s for tower B's {Exchange.Describe(TinyRun.Network)}", aborted.Message);
    }
}
