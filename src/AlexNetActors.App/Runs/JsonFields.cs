using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Nodes;

namespace AlexNetActors.App;

/// <summary>Fields of a line that somebody else may have written.</summary>
static class JsonFields
{
    /// <returns>Whether it is there, and of this type.</returns>
    public static bool Is<T>(this JsonObject line, string name, [NotNullWhen(true)] out T? value)
    {
        value = default;
        return line[name] is JsonValue found && found.TryGetValue(out value) && value is not null;
    }
}
