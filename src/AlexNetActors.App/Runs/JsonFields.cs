using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace AlexNetActors.App;

/// <summary>Lines that somebody else may have written, or that are damaged.</summary>
static class JsonFields
{
    static readonly JsonDocumentOptions Options = new() { AllowDuplicateProperties = false };

    /// <returns>Null for what is no JSON object, has a name twice, or text that is none.</returns>
    public static JsonObject? Parse(byte[] line)
    {
        try
        {
            return IsText(line) ? JsonNode.Parse(line, documentOptions: Options) as JsonObject : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Whether all text can be read: half of a pair of surrogates and what is no UTF-8 would be found only by who reads it.</summary>
    static bool IsText(byte[] line)
    {
        if (!line.AsSpan().ContainsAnyExceptInRange((byte)' ', (byte)'~') && line.AsSpan().IndexOf("\\u"u8) < 0) return true;
        try
        {
            var reader = new Utf8JsonReader(line);
            while (reader.Read())
                if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName) reader.GetString();
            return true;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    /// <returns>Whether it is there, and of this type.</returns>
    public static bool Is<T>(this JsonObject line, string name, [NotNullWhen(true)] out T? value)
    {
        value = default;
        return line[name] is JsonValue found && found.TryGetValue(out value) && value is not null;
    }
}
