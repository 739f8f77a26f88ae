using Akka.Actor;
using AlexNetActors.Actors;

namespace AlexNetActors.Tests.Actors;

/// <summary>Which node of two clusters goes to the other, second by second, without a cluster.</summary>
public sealed class ReunionTests
{
    static readonly Address Self = Node(1), Seed = Node(9);

    static readonly ClusterStrength Two = new(2, "127.0.0.1:1"), Three = new(3, "127.0.0.1:9");

    static Address Node(int port) => new("akka.tcp", "alexnet", "127.0.0.1", port);

    /// <summary>Looks once a second, as a node does that keeps hearing of another cluster through its seed.</summary>
    /// <param name="seconds">For how long.</param>
    /// <param name="own">How strong its own cluster is; null where no coordinator can be in it.</param>
    /// <param name="other">The same of the other.</param>
    /// <param name="waits">Its coordinator waits for members.</param>
    /// <returns>When it goes there; null where it stays.</returns>
    static int? Goes(int seconds, ClusterStrength? own, Func<int, ClusterStrength?> other, Func<int, bool>? waits = null)
    {
        var reunion = new Reunion([Seed]);
        for (int t = 0; t <= seconds; t++)
        {
            if (other(t) is { } led) reunion = reunion.Hear(Seed, led);
            (reunion, var elsewhere) = reunion.Look(new Surroundings(TimeSpan.FromSeconds(t), IsIn: true, own, waits?.Invoke(t) == true, [Self]));
            if (elsewhere is null) continue;
            Assert.Equal([Seed], elsewhere.Through);
            Assert.Equal(own is not null, elsewhere.Idle);
            return t;
        }
        return null;
    }

    [Fact]
    public void Who_has_no_coordinator_goes_where_there_is_one_after_three_seconds()
    {
        Assert.Equal(3, Goes(60, own: null, _ => Two));
        Assert.Equal(8, Goes(60, own: null, t => t < 8 ? null : Two));
        Assert.Null(Goes(60, own: null, _ => null));
        Assert.Null(Goes(60, own: Two, _ => Three)); // one may be in its own
    }

    [Fact]
    public void A_coordinator_that_waits_for_members_goes_to_the_stronger_cluster_after_twelve_seconds()
    {
        Assert.Equal(12, Goes(60, own: Two, _ => Three, waits: _ => true));
        Assert.Equal(22, Goes(60, own: Two, _ => Three, waits: t => t != 10)); // had them
        Assert.Equal(12, Goes(60, own: Two, t => t % 4 == 0 ? Three : null, waits: _ => true)); // one silent seed holds up what the others answer
        Assert.Null(Goes(60, own: Two, t => t % 8 == 0 ? Three : null, waits: _ => true));
        Assert.Null(Goes(60, own: Three, _ => Two, waits: _ => true));
    }

    /// <summary>Else many who wait and few who train would stay apart until the run is over, and those who wait beyond.</summary>
    [Fact]
    public void A_coordinator_that_waits_goes_to_a_weaker_cluster_in_which_one_leads_and_that_one_stays()
    {
        Assert.Equal(12, Goes(60, own: Three, _ => Two with { Leads = true }, waits: _ => true));
        Assert.Null(Goes(60, own: Two with { Leads = true }, _ => Three));
        Assert.Null(Goes(60, own: Two with { Leads = true }, _ => Three with { Leads = true }));
    }

    [Fact]
    public void Of_two_clusters_exactly_one_is_stronger()
    {
        ClusterStrength[] all = [Two, Three, Three with { Members = 2 }, Two with { Leads = true }, Three with { Leads = true }];
        Assert.All(all, a => Assert.All(all, b => Assert.Equal(a != b, a.IsMoreThan(b) ^ b.IsMoreThan(a))));
        Assert.True(Three.IsMoreThan(Two));
        Assert.True((Two with { Leads = true }).IsMoreThan(Three));
    }

    [Fact]
    public void A_seed_that_may_stand_still_is_left_alone_for_longer_than_one_that_has_died()
    {
        static int AskedAfter(Func<Reunion, int, Reunion> hear)
        {
            var reunion = new Reunion([Seed, Self]);
            for (int t = 0; ; t++)
            {
                (reunion, _) = hear(reunion, t).Look(new Surroundings(TimeSpan.FromSeconds(t), IsIn: true, Two, Waits: false, t == 5 ? [Self, Seed] : [Self]));
                Assert.DoesNotContain(Self, reunion.Missing.Keys);
                if (t > 5 && reunion.MayAsk(Seed)) return t - 6;
            }
        }
        Assert.Equal(30, AskedAfter((r, _) => r));
        Assert.Equal(3, AskedAfter((r, t) => t == 7 ? r.HearDied(Seed) : r));
        Assert.Equal(30, AskedAfter((r, t) => t == 2 ? r.HearDied(Seed) : t == 5 ? r.HearUp(Seed) : r)); // was let in since
    }

    [Fact]
    public void Who_is_not_let_in_yet_misses_nobody() =>
        Assert.Empty(new Reunion([Seed]).Look(new Surroundings(TimeSpan.Zero, IsIn: false, Led: null, Waits: false, [])).Next.Missing);
}
