using AlexNetActors.Actors;
using AlexNetActors.Compute;
using AlexNetActors.Compute.Gpu;
using AlexNetActors.Cuda.Tests.Driver;
using AlexNetActors.Model;
using AlexNetActors.Tests;

namespace AlexNetActors.Cuda.Tests;

/// <summary>A driver that refuses, or loses its GPU, at every point of a run: one error that says what was wanted, of whom, and nothing hangs or is left over.</summary>
public sealed class CudaFaultTests : CudaTest
{
    const int LossPoints = 6;

    readonly TinyRun _run = new(CudaTrainingTests.Recipe);

    [Theory]
    [InlineData(BlasChoice.Own)]
    [InlineData(BlasChoice.CuBlas)]
    public void WithoutMemoryTheBytesAreSaid(BlasChoice blas)
    {
        using var run = _run;
        int call = 1;
        for (; ; call += 13)
        {
            ModelledCuda.Begin(blas == BlasChoice.Own ? ModelledCuda.Latest : ModelledCuda.Soonest);
            ModelledCuda.Refuse("MemAlloc", call, CudaResult.OutOfMemory);
            if (Train(blas) is not { } error) break;
            Assert.Matches(@"cuda:0 cannot allocate [\d,]+ bytes .*: out of memory$", error.Message);
            Assert.Empty(ModelledCuda.Faults);
        }
        Assert.InRange(call, 4 * 13, 300);
    }

    [Theory]
    [InlineData("StreamCreate")]
    [InlineData("MemAlloc")]
    [InlineData("Create")] // cuBLAS
    public void ADeviceThatCannotBeOpenedLeavesNothing(string function)
    {
        using (DeviceCatalog.Find("cuda:0").Open(1)) { } // whatever stays of the first
        for (int call = 1; ; call++)
        {
            ModelledCuda.Begin();
            var before = ModelledCuda.Holdings;
            ModelledCuda.Refuse(function, call, CudaResult.OutOfMemory);
            IDevice? device = null;
            var refused = Record.Exception(() => device = DeviceCatalog.Find("cuda:0").Open(1));
            device?.Dispose();
            if (refused is null) break;
            Assert.StartsWith(function == "Create" ? "cuBLAS 13.0.0: " : "cuda:0 cannot ", Assert.IsType<DeviceException>(refused).Message);
            Assert.Equal(before, ModelledCuda.Holdings);
        }
    }

    [Fact]
    public void TheTensorsOfALayerAreSaidWithItsName()
    {
        using var run = _run;
        var network = CudaTrainingTests.Recipe.Network;
        var messages = new List<string>();
        for (int call = 1; ; call++)
        {
            ModelledCuda.Begin();
            using var device = DeviceCatalog.Find("cuda:0", new(Blas: BlasChoice.Own)).Open(1);
            ModelledCuda.Refuse("MemAlloc", call, CudaResult.OutOfMemory);
            try
            {
                _ = new Tower(network, TowerId.A, device, CudaTrainingTests.Recipe.Batch, seed: 1, run.Data.Mean.Span, training: true);
                break;
            }
            catch (DeviceException e)
            {
                messages.Add(e.Message);
            }
        }
        const int Unnamed = 2; // the mean image and the logits are no layer's
        Assert.Equal(network.Layers.Select(l => l.Name).Order(StringComparer.Ordinal), messages.Where(m => !m.StartsWith("cuda:0 ", StringComparison.Ordinal)).Select(m => m.Split(": cuda:0 cannot allocate ")[0]).Distinct().Order(StringComparer.Ordinal));
        Assert.Equal(Unnamed, messages.Count(m => m.StartsWith("cuda:0 cannot allocate ", StringComparison.Ordinal)));
    }

    /// <summary>What it had got goes back before the towers are built again.</summary>
    [Fact]
    public void AHalfBuiltTowerLeavesNothingForTheNextTry()
    {
        using var run = _run;
        int undisturbed = HeldInTraining("undisturbed");
        ModelledCuda.Refuse("MemAlloc", call: 40, CudaResult.OutOfMemory);
        Assert.Equal(undisturbed, HeldInTraining("disturbed", breaks: 1));
    }

