using AlexNetActors.Compute;
using AlexNetActors.Compute.Gpu;
using AlexNetActors.Cuda.Tests.Driver;
using static AlexNetActors.Tests.Compute.SampleValues;

namespace AlexNetActors.Cuda.Tests;

/// <summary>Devices opened and closed, on one thread and another: each gives back all that it took.</summary>
public sealed class CudaLifetimeTests : CudaTest
{
    const int Cycles = 50; // of two devices each: a hundred
    static readonly Shape Small = new(3, 4, 3, 2);

    [Theory]
    [InlineData(BlasChoice.Own)]
    [InlineData(BlasChoice.CuBlas)]
    public void StartingAndStoppingLeavesNothing(BlasChoice blas)
    {
        var layer = Filter.FullyConnected(4, 3, 2, 5);
        var before = ModelledCuda.Holdings;
        for (int cycle = 0; cycle < Cycles; cycle++)
        {
            ModelledCuda.Begin(order: cycle);
            using (IDevice device = DeviceCatalog.Find("cuda:0", new(Blas: blas)).Open(1), other = DeviceCatalog.Find($"cuda:{cycle % 2}", new(Blas: blas)).Open(1))
            {
                Tensor x = Activation(device, Small, 1), y = Activation(other, Small, 2), z = device.AllocateActivation(layer.OutputShape(Small.Images));
                device.Convolve(x, Weights(device, layer, 3), Bias(device, layer, 4), layer, rectify: true, z);
                device.Scale(2, x);
                device.Synchronize();
                other.CopyChannels(x, 0, Small.Channels, y, 0);
                Assert.Equal(Of(Small.Count, 1).Select(v => 2 * v), Read(other, y));
                device.SendAhead(new byte[100]);
            }
            Assert.Empty(ModelledCuda.Faults);
            Assert.Equal(before, ModelledCuda.Holdings);
        }
    }

    [Fact]
    public void ADeviceMayBeClosedByAnotherThread()
    {
        IDevice device = null!, other = null!;
        OnAThread(() => (device, other) = (DeviceCatalog.Find("cuda:0").Open(1), DeviceCatalog.Find("cuda:1").Open(1)));
        var (x, y) = (Activation(device, Small, 1), Activation(other, Small, 2));
        OnAThread(() => { device.Scale(2, x); device.Synchronize(); });
        OnAThread(() => other.CopyChannels(x, 0, Small.Channels, y, 0));
        Assert.Equal(Of(Small.Count, 1).Select(v => 2 * v), Read(other, y));
        OnAThread(device.Dispose);
        other.Scale(2, y); // on a thread that knew the closed one
        Assert.Equal(Of(Small.Count, 1).Select(v => 4 * v), Read(other, y));
        OnAThread(other.Dispose);
    }

    /// <summary>As happens where a group ends in the midst of a step and one of its towers is built anew.</summary>
    [Theory]
    [InlineData("cuda:0", "cuda:1")]
    [InlineData("cuda:0", "cuda:0")]
    public void ADeviceIsClosedWhenTheOthersHaveReadWhatTheyAskedFor(string name, string readers)
    {
        using var reader = DeviceCatalog.Find(readers).Open(1);
        var y = Activation(reader, Small, 2);
        Tensor x;
        using (var device = DeviceCatalog.Find(name).Open(1))
        {
            x = Activation(device, Small, 1);
            device.Synchronize();
            reader.CopyChannels(x, 0, Small.Channels, y, 0);
        }
        Assert.Equal(Of(Small.Count, 1), Read(reader, y));
        Assert.Equal($"CopyChannels: the device of the source {Small} is closed", Assert.Throws<DeviceException>(() => reader.CopyChannels(x, 0, Small.Channels, y, 0)).Message);
    }

    static void OnAThread(Action work)
    {
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                work();
            }
            catch (Exception e)
            {
                failure = e; // asserted below: on a bare thread it would end the process
            }
        });
        thread.Start();
        thread.Join();
        Assert.Null(failure);
    }
}
