using Akka.Actor;
using AlexNetActors.Actors;
using AlexNetActors.App;

namespace AlexNetActors.Tests.App;

/// <summary>What a node decides by what it sees around it, second by second, without a cluster.</summary>
public sealed class LookoutTests
{
    static readonly Address Self = Node(1), Other = Node(2), Third = Node(3);

    static readonly Membership PutOut = new([Other, Third], 0), Goes = new([Other], 0, Goals: [Node(9)]);

    static Address Node(int port) => new("akka.tcp", "alexnet", "127.0.0.1", port);

    /// <summary>Looks four times a second, as the node does, and keeps what it is to do.</summary>
    sealed class Watch(Membership? earlier = null, bool coordinates = false)
    {
        public Lookout Lookout { get; private set; } = new(Self, earlier, coordinates, ["127.0.0.1:2", "127.0.0.1:1"], [Other, Third]);

        public List<(double At, Move Move)> Moves { get; } = [];

        /// <summary>Whoever is asked stands like this.</summary>
        public Standing[] Standings { get; set; } = [Standing.Outside, Standing.Outside];

        double _now;

        public Watch For(double seconds, bool isLed = false, bool isIn = true, params Address[] members)
        {
            for (double until = _now + seconds; _now < until; _now += 0.25) Look(isIn, isLed, members);
            return this;
        }

        public Watch Outside(double seconds) => For(seconds, isIn: false);

        /// <summary>Its process stands still.</summary>
        public Watch Sleep(double seconds)
        {
            _now += seconds;
            return this;
        }

        void Look(bool isIn, bool isLed, Address[] members)
        {
            (Lookout, var move) = Lookout.Look(new Sight(TimeSpan.FromSeconds(_now), isIn, isLed, members));
            if (move is Move.Ask) (Lookout, move) = Lookout.Hear(Standings);
            if (move is not null) Moves.Add((_now, move));
        }

        public NodeEnd End => Assert.IsType<Move.End>(Moves[^1].Move).How;

        public Membership? Return(NodeEnd end) => Lookout.ComesBack(end) ? Lookout.Return(end) : null;
    }

    static readonly NodeEnd Over = new("over", Failed: false), Terminated = new("put out", Failed: true, PutOut: true);

    [Fact]
    public void Who_is_not_let_in_says_so_every_20_seconds_and_goes_on_asking()
    {
        var watch = new Watch().Outside(300);
        Assert.Equal(Enumerable.Range(1, 14).Select(i => 20.0 * i), watch.Moves.Select(m => m.At));
        Assert.All(watch.Moves, m => Assert.IsType<Move.SayOutside>(m.Move));
    }

    [Fact]
    public void Who_waits_for_a_coordinator_where_none_can_be_says_so_and_is_silent_once_there_is_one()
    {
        var watch = new Watch().Outside(5).For(60, isLed: true, members: [Self, Other]).For(19, members: [Self, Other]);
        Assert.Empty(watch.Moves);
        watch.For(2, members: [Self, Other]).For(100, isLed: true, members: [Self, Other]);
        Assert.IsType<Move.SayUnled>(Assert.Single(watch.Moves).Move);
    }

    /// <summary>Else, with all who were here started again meanwhile, it would ask for ever to be let in by processes that Akka.Remote never reaches.</summary>
    [Fact]
    public void Who_slept_until_all_others_were_gone_joins_anew()
    {
        var watch = new Watch().For(2, isLed: true, members: [Self, Other, Third]).Sleep(45).For(3, isLed: true, members: [Self, Other, Third]);
        Assert.Empty(watch.Moves); // they may still be there
        watch.For(0.25, members: Self);
        Assert.True(watch.End is { PutOut: true, Failed: true });
        Assert.Equal([Other, Third], watch.Return(watch.End)!.Members.OrderBy(m => m.Port));
    }

    [Fact]
    public void Who_did_not_sleep_or_was_always_alone_stays()
    {
        Assert.Empty(new Watch().For(2, isLed: true, members: [Self, Other]).Sleep(7).For(9, isLed: true, members: Self).Moves);
        Assert.Empty(new Watch().For(2, isLed: true, members: Self).Sleep(45).For(9, isLed: true, members: Self).Moves);
    }

    [Fact]
    public void Who_comes_back_and_is_not_let_in_for_two_minutes_gives_up()
    {
        Assert.Contains("has put this one out has let it in again", new Watch(PutOut).Outside(121).End.Why);
        Assert.Contains("with a coordinator has let this one in", new Watch(Goes).Outside(121).End.Why);
        Assert.All([PutOut, Goes], m => Assert.Empty(new Watch(m).Outside(10).For(300, isLed: true, members: [Self, Other]).Outside(1).Moves)); // was let in
    }

    [Fact]
    public void Who_coordinates_founds_the_cluster_anew_once_most_others_are_known_to_be_dead()
    {
        var watch = new Watch(PutOut, coordinates: true) { Standings = [Standing.Silent, Standing.Silent] }.Outside(14);
        Assert.Empty(watch.Moves);
        watch.Standings = [Standing.Dead, Standing.Silent];
        watch.Outside(2);
        Assert.IsType<Move.Found>(Assert.Single(watch.Moves).Move);
    }

