using AlexNetActors.Model;

namespace AlexNetActors.Tests.Model;

/// <summary>The digest is of the weights in canonical order: the device's layout and the velocities do not count, every bit of a weight does.</summary>
public sealed class WeightsDigestTests
{
    public static TheoryData<string> Devices => TestDevices.Names;

    static TowerState[] States(string deviceName)
    {
        using var device = TestDevices.Open(deviceName);
        return [.. new GoldenNetwork(device, images: 1, seed: 3).Towers.Select(t => TowerStates.Capture(t))];
    }

    static string Digest(TowerState[] states) => WeightsDigest.Of(states[0], states[1]);

    [Theory]
    [MemberData(nameof(Devices))]
    public void LayoutDoesNotCount(string deviceName) => Assert.Equal(Digest(States("reference")), Digest(States(deviceName)));

    [Fact]
    public void EveryBitOfAWeightCounts()
    {
        var states = States("reference");
        string before = Digest(states);
        foreach (var values in states.SelectMany(s => s.Values))
        {
            ref float last = ref values.Data[^1];
            float kept = last;
            last = BitConverter.Int32BitsToSingle(BitConverter.SingleToInt32Bits(kept) ^ 1);
            Assert.Equal(values.Name.EndsWith(".velocity", StringComparison.Ordinal), before == Digest(states));
            last = kept;
        }
        Assert.Equal(before, Digest(states));
    }

    [Fact]
    public void TowersAreNotInterchangeable()
    {
        var states = States("reference");
        Assert.NotEqual(Digest(states), Digest([states[1], states[0]]));
    }

    [Fact]
    public void EachTowerCanHashItsOwn()
    {
        var states = States("reference");
        Assert.Equal(Digest(states), WeightsDigest.Combine(WeightsDigest.OfTower(states[0]), WeightsDigest.OfTower(states[1])));
        Assert.Matches("^[0-9a-f]{64}$", Digest(states));
    }
}
