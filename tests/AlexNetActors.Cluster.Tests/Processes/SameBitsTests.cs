using System.Text.RegularExpressions;
using AlexNetActors.App;
using AlexNetActors.Tests.App;

namespace AlexNetActors.Cluster.Tests;

/// <summary>A run's weights do not depend on how many processes it is spread over, nor on what they speak.</summary>
public sealed class SameBitsTests : IDisposable
{
    const int Steps = 20;

    readonly Workshop _workshop = new();

    public void Dispose() => _workshop.Dispose();

    [Fact]
    public void Two_processes_train_to_the_bits_of_the_sequential_trainer()
    {
        using var cluster = new ProcessCluster(_workshop);
        var coordinator = cluster.StartCoordinator(Steps, "coordinator,gpu,loader");
        var gpu = cluster.StartGpu("gpu");
        Assert.Equal(_workshop.Expected(Steps), coordinator.WaitForEnd().Expect(0).Digest);
        gpu.WaitForEnd().Expect(0);
    }

    [Fact]
    public void Five_processes_train_to_the_bits_of_the_sequential_trainer()
    {
        using var cluster = new ProcessCluster(_workshop);
        var coordinator = cluster.StartCoordinator(Steps, "coordinator", "--set", "alexnet.loaders=2"); // waits for both
        NodeProcess[] others = [cluster.StartGpu("gpu-1"), cluster.StartGpu("gpu-2"), cluster.StartLoader("loader-1"), cluster.StartLoader("loader-2")];
        Assert.Equal(_workshop.Expected(Steps), coordinator.WaitForEnd().Expect(0).Digest);
        foreach (var node in others) node.WaitForEnd().Expect(0);
    }

    [Fact]
    public void One_device_of_another_process_may_hold_both_towers()
    {
        using var cluster = new ProcessCluster(_workshop);
        var coordinator = cluster.StartCoordinator(Steps, "coordinator,loader");
        cluster.StartGpu("gpu", "--towers", "AB");
        Assert.Equal(_workshop.Expected(Steps), coordinator.WaitForEnd().Expect(0).Digest);
    }

    [Fact]
    public void Towers_are_held_where_they_are_pinned()
    {
        using var cluster = new ProcessCluster(_workshop);
        var coordinator = cluster.StartCoordinator(Steps, "coordinator,loader");
        NodeProcess[] ofA = [cluster.StartGpu("a", "--towers", "A"), cluster.StartGpu("another", "--towers", "A")];
        foreach (var one in ofA) one.WaitFor("is admitted");
        Assert.DoesNotContain(coordinator.Lines, l => l.StartsWith("group "));
        var b = cluster.StartGpu("b", "--towers", "B");
        Assert.Equal(_workshop.Expected(Steps), coordinator.WaitForEnd().Expect(0).Digest);
        string name = b.WaitFor("is admitted").Split(' ')[0];
        Assert.Contains($"tower B on cpu of {name};", coordinator.Lines.Last(l => l.StartsWith("group ")));
        foreach (var node in ofA.Append(b)) node.WaitForEnd().Expect(0);
    }

    [Fact]
    public void Exchanges_in_bfloat16_have_bits_of_their_own_the_same_in_one_process_and_in_three()
    {
        const string bf16 = "exchange.element=bf16";
        string one = _workshop.TrainTo("one", Steps, "--set", bf16).Digest;
        Assert.Equal(one, _workshop.TrainTo("one-device", Steps, "--set", bf16, "--device", "cpu").Digest);
        Assert.NotEqual(_workshop.Expected(Steps), one);
        using var cluster = new ProcessCluster(_workshop);
        var coordinator = cluster.StartCoordinator(Steps, "coordinator,loader", "--set", bf16);
        cluster.StartGpu("gpu-1");
        cluster.StartGpu("gpu-2");
        Assert.Equal(one, coordinator.WaitForEnd().Expect(0).Digest);
    }

    /// <summary>A pause keeps the group: a tower that is lost meanwhile comes back into it.</summary>
    [Fact]
    public async Task A_run_that_is_paused_saved_and_loses_a_tower_meanwhile_ends_with_the_same_bits()
    {
        const int steps = 300;
        string[] settings = ["--set", "schedule.patience=1000000", "--set", "checkpoint-steps=1000000"];
        using var cluster = new ProcessCluster(_workshop);
        var coordinator = cluster.StartCoordinator(steps, "coordinator,loader", ["--dashboard", "0", .. settings]);
        cluster.StartGpu("gpu-1");
        int port = FreePorts.Take();
        NodeProcess StartSecond() => cluster.Add("gpu-2", port, "--roles", "gpu");
        var second = StartSecond();
        var said = Regex.Match(coordinator.WaitFor("dashboard on "), "dashboard on (?<address>[^,]+), token for its buttons (?<token>.+)$");
        using var http = new HttpClient { BaseAddress = new Uri(said.Groups["address"].Value), DefaultRequestHeaders = { Authorization = new("Bearer", said.Groups["token"].Value) } };
        async Task Order(string order) => (await http.PostAsync($"/api/{order}", null)).EnsureSuccessStatusCode();

        coordinator.WaitFor("training from step 0");
        await Order("pause");
        string step = Regex.Match(coordinator.WaitFor("paused after step "), "after step ([0-9]+)").Groups[1].Value;
        await Order("checkpoint");
        coordinator.WaitFor($"checkpoint after step {step}: ");
        second.Kill();
        coordinator.WaitFor("while the run was paused");
        StartSecond();
        coordinator.WaitFor("group 2: ");
        await Order("continue");
        Assert.Equal(_workshop.TrainTo("undisturbed", steps, settings).Digest, coordinator.WaitForEnd().Expect(0).Digest);
    }

    [Fact]
    public void A_cluster_goes_on_from_what_is_in_the_run_folder()
    {
        _workshop.TrainTo("run", 7);
        using var cluster = new ProcessCluster(_workshop);
        var coordinator = cluster.StartCoordinator(Steps, "coordinator,loader");
        cluster.StartGpu("gpu-1");
        cluster.StartGpu("gpu-2");
        Assert.Equal(_workshop.Expected(Steps), coordinator.WaitForEnd().Expect(0).Digest);
        Assert.Contains("training from step 7", coordinator.ToString());
    }
}
