using System.Globalization;
using AlexNetActors.Model;

namespace AlexNetActors.Tests.Actors.Simulation;

/// <summary>Thousands of schedules of faults, each from a seed: every one ends with the weights of the undisturbed run.</summary>
public sealed class ScheduleTests(ITestOutputHelper output)
{
    const int Schedules = 10_000, SchedulesForABug = 1_000;
    const string SeedVariable = "ALEXNET_SCHEDULE", FirstVariable = "ALEXNET_SCHEDULES_FROM"; // one to replay; another ten thousand

    /// <returns>What is wrong with the schedule's end; null when nothing is.</returns>
    static string? WrongWith(SimulatedCluster cluster)
    {
        try
        {
            cluster.Run();
        }
        catch (InvalidOperationException e)
        {
            return e.Message;
        }
        if (cluster.DeadlinesPassed > 0) return "something hung until a deadline passed";
        if (cluster.Ended!.Failed) return $"the run failed: {cluster.Ended.Why}";
        var (progress, weights) = ToyTower.Run(cluster.Limits, SimulatedCluster.ValidationBatches);
        var (saved, a, b) = cluster.Checkpoints[^1];
        if (saved.Steps != progress.Steps) return $"it ended after step {saved.Steps}, the undisturbed run after step {progress.Steps}";
        if (saved.Schedule != progress.Schedule) return $"its schedule stands at {saved.Schedule}, the undisturbed run's at {progress.Schedule}";
        if (cluster.Told != saved.Steps) return $"the last checkpoint that it told of is that after step {cluster.Told}, its last is that after step {saved.Steps}";
        return (a, b) == weights ? null : $"its weights are {a:x16} {b:x16}, those of the undisturbed run {weights.A:x16} {weights.B:x16}";
    }

    [Fact]
    public void Every_schedule_of_faults_ends_with_the_weights_of_the_undisturbed_run()
    {
        if (Environment.GetEnvironmentVariable(SeedVariable) is { } one)
        {
            Replay(ulong.Parse(one, CultureInfo.InvariantCulture));
            return;
        }
        ulong first = ulong.Parse(Environment.GetEnvironmentVariable(FirstVariable) ?? "1", CultureInfo.InvariantCulture);
        long faults = 0, orders = 0, recoveries = 0, events = 0;
        for (ulong seed = first; seed < first + Schedules; seed++)
        {
            var cluster = new SimulatedCluster(seed);
            string? wrong = WrongWith(cluster);
            Assert.True(wrong is null, $"schedule {seed}: {wrong}\nreplay it: {SeedVariable}={seed} AlexNetActors.Tests -method '*{nameof(Every_schedule_of_faults_ends_with_the_weights_of_the_undisturbed_run)}'");
            (faults, orders, recoveries, events) = (faults + cluster.Faults, orders + cluster.Orders, recoveries + cluster.Recoveries, events + cluster.Time.EventsDone);
        }
        output.WriteLine($"{Schedules} schedules from {first}: {faults} faults, {orders} orders to pause or save, {recoveries} recoveries, {events} events");
        Assert.True(recoveries > Schedules, "too few schedules recover from anything");
    }

    void Replay(ulong seed)
    {
        var cluster = new SimulatedCluster(seed, log: true);
        string? wrong = WrongWith(cluster);
        foreach (string line in cluster.Log) output.WriteLine(line);
        Assert.True(wrong is null, $"schedule {seed}: {wrong}\n{string.Join('\n', cluster.Log)}");
    }

    [Theory]
    [InlineData(nameof(PlantedBug.CommitSkipped))]
    [InlineData(nameof(PlantedBug.GenerationUnchecked))]
    [InlineData(nameof(PlantedBug.SumOrderSwapped))]
    [InlineData(nameof(PlantedBug.MajorityIgnored))]
    public void A_planted_bug_is_found(string bug)
    {
        for (ulong seed = 1; seed <= SchedulesForABug; seed++)
        {
            if (WrongWith(new SimulatedCluster(seed, Enum.Parse<PlantedBug>(bug))) is not { } wrong) continue;
            output.WriteLine($"{bug} is found by schedule {seed}: {wrong}");
            return;
        }
        Assert.Fail($"{bug} is not found by {SchedulesForABug} schedules");
    }
}
