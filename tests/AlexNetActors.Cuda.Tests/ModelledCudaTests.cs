using System.Runtime.InteropServices;
using AlexNetActors.Compute.Gpu;
using AlexNetActors.Cuda.Tests.Driver;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace AlexNetActors.Cuda.Tests;

/// <summary>The model sees what it is there to see: each of these is an error that a GPU might let pass.</summary>
public sealed class ModelledCudaTests : CudaTest
{
    const int Count = 100;

    static Accelerator Open(int gpu = 0) => Accelerators.All.First(a => a.Name == $"cuda:{gpu}").Device.CreateAccelerator(Accelerators.Context);

    static void Scale(Accelerator accelerator, AcceleratorStream stream, float factor, ArrayView<float> values) =>
        new KernelSet(accelerator).Get<int, float, ArrayView<float>>(Elementwise.Scale)(stream, WorkQueue.Over(Count), Count, factor, values);

    static float[] Ones => [.. Enumerable.Repeat(1f, Count)];

    [Theory]
    [InlineData(ModelledCuda.Latest)]
    [InlineData(ModelledCuda.Soonest)]
    [InlineData(7)]
    public void AKernelComputesWhatAGpuWould(int order)
    {
        ModelledCuda.Begin(order);
        using var accelerator = Open();
        using var stream = accelerator.CreateStream();
        using var buffer = accelerator.Allocate1D<float>(Count);
        buffer.View.CopyFromCPU(stream, Ones);
        Scale(accelerator, stream, 3, buffer.View.BaseView);
        Assert.Equal(Ones.Select(x => 3 * x), buffer.View.GetAsArray1D(stream));
    }

    [Theory]
    [InlineData(ModelledCuda.Latest, 2)]
    [InlineData(ModelledCuda.Soonest, 1)]
    public void PageLockedMemoryIsReadWhenItsCopyIsDone(int order, float expected)
    {
        ModelledCuda.Begin(order);
        using var accelerator = Open();
        using var stream = accelerator.CreateStream();
        using var buffer = accelerator.Allocate1D<float>(Count);
        using var pinned = accelerator.AllocatePageLocked1D<float>(Count);
        pinned.Span.Fill(1);
        buffer.View.BaseView.CopyFromCPUUnsafeAsync(stream, ref MemoryMarshal.GetReference(pinned.Span), Count);
        pinned.Span.Fill(2);
        Assert.Equal(expected, buffer.View.GetAsArray1D(stream)[0]);
    }

    [Theory]
    [InlineData(ModelledCuda.Latest)]
    [InlineData(ModelledCuda.Soonest)]
    public void StreamsThatMeetWithoutAWaitAreNamed(int order)
    {
        ModelledCuda.Begin(order);
        using var accelerator = Open();
        using AcceleratorStream one = accelerator.CreateStream(), other = accelerator.CreateStream();
        using var buffer = accelerator.Allocate1D<float>(Count);
        buffer.View.CopyFromCPU(one, Ones);
        Scale(accelerator, one, 2, buffer.View.BaseView);
        Scale(accelerator, other, 2, buffer.View.BaseView);
        other.Synchronize();
        one.Synchronize();
        Saw("on another stream");
    }

    [Fact]
    public void MemoryThatIsFreedInUseIsNamed()
    {
        ModelledCuda.Begin(ModelledCuda.Soonest);
        using var accelerator = Open();
        using var stream = accelerator.CreateStream();
        using (var buffer = accelerator.Allocate1D<float>(Count)) buffer.MemSetToZero(stream);
        Saw("nobody has waited for a memset");
    }

    [Fact]
    public void WorkThatComesToFreedMemoryLosesTheGpu()
    {
        var accelerator = Open(); // nothing of it can be closed any more
        var stream = accelerator.CreateStream();
        using (var buffer = accelerator.Allocate1D<float>(Count)) buffer.MemSetToZero(stream);
        Assert.Throws<CudaException>(stream.Synchronize);
        Saw("has been freed");
    }

    [Fact]
    public void AKernelOnAnotherGpusMemoryNeedsAccessToIt()
    {
        Accelerator accelerator = Open(0), other = Open(1);
        AcceleratorStream stream = accelerator.CreateStream(), there = other.CreateStream();
        var buffer = other.Allocate1D<float>(Count);
        buffer.View.CopyFromCPU(there, Ones);
        accelerator.Bind();
        accelerator.EnablePeerAccess(other);
        Scale(accelerator, stream, 2, buffer.View.BaseView);
        stream.Synchronize();
        accelerator.DisablePeerAccess(other);
        Scale(accelerator, stream, 2, buffer.View.BaseView);
        Assert.Throws<CudaException>(stream.Synchronize);
        Saw("no access");
    }

    [Fact]
    public void WhatTheModelLacksIsMissingByName()
    {
        using var accelerator = (CudaAccelerator)Open();
        Assert.Contains("cuMemGetInfo", Assert.Throws<EntryPointNotFoundException>(() => accelerator.GetFreeMemory()).Message);
    }

    static void Saw(string fault)
    {
        Assert.Contains(fault, Assert.Single(ModelledCuda.Faults));
        ModelledCuda.Begin();
    }
}
