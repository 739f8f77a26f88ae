using AlexNetActors.Cuda.Tests.Driver;

[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)] // there is one driver in a process

namespace AlexNetActors.Cuda.Tests;

/// <summary>A test on the modelled driver: nobody has used it wrongly, and nothing is left over.</summary>
public abstract class CudaTest : IDisposable
{
    static readonly TimeSpan LastThreads = TimeSpan.FromSeconds(30);

    readonly CudaHoldings _before;

    protected CudaTest()
    {
        if (ModelledCuda.Missing is { } why) Assert.Skip(why);
        ModelledCuda.Begin();
        _before = ModelledCuda.Holdings;
    }

    public void Dispose()
    {
        GC.SuppressFinalize(this);
        Assert.Empty(ModelledCuda.Faults);
        SpinWait.SpinUntil(() => ModelledCuda.Holdings == _before, LastThreads); // compute threads give back what they have when their actors are gone
        Assert.Equal(_before, ModelledCuda.Holdings);
    }
}
