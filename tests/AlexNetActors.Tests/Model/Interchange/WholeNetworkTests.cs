using AlexNetActors.Compute;
using AlexNetActors.Model;

namespace AlexNetActors.Tests.Model;

/// <summary>Two towers as one network and back, and what is refused.</summary>
public sealed class WholeNetworkTests
{
    static readonly WholeNetwork Whole = new(TinyRun.Network);

    static NamedValues[] Random(int seed)
    {
        var random = new Random(seed);
        return [.. Whole.Parameters.Select(p => new NamedValues(p.Name, p.Shape, [.. Enumerable.Range(0, p.Shape.Aggregate(1, (a, b) => a * b)).Select(_ => random.NextSingle() - 0.5f)]))];
    }

    [Fact]
    public void Names_and_shapes_are_pytorchs()
    {
        Assert.Equal(
        [
            "features.0.weight [4,3,5,5]", "features.0.bias [4]", "features.4.weight [4,2,3,3]", "features.4.bias [4]", "features.8.weight [6,4,3,3]", "features.8.bias [6]",
            "features.10.weight [6,3,3,3]", "features.10.bias [6]", "features.12.weight [4,3,3,3]", "features.12.bias [4]",
            "classifier.0.weight [8,4]", "classifier.0.bias [8]", "classifier.3.weight [8,8]", "classifier.3.bias [8]", "classifier.6.weight [10,8]", "classifier.6.bias [10]",
        ], Whole.Parameters.Select(p => $"{p.Name} [{string.Join(',', p.Shape)}]"));
    }

    [Fact]
    public void Split_and_merged_every_bit_is_where_it_was()
    {
        var values = Random(1);
        var towers = Whole.Split(values);
        foreach (var (before, after) in values.Zip(Whole.Merge(towers[0], towers[1])))
        {
            Assert.Equal(before.Name, after.Name);
            Assert.Equal(before.Shape, after.Shape);
            Assert.Equal(before.Data.Select(BitConverter.SingleToInt32Bits), after.Data.Select(BitConverter.SingleToInt32Bits));
        }
        Assert.All(towers.SelectMany(t => t.Values).Where(v => v.Name.EndsWith(".velocity", StringComparison.Ordinal)), v => Assert.All(v.Data, x => Assert.Equal(0, x)));
    }

    [Fact]
    public void Everything_that_does_not_fit_is_named()
    {
        var values = Random(2).ToList();
        Assert.Empty(Whole.Complaints(values));
        values.RemoveAll(v => v.Name == "features.4.bias");
        values[0] = values[0] with { Shape = [4, 3, 25] };
        values.Single(v => v.Name == "classifier.6.bias").Data[3] = float.NaN;
        values.Add(new NamedValues("classifier.9.weight", [1], [0]));
        values.Add(new NamedValues("mean", [3, 31, 31], new float[3 * 31 * 31]));
        Assert.Equal(
        [
            "features.0.weight is [4, 3, 25], wanted [4, 3, 5, 5]", "features.4.bias is missing", "classifier.6.bias has numbers that are not finite",
            "mean is [3, 31, 31], wanted [3, 32, 32]", "classifier.9.weight is not wanted",
        ], Whole.Complaints(values));
    }

    [Fact]
    public void Layers_begin_anew_whatever_the_values_hold_of_them()
    {
        var values = Random(3).Where(v => v.Name != "classifier.3.bias").Select(v => v.Name == "classifier.6.weight" ? v with { Shape = [1000, 8], Data = new float[8000] } : v).ToList();
        Assert.Equal(["fc7", "fc8"], Whole.Misfits(values));
        var anew = Whole.BeginAnew(values, Whole.Misfits(values), seed: 7);
        Assert.Empty(Whole.Complaints(anew));
        Assert.Empty(Whole.Misfits(anew));
        Assert.Equal(values.Where(v => !v.Name.StartsWith("classifier.3.", StringComparison.Ordinal) && !v.Name.StartsWith("classifier.6.", StringComparison.Ordinal)), anew.Take(12));
        Assert.All(anew.Single(v => v.Name == "classifier.3.bias").Data, b => Assert.Equal(0.1f, b));
    }

    [Fact]
    public void A_layer_that_has_no_counterpart_is_named()
    {
        static string Refusal(params LayerSpec[] table) => Assert.Throws<RecipeException>(() => new WholeNetwork(new Network(8, 4, table, LocalResponse.Paper))).Message;
        Assert.Contains("fc6 is fully connected to its own tower only", Refusal(new("conv1", 4, Size: 3), new("fc6", 4), new("fc8", 4, SeesBoth: true)));
        Assert.Contains("conv7 is a convolution behind a fully connected layer", Refusal(new("fc6", 4, SeesBoth: true), new("conv7", 4, Size: 1)));
    }
}
