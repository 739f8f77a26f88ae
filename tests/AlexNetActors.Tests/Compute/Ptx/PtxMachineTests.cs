namespace AlexNetActors.Tests.Compute.Ptx;

/// <summary>The machine runs what is right and faults where a GPU would only be wrong now and then. Programs written by hand.</summary>
public sealed class PtxMachineTests
{
    /// <summary>values[i] = values[63 - i], through shared memory.</summary>
    const string Reverse = """
        	ld.param.b64	%rd1, [values];
        	cvta.to.global.u64	%rd2, %rd1;
        	mov.b64	%rd3, shared;
        	mov.b32	%r1, %tid.x;
        	mul.wide.u32	%rd4, %r1, 4;
        	add.u64	%rd5, %rd2, %rd4;
        	add.u64	%rd6, %rd3, %rd4;
        	ld.global.f32	%f1, [%rd5];
        	st.shared.f32	[%rd6], %f1;
        	bar.sync	0;
        	sub.s32	%r2, 63, %r1;
        	mul.wide.u32	%rd4, %r2, 4;
        	add.u64	%rd6, %rd3, %rd4;
        	ld.shared.f32	%f1, [%rd6];
        	st.global.f32	[%rd5], %f1;
        	ret;
        """;

    [Fact]
    public void ThreadsMeetAtBarriers() => Assert.Equal(Enumerable.Range(0, 64).Select(i => 63f - i), Run(Reverse));

    [Fact]
    public void AMissingBarrierIsAFault() =>
        AssertFault("Kernel_Test, thread 0 of group (0, 0), line 22, ld.shared.f32 %f1, [%rd6]: reads what nobody wrote, byte 252 of shared memory", Reverse.Replace("bar.sync", "mov.b32 %r3,"));

    [Fact]
    public void TwoThreadsAtOnePlaceAreAFault() => AssertFault("writes what thread 0 of the launch writes without a barrier between, byte 0 of shared memory", Reverse.Replace("%r1, 4", "0, 4"));

    [Fact]
    public void ABarrierThatSomeDoNotReachIsAFault() =>
        AssertFault("bar.sync 0: thread 32 is not there but at the end", Reverse.Replace("bar.sync	0;", "setp.ge.s32 %p1, %r1, 32;\n@%p1 ret;\nbar.sync 0;"));

    [Fact]
    public void AnAccessPastTheEndIsAFault() => AssertFault("ld.global.f32 %f1, [%rd5+4]: reads 4 bytes at byte 256 of values, which has 256", Reverse.Replace("f1, [%rd5]", "f1, [%rd5+4]"));

    [Fact]
    public void AnAccessBeforeTheBeginningIsAFault() => AssertFault("reads 4 bytes at byte -4 of values, which has 256", Reverse.Replace("f1, [%rd5]", "f1, [%rd5+-4]"));

    [Fact]
    public void AVectorThatIsNotAlignedIsAFault() => AssertFault("is no multiple of 16", Reverse.Replace("ld.global.f32	%f1", "ld.global.v4.f32	{%f2, %f3, %f4, %f1}"));

    [Fact]
    public void WhatTheMachineDoesNotKnowItRefuses() => AssertFault("line 9, add.f64 %f1, %f1, %f1: unknown instruction add.f64", "add.f64 %f1, %f1, %f1;\n" + Reverse);

    [Fact]
    public void ArgumentsMustFit()
    {
        var program = PtxParser.Parse(Program(Reverse));
        Assert.Equal("Kernel_Test has 1 parameters, got 2 arguments", Assert.Throws<PtxFault>(() => PtxMachine.Launch(program, 1, 64, 1, 2)).Message);
        Assert.Equal("values has 16 bytes, got an argument of 4", Assert.Throws<PtxFault>(() => PtxMachine.Launch(program, 1, 64, 1)).Message);
        Assert.Equal("Kernel_Test is for 64 threads, got 65", Assert.Throws<PtxFault>(() => PtxMachine.Launch(program, 1, 65, PtxBuffer.Of<float>("values", new float[64]))).Message);
    }

    [Fact]
    public void RegistersOfABlockAreItsOwn()
    {
        var values = Run(Reverse.Replace("ret;", "{ .reg .b32 own; mov.b32 own, %r1; { .reg .b32 own; mov.b32 own, 7; } cvt.rn.f32.u32 %f1, own; }\nst.global.f32 [%rd5], %f1;\nret;"));
        Assert.Equal(Enumerable.Range(0, 64).Select(i => (float)i), values);
    }

    static float[] Run(string body)
    {
        var values = PtxBuffer.Of<float>("values", Enumerable.Range(0, 64).Select(i => (float)i).ToArray());
        PtxMachine.Launch(PtxParser.Parse(Program(body)), 1, 64, values);
        return values.Read<float>();
    }

    static void AssertFault(string message, string body) => Assert.EndsWith(message, Assert.Throws<PtxFault>(() => Run(body)).Message);

    static string Program(string body) => $$"""
        .visible .entry Kernel_Test(
        	.param .align 8 .b8 values[16]
        )
        .maxntid 64, 1, 1
        {
        	.shared .align 4 .b8 shared[256];
        	.reg .pred	%p<2>; .reg .b32	%r<4>; .reg .b64	%rd<7>;
        	.reg .f32	%f<5>;
        {{body}}
        }
        """;
}
