namespace AlexNetActors.Compute.Gpu;

/// <summary>Four neighbours in memory: one 128-bit access.</summary>
struct Float4(float x, float y, float z, float w)
{
    public float X = x, Y = y, Z = z, W = w;
}

/// <summary>Eight sums in registers: two times four neighbours of a row.</summary>
struct Octet
{
    public Float4 Low, High;

    /// <summary>sums + a * b</summary>
    public static Octet Add(Octet sums, float a, Float4 low, Float4 high) => new() { Low = Add(sums.Low, a, low), High = Add(sums.High, a, high) };

    static Float4 Add(Float4 sums, float a, Float4 b) => new(sums.X + a * b.X, sums.Y + a * b.Y, sums.Z + a * b.Z, sums.W + a * b.W);
}

/// <summary>
/// The 8 x 8 sums of a thread. There are no arrays in registers, so every row has a name; the compiler dissolves the structure.
/// Rows 0 to 3 are neighbours, and rows 4 to 7; so are the columns: what the threads of a warp read from shared memory lies side by side.
/// </summary>
struct SumTile
{
    public Octet R0, R1, R2, R3, R4, R5, R6, R7;

    /// <summary>sums + a b': a column of eight times a row of eight.</summary>
    public static SumTile Add(SumTile sums, Float4 aLow, Float4 aHigh, Float4 bLow, Float4 bHigh) => new()
    {
        R0 = Octet.Add(sums.R0, aLow.X, bLow, bHigh),
        R1 = Octet.Add(sums.R1, aLow.Y, bLow, bHigh),
        R2 = Octet.Add(sums.R2, aLow.Z, bLow, bHigh),
        R3 = Octet.Add(sums.R3, aLow.W, bLow, bHigh),
        R4 = Octet.Add(sums.R4, aHigh.X, bLow, bHigh),
        R5 = Octet.Add(sums.R5, aHigh.Y, bLow, bHigh),
        R6 = Octet.Add(sums.R6, aHigh.Z, bLow, bHigh),
        R7 = Octet.Add(sums.R7, aHigh.W, bLow, bHigh),
    };
}
