namespace AlexNetActors.Benchmarks;

/// <summary>Where figures come from.</summary>
static class Machine
{
    public static string Description
    {
        get
        {
            string model = File.Exists("/proc/cpuinfo") ? File.ReadLines("/proc/cpuinfo").First(l => l.StartsWith("model name", StringComparison.Ordinal)).Split(':')[1].Trim() : "unknown processor";
            return $"{model}, {Environment.ProcessorCount} cores, .NET {Environment.Version}";
        }
    }
}
