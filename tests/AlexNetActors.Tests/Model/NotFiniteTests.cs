using AlexNetActors.Compute;
using AlexNetActors.Data;
using AlexNetActors.Model;

namespace AlexNetActors.Tests.Model;

/// <summary>NaN and infinity stop a step before its update, on every device, and the first bad place is named.</summary>
public sealed class NotFiniteTests : IDisposable
{
    readonly TinyRun _run = new();

    public void Dispose() => _run.Dispose();

    public static TheoryData<string> Devices => TestDevices.Names;

    (Tower[] Towers, Pass Pass, Batch Batch) Begin(IDevice device)
    {
        Tower[] towers = [.. TowerIds.Both.Select(id => new Tower(TinyRun.Network, id, device, TinyRun.Recipe.Batch, TinyRun.Recipe.Seed, _run.Data.Mean.Span, training: true))];
        foreach (var tower in towers) tower.Initialize();
        var reader = new BatchReader(_run.Data, TinyRun.Recipe.Augmentation, TinyRun.Recipe.Seed, TinyRun.Recipe.Batch);
        var batch = reader.NewBatch();
        reader.ReadTraining(0, batch);
        return (towers, new Pass(towers, new LocalLink()), batch);
    }

    static NotFiniteException Stopped(Pass pass, Batch batch) =>
        Assert.Throws<NotFiniteException>(() => { pass.Train(new PassId(1, PassKind.Train, 17), batch, TinyRun.Recipe.DescentAt(0.01f)); });

    static Parameter Of(Tower[] towers, TowerId tower, string name) => towers[(int)tower].Parameters.Single(p => p.Name == name);

    static float[] Values(IDevice device, Tensor tensor)
    {
        var values = new float[tensor.Shape.Count];
        device.Read(tensor, values);
        return values;
    }

    static float[][] Weights(IDevice device, Tower[] towers) => [.. towers.SelectMany(t => t.Parameters).SelectMany(p => new[] { Values(device, p.Value), Values(device, p.Velocity!) })];

    [Theory]
    [MemberData(nameof(Devices))]
    public void A_weight_or_bias_that_is_not_finite_stops_the_step_and_is_named(string name)
    {
        using var device = TestDevices.Open(name);
        var (towers, pass, batch) = Begin(device);
        foreach (var (tower, parameter, value, expected) in new[]
        {
            (TowerId.A, "conv1.weight", float.NaN, "NaN or infinity in the weights of conv1 on tower A"),
            (TowerId.B, "conv3.weight", float.NaN, "NaN or infinity in the weights of conv3 on tower B"),
            (TowerId.A, "conv5.bias", float.PositiveInfinity, "NaN or infinity in the biases of conv5 on tower A"),
            (TowerId.B, "fc8.weight", float.NegativeInfinity, "NaN or infinity in the weights of fc8 on tower B"),
        })
        {
            var tensor = Of(towers, tower, parameter).Value;
            float[] good = Values(device, tensor), bad = [.. good];
            bad[^1] = value;
            device.Write(bad, tensor);
            var before = Weights(device, towers);
            var e = Stopped(pass, batch);
            Assert.Equal(expected, e.Found.ToString());
            Assert.Equal($"step 17 was stopped before its update: {expected}", e.Message);
            Assert.Equal(batch.Records, e.Records);
            Assert.Equal(before, Weights(device, towers));
            device.Write(good, tensor);
        }
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void What_an_operation_gets_wrong_is_named_where_it_began_and_the_next_step_goes_right(string name)
    {
        foreach (var (operation, tower, layer, expected) in new[]
        {
            (Operation.Convolve, TowerId.B, "conv2", "the outputs of conv2 on tower B"),
            (Operation.Convolve, TowerId.A, "fc6", "the outputs of fc6 on tower A"),
            (Operation.ConvolveBackwardInput, TowerId.B, "fc7", "the gradient by the inputs of fc7 on tower B"),
            (Operation.ConvolveBackwardInput, TowerId.A, "conv5", "the gradient by the inputs of conv5 on tower A"),
            (Operation.ConvolveBackwardInput, TowerId.A, "conv3", "the gradient by the inputs of conv3 on tower A"),
            (Operation.ConvolveBackwardWeights, TowerId.B, "conv1", "the gradient by the biases of conv1 on tower B"),
        })
        {
            using var healthy = TestDevices.Open(name);
            Tensor? target = null;
            var device = DisturbedDevice.Poisoned(healthy, operation, (_, weights) => weights == target);
            var (towers, pass, batch) = Begin(device);
            var parameter = Of(towers, tower, $"{layer}.weight");
            target = operation == Operation.ConvolveBackwardWeights ? parameter.Gradient : parameter.Value;
            var before = Weights(device, towers);
            Assert.Equal($"NaN or infinity in {expected}", Stopped(pass, batch).Found.ToString());
            Assert.Equal(before, Weights(device, towers));
            target = null;
            Assert.True(double.IsFinite(pass.Train(new PassId(1, PassKind.Train, 17), batch, TinyRun.Recipe.DescentAt(0.01f)).Score.Loss));
        }
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void A_state_that_is_not_finite_is_not_captured(string name)
    {
        using var device = TestDevices.Open(name);
        var (towers, _, _) = Begin(device);
        var velocity = Of(towers, TowerId.A, "fc7.weight").Velocity!;
        var values = new float[velocity.Shape.Count];
        values[2] = float.NaN;
        device.Write(values, velocity);
        Assert.Equal("NaN or infinity in the weights' velocity of fc7 on tower A", Assert.Throws<NotFiniteException>(() => TowerStates.Capture(towers[0])).Message);
        TowerStates.Capture(towers[1]);
    }

    [Fact]
    public void The_sequential_trainer_stops_when_the_recipe_blows_up()
    {
        using var device = new ReferenceDevice();
        var recipe = TinyRun.Recipe with { Schedule = TinyRun.Recipe.Schedule with { InitialRate = 1e25f } };
        var limits = new RunLimits(TinyRun.Records, recipe.Batch, 9, 1000, recipe.Schedule);
        var trainer = new SequentialTrainer(recipe, _run.Data, device, limits);
        var e = Assert.Throws<NotFiniteException>(() => trainer.Run());
        Assert.Equal(trainer.Progress.Steps, e.Pass!.Value.Number);
        Assert.InRange(e.Pass.Value.Number, 1, 8); // the first step is ordinary
    }
}
