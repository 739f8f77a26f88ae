using static AlexNetActors.Tests.Compute.Ptx.PtxArithmetic;

namespace AlexNetActors.Tests.Compute.Ptx;

/// <summary>
/// The machine's tensor cores multiply matrices. Programs written by hand, their registers filled by the formulas of the PTX ISA's "Matrix
/// Fragments for mma.m16n8k8" and "mma.m16n8k16": groupID = lane / 4 (%r2), threadID_in_group = lane % 4 (%r3).
/// </summary>
public sealed class PtxTensorCoreTests
{
    const string Fragments = """
        	ld.param.b64	%rd1, [a];
        	ld.param.b64	%rd2, [b];
        	ld.param.b64	%rd3, [d];
        	mov.b32	%r1, %laneid;
        	shr.s32	%r2, %r1, 2;
        	and.b32	%r3, %r1, 3;
        	mad.lo.s32	%r4, %r2, 32, 0;
        	mad.lo.s32	%r4, %r3, 8, %r4;
        	mul.wide.u32	%rd4, %r4, 1;
        	add.u64	%rd3, %rd3, %rd4;
        	ld.global.v2.f32	{%f1, %f2}, [%rd3];
        	ld.global.v2.f32	{%f3, %f4}, [%rd3+256];
        """; // d[16, 8] at row groupID and groupID + 8, columns 2 threadID_in_group and the next

    const string Store = """

        	st.global.v2.f32	[%rd3], {%f1, %f2};
        	st.global.v2.f32	[%rd3+256], {%f3, %f4};
        	ret;
        """;

    /// <summary>a[16, 8], b[8, 8]</summary>
    const string Tf32 = Fragments + """

        	mad.lo.s32	%r5, %r2, 32, 0;
        	mad.lo.s32	%r5, %r3, 4, %r5;
        	mul.wide.u32	%rd4, %r5, 1;
        	add.u64	%rd1, %rd1, %rd4;
        	ld.global.b32	%r10, [%rd1];
        	ld.global.b32	%r11, [%rd1+256];
        	ld.global.b32	%r12, [%rd1+16];
        	ld.global.b32	%r13, [%rd1+272];
        	mad.lo.s32	%r5, %r3, 32, 0;
        	mad.lo.s32	%r5, %r2, 4, %r5;
        	mul.wide.u32	%rd4, %r5, 1;
        	add.u64	%rd2, %rd2, %rd4;
        	ld.global.b32	%r14, [%rd2];
        	ld.global.b32	%r15, [%rd2+128];
        	mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%f1, %f2, %f3, %f4}, {%r10, %r11, %r12, %r13}, {%r14, %r15}, {%f1, %f2, %f3, %f4};
        """ + Store;

    /// <summary>a[16, 16], b[8, 16]: b's columns are side by side.</summary>
    const string BFloat16 = Fragments + """

        	mad.lo.s32	%r5, %r2, 32, 0;
        	mad.lo.s32	%r5, %r3, 4, %r5;
        	mul.wide.u32	%rd4, %r5, 1;
        	add.u64	%rd1, %rd1, %rd4;
        	add.u64	%rd2, %rd2, %rd4;
        	ld.global.b32	%r10, [%rd1];
        	ld.global.b32	%r11, [%rd1+256];
        	ld.global.b32	%r12, [%rd1+16];
        	ld.global.b32	%r13, [%rd1+272];
        	ld.global.b32	%r14, [%rd2];
        	ld.global.b32	%r15, [%rd2+16];
        	mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%f1, %f2, %f3, %f4}, {%r10, %r11, %r12, %r13}, {%r14, %r15}, {%f1, %f2, %f3, %f4};
        """ + Store;

    /// <summary>a[16, 16], b[16, 8], both through shared memory: ldmatrix must fill the registers as the formulas above do.</summary>
    const string LoadedMatrices = Fragments + """

        	mul.wide.u32	%rd4, %r1, 16;
        	add.u64	%rd5, %rd1, %rd4;
        	ld.global.v4.b32	{%r10, %r11, %r12, %r13}, [%rd5];
        	mov.b64	%rd6, left;
        	add.u64	%rd6, %rd6, %rd4;
        	st.shared.v4.b32	[%rd6], {%r10, %r11, %r12, %r13};
        	mul.wide.u32	%rd4, %r1, 8;
        	add.u64	%rd5, %rd2, %rd4;
        	ld.global.v2.b32	{%r10, %r11}, [%rd5];
        	mov.b64	%rd6, right;
        	add.u64	%rd6, %rd6, %rd4;
        	st.shared.v2.b32	[%rd6], {%r10, %r11};
        	bar.sync	0;
        	and.b32	%r5, %r1, 15;
        	mov.b32	%r6, left;
        	mad.lo.s32	%r6, %r5, 32, %r6;
        	shr.s32	%r7, %r1, 4;
        	mad.lo.s32	%r10, %r7, 16, %r6;
        	ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r10, %r11, %r12, %r13}, [%r10];
        	mov.b32	%r6, right;
        	mad.lo.s32	%r6, %r5, 16, %r6;
        	ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%r14, %r15}, [%r6];
        	mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%f1, %f2, %f3, %f4}, {%r10, %r11, %r12, %r13}, {%r14, %r15}, {%f1, %f2, %f3, %f4};
        """ + Store;

