namespace AlexNetActors.Compute.Cpu;

/// <summary>Cuts matrix products into the tiles of <see cref="Tiles"/>. Never changes an element's sum, only who computes it.</summary>
internal static unsafe class Tiling
{
    /// <summary>Vectors in a row of a tile for panels of 32 or 48 columns.</summary>
    public static int Vectors<TVector>(int columns) where TVector : struct, ISimdVector<TVector> =>
        columns == 48 && TVector.Count == 16 ? 3 : 2;

    /// <summary>Rows of the next tile when so many rows are left: no remainder tiles where tall and low ones together can avoid them.</summary>
    public static int NextRows<TVector>(int left, int vectors) where TVector : struct, ISimdVector<TVector>
    {
        var (tall, low) = vectors == 3 ? (9, 8) : TVector.Registers == 32 ? (12, 8) : (6, 4);
        int most = left / tall;
        for (int n = most; n >= 0 && n > most - low; n--)
            if ((left - n * tall) % low == 0) return n > 0 ? tall : low;
        return left >= tall ? tall : left >= low ? low : left >= 4 ? 4 : left >= 2 ? 2 : 1;
    }

    /// <summary>Computes <paramref name="rows"/> x <paramref name="columns"/> (32 or 48) elements of <paramref name="p"/>.</summary>
    public static void Run<TVector, TOrder>(int rows, int columns, Product p)
        where TVector : struct, ISimdVector<TVector> where TOrder : struct, IOperandOrder
    {
        int vectors = Vectors<TVector>(columns), width = vectors * TVector.Count;
        for (int column = 0; column < columns; column += width, p.B += width, p.C += width)
            Tiles.Run<TVector, TOrder>(rows, vectors, p);
    }
}
