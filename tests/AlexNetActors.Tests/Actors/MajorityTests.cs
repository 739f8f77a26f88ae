using Akka.Actor;
using AlexNetActors.Actors;

namespace AlexNetActors.Tests.Actors;

/// <summary>Who may go on when a network is cut: never two sides.</summary>
public sealed class MajorityTests
{
    static Address[] Nodes(params int[] ports) => [.. ports.Select(p => new Address("akka.tcp", "alexnet", "127.0.0.1", p))];

    [Fact]
    public void More_than_half_hold_it()
    {
        Assert.True(Majority.Holds(Nodes(1, 2, 3), Nodes(2, 3)));
        Assert.False(Majority.Holds(Nodes(1, 2, 3), Nodes(1)));
        Assert.False(Majority.Holds(Nodes(1, 2, 3), Nodes(3, 7, 8, 9))); // strangers do not count
    }

    [Fact]
    public void Of_two_halves_the_one_with_the_lowest_address_holds_it()
    {
        Assert.True(Majority.Holds(Nodes(4, 3, 2, 1), Nodes(4, 1)));
        Assert.False(Majority.Holds(Nodes(4, 3, 2, 1), Nodes(2, 3)));
    }

    [Fact]
    public void Who_is_alone_in_the_world_holds_it() => Assert.True(Majority.Holds([], []));
}
