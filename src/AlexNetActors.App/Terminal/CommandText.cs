using System.Text.RegularExpressions;

namespace AlexNetActors.App;

/// <summary>A command as it may be pasted into a shell.</summary>
static partial class CommandText
{
    [GeneratedRegex(@"^[\p{L}\p{Nd}_@%+=:,./-]+$")]
    private static partial Regex Plain { get; }

    public static string Of(params IEnumerable<string> words) => string.Join(' ', words.Select(w => Plain.IsMatch(w) ? w : Quoted(w)));

    static string Quoted(string word) => OperatingSystem.IsWindows() ? $"\"{word}\"" : $"'{word.Replace("'", @"'\''")}'"; // cmd knows no other quotes
}
