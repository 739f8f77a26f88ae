using System.Globalization;
using System.Numerics;
using Akka.Configuration;

namespace AlexNetActors.App;

/// <summary>Typed values out of a <see cref="Config"/>: a wrong one is refused with key, got and wanted.</summary>
sealed class ValueReader(Config values, string where)
{
    /// <summary>A number in [least, most].</summary>
    public T Number<T>(string path, T least, T most) where T : struct, INumber<T>, IMinMaxValue<T>
    {
        string text = Text(path);
        if (T.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most) return number;
        string kind = T.IsInteger(T.One / (T.One + T.One)) ? "a whole number" : "a number";
        string range = most == T.MaxValue ? least == T.MinValue ? "" : $", at least {least}" : $" from {least} to {most}";
        throw Wrong(path, text, string.Create(CultureInfo.InvariantCulture, $"{kind}{range}"));
    }

    public bool Switch(string path) => Text(path) switch
    {
        "on" or "true" or "yes" => true,
        "off" or "false" or "no" => false,
        var text => throw Wrong(path, text, "on or off"),
    };

    /// <summary>A length of time such as 300s, 5m or 500ms.</summary>
    public TimeSpan Time(string path)
    {
        string text = Text(path);
        string digits = text.TrimEnd([.. "abcdefghijklmnopqrstuvwxyz "]), unit = text[digits.Length..].Trim();
        double? seconds = unit switch { "ms" => 0.001, "s" => 1, "m" => 60, "h" => 3600, _ => null };
        if (seconds is { } s && double.TryParse(digits, NumberStyles.Float, CultureInfo.InvariantCulture, out double n) && n * s is > 0 and < 1e6) return TimeSpan.FromSeconds(n * s);
        throw Wrong(path, text, "a time above 0 with its unit, such as 300s or 5m");
    }

    /// <summary>One of a few words.</summary>
    public T Choice<T>(string path) where T : struct, Enum
    {
        string text = Text(path);
        return Enum.GetNames<T>().Any(n => n.Equals(text, StringComparison.OrdinalIgnoreCase))
            ? Enum.Parse<T>(text, ignoreCase: true)
            : throw Wrong(path, text, $"one of {string.Join(", ", Enum.GetNames<T>()).ToLowerInvariant()}");
    }

    public IReadOnlyList<string> Names(string path, bool mayBeEmpty = false)
    {
        var value = values.GetValue(path);
        if (mayBeEmpty && value is not null && !value.IsArray() && !value.IsString() && !value.IsObject()) return []; // "[]" is none of them
        if (value is null || !value.IsArray()) throw Wrong(path, Text(path), "a list of names, [conv1, conv2]");
        return [.. values.GetStringList(path)];
    }

    public string Text(string path)
    {
        if (!values.HasPath(path)) throw new UsageException($"{path} is missing from {where}");
        return values.GetValue(path) is { } v && v.IsString() ? v.GetString() : throw Wrong(path, "a block or nothing", "one value");
    }

    public bool Has(string path) => values.HasPath(path);

    UsageException Wrong(string path, string got, string wanted) => new($"{path} in {where} is {got}: wanted {wanted}");
}
