using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace AlexNetActors.Model;

/// <summary>
/// SHA-256 of a network's weights: the hash over the hashes of every parameter's half, layer by layer, weight before bias,
/// tower A before B. Two runs have one digest if and only if every bit of every weight is equal; each tower can hash its own half.
/// </summary>
public static class WeightsDigest
{
    /// <summary>Hashes of one tower's halves, in the order of the layers; velocities are left out.</summary>
    public static IReadOnlyList<byte[]> OfTower(TowerState state) =>
        [.. state.Values.Where(v => !v.Name.EndsWith(TowerStates.VelocitySuffix, StringComparison.Ordinal)).Select(v => SHA256.HashData(MemoryMarshal.AsBytes(v.Data.AsSpan())))];

    /// <summary>Lower-case hexadecimal digest of both towers.</summary>
    public static string Combine(IReadOnlyList<byte[]> towerA, IReadOnlyList<byte[]> towerB)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (a, b) in towerA.Zip(towerB))
        {
            hash.AppendData(a);
            hash.AppendData(b);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    public static string Of(TowerState a, TowerState b) => Combine(OfTower(a), OfTower(b));
}