    [Fact]
    public void Tf32ProductsAreThoseOfTruncatedMatrices()
    {
        float[] a = SampleValues.Of(16 * 8, 1), b = SampleValues.Of(8 * 8, 2), c = SampleValues.Of(16 * 8, 3);
        Assert.Equal(Product(a, 8, (k, n) => Truncated(b[k * 8 + n]), c, Truncated), Run<float>(Tf32, a, b, c));
    }

    [Fact]
    public void BFloat16ProductsAreThoseOfMatrices()
    {
        float[] a = SampleValues.Of(16 * 16, 1, Whole), b = SampleValues.Of(8 * 16, 2, Whole), c = SampleValues.Of(16 * 8, 3);
        Assert.Equal(Product(a, 16, (k, n) => b[n * 16 + k], c, x => x), Run<ushort>(BFloat16, [.. a.Select(Upper)], [.. b.Select(Upper)], c));
    }

    [Fact]
    public void MatricesLoadedFromSharedMemoryAreFragments()
    {
        float[] a = SampleValues.Of(16 * 16, 1, Whole), b = SampleValues.Of(16 * 8, 2, Whole), c = SampleValues.Of(16 * 8, 3);
        Assert.Equal(Product(a, 16, (k, n) => b[k * 8 + n], c, x => x), Run<ushort>(LoadedMatrices, [.. a.Select(Upper)], [.. b.Select(Upper)], c));
    }

    [Fact]
    public void AWarpMustComeTogether()
    {
        string program = Tf32.Replace("mma.sync", "setp.eq.s32 %p1, %r1, 5;\n@%p1 ret;\nmma.sync");
        Assert.EndsWith("thread 5 is not there but at the end", Assert.Throws<PtxFault>(() => Run<float>(program, new float[128], new float[64], new float[128])).Message);
    }

    [Theory]
    [InlineData(0x3f800000, 0x3f800000)]
    [InlineData(0x3f800fff, 0x3f800000)]
    [InlineData(0x3f801000, 0x3f802000)] // halfway: away from zero
    [InlineData(0xbf801000, 0xbf802000)]
    [InlineData(0x3fffffff, 0x40000000)] // into the exponent
    [InlineData(0x7f800000, 0x7f800000)]
    [InlineData(0xff800000, 0xff800000)]
    [InlineData(0x7fc00001, 0x7fffffff)]
    public void Tf32IsRoundedToTheNearest(uint value, uint expected)
    {
        var d = PtxBuffer.Of<uint>("d", [value]);
        const string Convert = "ld.param.b64 %rd3, [d];\nld.global.f32 %f1, [%rd3];\ncvt.rna.tf32.f32 %r1, %f1;\nst.global.b32 [%rd3], %r1;\nret;";
        PtxMachine.Launch(PtxParser.Parse(Program(Convert)), 1, 1, d, d, d);
        Assert.Equal(expected, d.Read<uint>()[0]);
    }

    /// <summary>a b + c, exact and rounded once.</summary>
    static float[] Product(float[] a, int depth, Func<int, int, float> b, float[] c, Func<float, float> operand) =>
        [.. Enumerable.Range(0, 16 * 8).Select(i => (float)(c[i] + Enumerable.Range(0, depth).Sum(k => (double)operand(a[i / 8 * depth + k]) * b(k, i % 8))))];

    static float[] Run<T>(string body, T[] a, T[] b, float[] c) where T : unmanaged
    {
        var d = PtxBuffer.Of<float>("d", c);
        PtxMachine.Launch(PtxParser.Parse(Program(body)), 1, 32, PtxBuffer.Of<T>("a", a), PtxBuffer.Of<T>("b", b), d);
        return d.Read<float>();
    }

    static string Program(string body) => $$"""
        .visible .entry Kernel_Test(
        	.param .align 8 .b8 a[16],
        	.param .align 8 .b8 b[16],
        	.param .align 8 .b8 d[16]
        )
        {
        	.shared .align 16 .b8 left[512];
        	.shared .align 16 .b8 right[256];
        	.reg .pred	%p<2>; .reg .b32	%r<16>; .reg .b64	%rd<7>; .reg .f32	%f<5>;
        {{body}}
        }
        """;

    static float Truncated(float value) => FloatOf(Of(value) & ~0x1ffful);

    /// <summary>bfloat16 of a value that is one.</summary>
    static ushort Upper(float value) => (ushort)(Of(value) >> 16);

    static float Whole(double x) => (float)Math.Round(8 * x);
}
