namespace AlexNetActors.Data;

/// <summary>Words of the system fit for a one-line error.</summary>
internal static class OneLine
{
    internal static string Of(Exception e) => e.Message.ReplaceLineEndings(" ").TrimEnd('.', ' ');
}
