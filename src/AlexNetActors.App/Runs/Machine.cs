namespace AlexNetActors.App;

/// <summary>Where a run is.</summary>
static class Machine
{
    /// <summary>"AMD EPYC, 2 cores, 24.0 GB, Debian GNU/Linux 12, .NET 10.0.12"</summary>
    public static string Description => string.Join(", ", new[] { Processor, $"{Environment.ProcessorCount} cores", Words.Bytes(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes), System.Runtime.InteropServices.RuntimeInformation.OSDescription, $".NET {Environment.Version}" }.OfType<string>());

    /// <summary>Memory that nobody holds yet, of the machine or the container that this process is in, to about a percent of it.</summary>
    public static long FreeBytes()
    {
        GC.Collect(0); // a collection looks how much there is
        var info = GC.GetGCMemoryInfo(GCKind.Any);
        return Math.Max(0, info.TotalAvailableMemoryBytes - info.MemoryLoadBytes);
    }

    /// <summary>Null where the system does not say.</summary>
    static string? Processor => File.Exists("/proc/cpuinfo") ? File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim() : Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER"); // of Windows
}
