namespace AlexNetActors.Tests.Compute.Ptx;

/// <summary>
/// What a warp does together, with the layouts of the PTX ISA's chapter "Warp Level Matrix Instructions": g = lane / 4, q = lane % 4.
/// </summary>
static class PtxTensorCores
{
    public static Dictionary<string, PtxTogether> Instructions { get; } = All();

    static Dictionary<string, PtxTogether> All()
    {
        var all = new Dictionary<string, PtxTogether>
        {
            ["mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32"] = o => Multiply(o, 8, 1, (register, _) => PtxArithmetic.FloatOf(register & ~0x1ffful)), // a mantissa of 10 bits: the rest is not looked at
            ["mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32"] = o => Multiply(o, 16, 2, (register, half) => PtxArithmetic.FloatOf(register >> 16 * half << 16)),
        };
        foreach (int matrices in new[] { 1, 2, 4 })
        {
            all[$"ldmatrix.sync.aligned.m8n8.x{matrices}.shared.b16"] = o => LoadMatrices(o, matrices, isTurned: false);
            all[$"ldmatrix.sync.aligned.m8n8.x{matrices}.trans.shared.b16"] = o => LoadMatrices(o, matrices, isTurned: true);
        }
        return all;
    }

    /// <summary>
    /// d[16, 8] = a[16, depth] b[depth, 8] + c[16, 8]. Hardware adds in an order and with roundings of its own; here the sum is exact and
    /// rounded once.
    /// </summary>
    /// <param name="operands">d, a, b, c</param>
    /// <param name="depth">Of the sum.</param>
    /// <param name="packed">Values of a and b in a register, side by side along the depth.</param>
    /// <param name="valueOf">Number so of a register.</param>
    static Action<IReadOnlyList<PtxThread>> Multiply(IReadOnlyList<PtxOperand> operands, int depth, int packed, Func<ulong, int, float> valueOf) => warp =>
    {
        var (d, a, b, c) = (operands[0].Elements, operands[1].Elements, operands[2].Elements, operands[3].Elements);
        var (left, right, sums) = (new double[16, depth], new double[depth, 8], new double[16, 8]);
        for (int lane = 0; lane < warp.Count; lane++)
        {
            int g = lane / 4, q = lane % 4;
            for (int n = 0; n < packed; n++)
            {
                for (int i = 0; i < a.Count; i++) left[g + i % 2 * 8, i / 2 * 4 * packed + q * packed + n] = valueOf(a[i].Read(warp[lane]), n);
                for (int i = 0; i < b.Count; i++) right[i * 4 * packed + q * packed + n, g] = valueOf(b[i].Read(warp[lane]), n);
            }
            for (int i = 0; i < c.Count; i++) sums[g + i / 2 * 8, q * 2 + i % 2] = PtxArithmetic.FloatOf(c[i].Read(warp[lane]));
        }
        for (int row = 0; row < 16; row++)
            for (int column = 0; column < 8; column++)
                for (int k = 0; k < depth; k++) sums[row, column] += left[row, k] * right[k, column];
        for (int lane = 0; lane < warp.Count; lane++)
            for (int i = 0; i < d.Count; i++) d[i].Write(warp[lane], PtxArithmetic.Of((float)sums[lane / 4 + i / 2 * 8, lane % 4 * 2 + i % 2]));
    };

    /// <summary>
    /// Matrices of 8 x 8 16-bit values: lane 8m + r names the address of row r of matrix m; lane 4g + q gets [g, 2q] and [g, 2q + 1] of each,
    /// or where they are turned [2q, g] and [2q + 1, g].
    /// </summary>
    static Action<IReadOnlyList<PtxThread>> LoadMatrices(IReadOnlyList<PtxOperand> operands, int matrices, bool isTurned) => warp =>
    {
        ulong[] rows = [.. warp.Select(operands[1].Read)]; // before any of these registers is written
        for (int m = 0; m < matrices; m++)
        {
            var values = new ulong[8, 8];
            for (int r = 0; r < 8; r++)
            {
                ulong address = rows[m * 8 + r];
                if (address % 16 != 0) throw new PtxFault($"row {r} of matrix {m} is at {address:x}, no multiple of 16");
                for (int c = 0; c < 8; c++) values[r, c] = warp[0].Group.Shared.Read(address + (ulong)(2 * c), 2, warp[m * 8 + r]);
            }
            for (int lane = 0; lane < warp.Count; lane++)
            {
                int g = lane / 4, q = lane % 4;
                var (low, high) = isTurned ? (values[2 * q, g], values[2 * q + 1, g]) : (values[g, 2 * q], values[g, 2 * q + 1]);
                operands[0].Elements[m].Write(warp[lane], low | high << 16);
            }
        }
    };
}