    /// <summary>Allocations of a group's GPU after its first step.</summary>
    int HeldInTraining(string name, int breaks = 0)
    {
        int held = 0;
        var entry = DeviceCatalog.Find("cuda:0", new(Blas: BlasChoice.Own));
        var events = _run.RunGroup(_run.Settings(2, run: name), _run.Means([new DeviceFactory(entry.Name, entry.Kind, entry.Memory, () => entry.Open(1))]), serialized: false, until: e =>
        {
            if (e is StepCompleted) held = ModelledCuda.Holdings.Allocations;
            return false;
        });
        Assert.IsType<RunFinished>(events[^1]);
        Assert.Equal(breaks, events.OfType<GroupBroken>().Count(e => e.Why.Contains("out of memory", StringComparison.Ordinal)));
        return held;
    }

    [Theory]
    [InlineData(ModelledCuda.Latest, CudaResult.IllegalAddress)]
    [InlineData(ModelledCuda.Soonest, CudaResult.EccUncorrectable)]
    [InlineData(2, CudaResult.IllegalAddress)]
    public void ALostGpuIsSaidToBeLost(int order, CudaResult result)
    {
        using var run = _run;
        int work = 1;
        for (; ; work += 61)
        {
            ModelledCuda.Begin(order);
            ModelledCuda.Lose(work, result);
            var error = Train(BlasChoice.CuBlas);
            ModelledCuda.Begin();
            if (error is null) break;
            Assert.Contains("has failed and is lost to this process", error.Message);
        }
        Assert.InRange(work, 4 * 61, 2000);
    }

    /// <summary>While it is built, trained, validated and saved: the group says of whom and where, tries again, and ends with the reason and what to do.</summary>
    [Fact]
    public void AGroupThatLosesItsGpusSaysWhichAndWhereAndEnds()
    {
        using var run = _run;
        var entries = new[] { "cuda:0", "cuda:1" }.Select(n => DeviceCatalog.Find(n, new(Blas: BlasChoice.Own))).ToList();
        var means = () => _run.Means([.. entries.Select(e => new DeviceFactory(e.Name, e.Kind, e.Memory, () => e.Open(1)))]);
        var settings = _run.Settings(1);
        Assert.IsType<RunFinished>(_run.RunGroup(settings, means(), serialized: false)[^1]);
        int works = ModelledCuda.Works;
        const string Lost = "(cuda:[01]|the GPU) has failed and is lost to this process: an illegal memory access was encountered; go on from the last checkpoint with --resume$";
        var where = new HashSet<string>();
        for (int n = 1; n < LossPoints; n++) // not before both are open
        {
            ModelledCuda.Begin();
            ModelledCuda.Lose(n * works / LossPoints, CudaResult.IllegalAddress);
            var events = _run.RunGroup(settings with { Checkpoints = Path.Combine(_run.Folder, $"lost {n}") }, means(), serialized: false);
            ModelledCuda.Begin();
            Assert.Matches($"^tower [AB] on cuda:[01], .+: {Lost}", Assert.IsType<RunFailed>(events[^1]).Reason);
            var broken = events.OfType<GroupBroken>().Select(e => e.Why).ToList();
            Assert.InRange(broken.Count, 1, 2); // where it goes back to a checkpoint, it may go wrong there, too
            Assert.All(broken, why => Assert.Matches($"^tower [AB] on cuda:[01], .+: {Lost}", why));
            where.Add(new string([.. broken[0].Split(", ")[1].Split(": ")[0].Where(c => !char.IsDigit(c))]).Trim());
        }
        Assert.Superset(new HashSet<string> { "step" }, where);
    }

    [Fact]
    public void WhoeverCannotEnterAGpuLeavesTheGateOpen()
    {
        using IDevice device = DeviceCatalog.Find("cuda:0", new(Blas: BlasChoice.Own)).Open(1), other = DeviceCatalog.Find("cuda:0", new(Blas: BlasChoice.Own)).Open(1);
        ModelledCuda.Refuse("CtxSetCurrent", 1, CudaResult.InvalidContext);
        Exception? refused = null;
        var thread = new Thread(() => refused = Record.Exception(() => device.AllocatePlain(new(1, 1, 1, 1))));
        thread.Start();
        thread.Join();
        Assert.NotNull(refused);
        var next = new Thread(() => other.AllocatePlain(new(1, 1, 1, 1))) { IsBackground = true };
        next.Start();
        Assert.True(next.Join(TimeSpan.FromSeconds(30)), "the other tower waits for ever");
    }

    Exception? Train(BlasChoice blas)
    {
        try
        {
            using var device = DeviceCatalog.Find("cuda:0", new(Blas: blas)).Open(1);
            var trainer = _run.Sequential(1, device);
            trainer.Step();
            return null;
        }
        catch (Exception e) when (DeviceException.From(e) is DeviceException said)
        {
            return said;
        }
    }
}