    [Fact]
    public void Who_goes_to_another_cluster_founds_none() =>
        Assert.DoesNotContain(new Watch(Goes, coordinates: true) { Standings = [Standing.Dead] }.Outside(119).Moves, m => m.Move is not Move.SayOutside);

    /// <summary>They may be about to start again.</summary>
    [Fact]
    public void Who_cannot_coordinate_gives_up_when_all_others_have_been_dead_three_times_in_a_row()
    {
        var watch = new Watch(PutOut) { Standings = [Standing.Dead, Standing.Dead] }.Outside(14);
        Assert.Empty(watch.Moves);
        watch.Standings = [Standing.Dead, Standing.Member];
        watch.Outside(5);
        Assert.Empty(watch.Moves);
        watch.Standings = [Standing.Dead, Standing.Dead];
        watch.Outside(14.75);
        Assert.True(watch.End is { Failed: true, PutOut: false });
        Assert.Contains("has ended", watch.End.Why);
    }

    /// <summary>Akka.Remote may never have two hear each other of whom one stood still while they first dialled; another actor system is heard.</summary>
    [Fact]
    public void Who_is_not_let_in_for_20_seconds_where_somebody_may_be_joins_again()
    {
        var watch = new Watch { Standings = [Standing.Dead, Standing.Silent] }.Outside(26);
        Assert.True(watch.End.PutOut && watch.Lookout.ComesBack(watch.End));
        Assert.Null(watch.Return(watch.End)); // it has not been anywhere
        Assert.All([PutOut, Goes], m => Assert.Equal(m with { Failures = 1 }, new Watch(m) { Standings = watch.Standings }.Outside(26) is var w ? w.Return(w.End) : null));
        Assert.All([PutOut, Goes], m => Assert.Contains("within 120 s", new Watch(m with { Failures = 3 }) { Standings = watch.Standings }.Outside(121).End.Why));
    }

    [Fact]
    public void Who_is_not_let_in_as_nobody_is_there_or_all_are_outside_waits() =>
        Assert.All([Standing.Dead, Standing.Outside], s => Assert.All(new Watch { Standings = [s, s] }.Outside(300).Moves, m => Assert.IsType<Move.SayOutside>(m.Move)));

    [Fact]
    public void When_the_run_is_over_nobody_comes_back() =>
        Assert.All([null, PutOut, Goes], m => Assert.Null(new Watch(m).For(3, isLed: true, members: [Self, Other]).Return(Over)));

    [Fact]
    public void Who_was_never_let_in_ends_when_it_is_put_out_unless_it_was_a_member_before()
    {
        Assert.Null(new Watch().Outside(3).Return(Terminated));
        Expect(1, [Other], new Watch().For(3, isIn: false, members: [Self, Other]).Return(Terminated)); // was about to be let in
        Expect(1, [Other, Third], new Watch(PutOut).Outside(3).Return(Terminated));
        Assert.Equal(Goes with { Failures = 1 }, new Watch(Goes).Outside(3).Return(Terminated)); // still goes there
    }

    [Fact]
    public void Who_is_put_out_remembers_all_whom_it_knew_and_who_goes_elsewhere_those_whom_it_leaves()
    {
        var watch = new Watch(PutOut with { Failures = 4 }).For(3, isLed: true, members: [Self, Node(4)]);
        Expect(0, [Other, Third, Node(4)], watch.Return(Terminated));
        var there = watch.Return(new NodeEnd("goes", Failed: true, Goals: [Node(9)]))!;
        Assert.Equal([Self, Node(4)], there.Members);
        Assert.Equal([Node(9)], there.Goals!);
    }

    static void Expect(int failures, Address[] members, Membership? membership)
    {
        Assert.Equal(failures, membership!.Failures);
        Assert.Equal(members, membership.Members.OrderBy(m => m.Port));
        Assert.Null(membership.Goals);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(4, 8)]
    [InlineData(5, 10)]
    [InlineData(100, 10)]
    public void Who_is_put_out_again_and_again_pauses_ever_longer(int failures, double seconds) =>
        Assert.Equal(TimeSpan.FromSeconds(seconds), new Membership([Other], failures).Pause);

    [Fact]
    public void Who_goes_to_another_cluster_asks_nobody_of_the_one_that_it_leaves()
    {
        string[] configured = ["127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:9"];
        Assert.Equal(["127.0.0.1:9", "127.0.0.1:2"], new Membership([Node(1), Node(3)], 0, Goals: [Node(9)]).Seeds(configured));
        Assert.Equal(["127.0.0.1:1", "127.0.0.1:3", "127.0.0.1:2", "127.0.0.1:9"], new Membership([Node(1), Node(3)], 0).Seeds(configured)); // was put out
        Assert.Equal(TimeSpan.FromSeconds(1), new Membership([], 0, Goals: [Node(9)]).Pause);
    }
}
