using Akka.Actor;
using Akka.Configuration;
using AlexNetActors.Actors;
using AlexNetActors.Data;
using AlexNetActors.Model;

namespace AlexNetActors.Tests.Actors;

/// <summary>A loader hands batches over by reference and fills their memory again: until its pass is done a batch is the towers'.</summary>
public sealed class DataLoaderTests : IDisposable
{
    const byte Mark = 0xA5;

    static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    readonly TinyRun _run = new();
    readonly ActorSystem _system = ActorSystem.Create("loader", ConfigurationFactory.ParseString(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "hocon", "node.conf"))));
    readonly Inbox _inbox; // the coordinator, and the GPU actor with both towers
    readonly IActorRef _loader;

    public DataLoaderTests()
    {
        _inbox = Inbox.Create(_system);
        _loader = _system.ActorOf(DataLoaderActor.Props(_run.Means([]), "loader"));
    }

    public void Dispose()
    {
        _system.Terminate().Wait(Deadline);
        _run.Dispose();
    }

    void Assign(int round, int generation = 1) => _inbox.Send(_loader, new AssignLoader(generation, round, Index: 0, Count: 1, [new Seat([.. TowerIds.Both], "here", "reference", "reference", "reference", "", _inbox.Receiver)], "tiny", ReadAhead: 3));

    void Grant(PassKind kind, long from, long until, int generation = 1) => _inbox.Send(_loader, new GrantCredit(generation, kind, from, until));

    /// <summary>The next batch that the towers are given.</summary>
    Batch Next(PassKind kind, long number, int generation = 1)
    {
        object message;
        do message = _inbox.Receive(Deadline);
        while (message is MeanReady);
        var ready = Assert.IsType<BatchReady>(message);
        Assert.Equal(new PassId(generation, kind, number), ready.Pass);
        return ready.Batch;
    }

    [Fact]
    public void Training_goes_on_after_a_validation_with_the_batches_that_are_there()
    {
        Assign(1);
        Grant(PassKind.Train, 0, 3);
        Batch[] batches = [.. Enumerable.Range(0, 3).Select(n => Next(PassKind.Train, n))];
        foreach (var batch in batches) Array.Fill(batch.Pixels, Mark);
        Grant(PassKind.Evaluate, 1, 2);
        Next(PassKind.Evaluate, 1);

        Grant(PassKind.Train, 1, 4);
        Assert.Same(batches[0], Next(PassKind.Train, 3));
        Assert.Contains(batches[0].Pixels, p => p != Mark);
        Assert.All(batches[1..], b => Assert.All(b.Pixels, p => Assert.Equal(Mark, p)));
    }

    [Fact]
    public void A_loader_that_is_assigned_anew_makes_again_what_is_asked_for_and_leaves_what_it_gave_alone()
    {
        Assign(1);
        Grant(PassKind.Train, 0, 3);
        Batch[] batches = [.. Enumerable.Range(0, 3).Select(n => Next(PassKind.Train, n))];
        Assign(1);
        Assign(2);
        Grant(PassKind.Train, 1, 4);
        for (int n = 1; n <= 3; n++) Assert.DoesNotContain(Next(PassKind.Train, n), batches);
    }

    [Fact]
    public void What_is_said_again_or_belongs_to_a_group_before_changes_nothing()
    {
        Assign(1, generation: 2);
        Grant(PassKind.Train, 0, 2, generation: 2);
        for (int n = 0; n < 2; n++) Next(PassKind.Train, n, generation: 2);
        Assign(1, generation: 2);
        Assign(5, generation: 1);
        Grant(PassKind.Train, 3, 9);
        _inbox.Send(_loader, new DisbandGroup(1, "late"));
        Grant(PassKind.Train, 0, 3, generation: 2);
        Next(PassKind.Train, 2, generation: 2);
    }
}
