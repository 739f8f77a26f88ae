using System.Reflection;

namespace AlexNetActors.App;

/// <summary>Which version this program is: nodes of one run have one.</summary>
static class ProgramVersion
{
    /// <summary>"0.1.0", and behind a plus what it was built from, where the build knows.</summary>
    public static string Text { get; } = typeof(ProgramVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;
}
