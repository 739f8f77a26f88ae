using AlexNetActors.Cuda.Tests.Driver;

/// <summary>.NET runs this before a program whose environment names this assembly in DOTNET_STARTUP_HOOKS: alexnet itself finds the modelled driver.</summary>
static class StartupHook
{
    public static void Initialize()
    {
        if (ModelledCuda.Missing is { } why) throw new PlatformNotSupportedException(why);
    }
}
