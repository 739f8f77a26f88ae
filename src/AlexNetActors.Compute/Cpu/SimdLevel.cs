using System.Runtime.Intrinsics;

namespace AlexNetActors.Compute.Cpu;

/// <summary>Width of the vectors that <see cref="CpuDevice"/> computes with, in bits.</summary>
public enum SimdLevel
{
    Vector128 = 128,
    Vector256 = 256,
    Vector512 = 512,
}

/// <summary>Which levels this machine has, and which one to take.</summary>
internal static class SimdLevels
{
    public const string Variable = "ALEXNET_SIMD";

    public static SimdLevel Best =>
        IsSupported(SimdLevel.Vector512) ? SimdLevel.Vector512 : IsSupported(SimdLevel.Vector256) ? SimdLevel.Vector256 : SimdLevel.Vector128;

    /// <summary>Vector128 always is: without hardware for it the runtime computes it in scalar code.</summary>
    public static bool IsSupported(SimdLevel level) => level switch
    {
        SimdLevel.Vector512 => Vector512.IsHardwareAccelerated,
        SimdLevel.Vector256 => Vector256.IsHardwareAccelerated,
        _ => true,
    };

    /// <summary>What was asked for, else what the environment variable names, else the best this machine has.</summary>
    public static SimdLevel Choose(SimdLevel? asked, string? variable)
    {
        var level = asked ?? variable switch
        {
            null or "" => Best,
            "128" => SimdLevel.Vector128,
            "256" => SimdLevel.Vector256,
            "512" => SimdLevel.Vector512,
            _ => throw new ArgumentException($"{Variable} must be 128, 256 or 512, got '{variable}'"),
        };
        if (!Enum.IsDefined(level)) throw new ArgumentException($"SIMD level must be Vector128, Vector256 or Vector512, got {level}");
        if (!IsSupported(level)) throw new ArgumentException($"{level} is not supported by this processor; the best it has is {Best}");
        return level;
    }
}
