using System.Diagnostics;
using AlexNetActors.Compute;
using AlexNetActors.Compute.Gpu;
using ILGPU.Runtime.CPU;
using static AlexNetActors.Tests.Compute.SampleValues;

namespace AlexNetActors.Tests.Compute;

/// <summary>
/// Accelerators bind to threads, belong to one at a time and are shared by the devices of a name. On ILGPU's CPU accelerator, alone: a
/// group is 128 threads.
/// </summary>
[Collection(IlgpuCpuConformance.Alone)]
public sealed class IlgpuLifetimeTests
{
    const int Rounds = 40;
    static readonly Shape Small = new(3, 4, 3, 2);

    static IlgpuDevice Open(string accelerator) =>
        new(new AcceleratorEntry(accelerator, "ilgpu-cpu", accelerator, accelerator, new CPUDevice(4, Products.Threads / 4, 1)), new GpuChoice(ComputePrecision.Float32, null, ConvolutionMethod.Fast));

    [Theory]
    [InlineData("first", "second")] // two accelerators
    [InlineData("one", "one")]      // two devices on one
    public async Task Two_devices_compute_while_their_work_hops_from_thread_to_thread(string accelerator, string other)
    {
        using IlgpuDevice a = Open(accelerator), b = Open(other);
        var threads = new HashSet<int>();
        await Task.WhenAll(Hop(a, 1), Hop(b, 2));
        Assert.True(threads.Count > 1, "every piece of work ran on the same thread: nothing was tested");

        async Task Hop(IDevice device, int seed)
        {
            var reference = new ReferenceDevice();
            Tensor x = Activation(device, Small, seed), y = Activation(device, Small, seed + 1), rx = Activation(reference, Small, seed), ry = Activation(reference, Small, seed + 1);
            var crops = new Shape(Small.Images, 3, Small.Height, Small.Width);
            Tensor mean = device.AllocatePlain(new(1, 4, 4, 3)), picture = device.AllocateActivation(crops);
            for (int round = 0; round < Rounds; round++)
            {
                await OnSomeThread(() => { foreach (var (d, u, v) in Both()) d.AddChannels(u, 0, 2, v, 2); });
                await OnSomeThread(() => { foreach (var (d, u, v) in Both()) d.RectifyBackward(v, u); });
                await OnSomeThread(() => { foreach (var (d, u, v) in Both()) d.Scale(0.5f, v); });
                await OnSomeThread(() => { foreach (var (d, u, v) in Both()) d.CopyChannels(v, 1, 1, u, 3); });
                byte[] pixels = [.. Enumerable.Range(0, (int)crops.Count).Select(n => (byte)(n * seed + round))];
                await OnSomeThread(() => device.SendAhead(pixels));
                await OnSomeThread(() => device.LoadCrops(pixels, new Placement[crops.Images], new float[3 * crops.Images], mean, picture));
                await OnSomeThread(() => Assert.Equal(Read(reference, ry), Read(device, y)));
                await OnSomeThread(() => Assert.Equal(pixels[^1], Read(device, picture)[^1]));
            }
            (IDevice, Tensor, Tensor)[] Both() => [(device, x, y), (reference, rx, ry)];
        }

        // A thread of its own for each piece, so that it certainly is another one than the last.
        Task OnSomeThread(Action work) => Task.Factory.StartNew(() =>
        {
            lock (threads) threads.Add(Environment.CurrentManagedThreadId);
            work();
        }, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>Behind the last element a thread's index has grown by a whole grid: it must not have become negative.</summary>
    [Fact]
    public void A_tensor_that_no_kernel_can_count_is_refused()
    {
        using var device = DeviceCatalog.Find("ilgpu-cpu").Open(1);
        foreach (var shape in (Shape[])[new(1, 1 << 17, 1 << 14, 1), new(1, 3, 715_827_882, 1)])
            Assert.Equal($"ilgpu-cpu cannot hold a tensor {shape} in one piece, of more than 2,146,959,359 values: use a smaller batch (--set batch=N)", Assert.Throws<DeviceException>(() => device.AllocatePlain(shape)).Message);
        Assert.Equal(0, device.Buffers);
    }

    [Fact]
    public void The_accelerator_stays_open_until_its_last_device_is_closed()
    {
        using var second = Open("shared");
        var y = Activation(second, Small, 1);
        using (var first = Open("shared"))
        {
            var x = Activation(first, Small, 2);
            second.CopyChannels(x, 0, Small.Channels, y, 0); // the other's memory, as in an exchange
        }
        Assert.Equal(SampleValues.Of(Small.Count, 2), Read(second, y));
        second.Scale(2, y);
        Assert.Equal(SampleValues.Of(Small.Count, 2).Select(v => 2 * v), Read(second, y));
    }

    [Fact]
    public void A_closed_device_says_so_and_closing_twice_is_nothing()
    {
        var device = Open("closed");
        var x = Activation(device, Small, 1);
        device.Dispose();
        device.Dispose();
        Assert.Throws<ObjectDisposedException>(() => device.Scale(2, x));
        Assert.Throws<ObjectDisposedException>(() => device.AllocateActivation(Small));
    }

    [Theory]
    [InlineData("ilgpu-cpu", 100)]
    [InlineData("opencl:0", 25)] // PoCL builds each kernel again each time
    [InlineData("cuda:0", 100)]
    public void Starting_and_stopping_leaks_nothing(string name, int cycles)
    {
        const int WarmUp = 10;
        // Each cycle holds 32 MB: two that stayed would show. What stays of each is what ILGPU compiled for the processor, 0.4 MB.
        const long BytesMax = 64 << 20;
        Assert.SkipUnless(DeviceCatalog.All.Any(d => d.Name == name), $"there is no {name} on this machine");
        var entry = DeviceCatalog.Find(name);
        long before = 0;
        for (int cycle = 0; cycle < WarmUp + cycles; cycle++)
        {
            if (cycle == WarmUp) before = ResidentBytes();
            using var device = entry.Open(1);
            _ = device.AllocateActivation(new(64, 128, 32, 32));
            device.Scale(2, Activation(device, Small, 1));
            device.Read(Activation(device, Small, 1), new float[Small.Count]);
            device.Synchronize();
        }
        long grown = ResidentBytes() - before;
        TestContext.Current.TestOutputHelper?.WriteLine($"{name}: {grown / 1e6:F1} MB more after {cycles} cycles");
        Assert.True(grown < BytesMax, $"{grown} bytes more after {cycles} cycles");
    }

    static long ResidentBytes()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        using var process = Process.GetCurrentProcess();
        return process.WorkingSet64;
    }
}
