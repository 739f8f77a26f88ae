using System.Text.RegularExpressions;

namespace AlexNetActors.Tests.Deployment;

/// <summary>A service of docker-compose.yml, as its lines say it: anchors are not followed.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Text">Its lines.</param>
sealed partial record ComposeService(string Name, string Text)
{
    public static IReadOnlyList<ComposeService> All { get; } = Read(File.ReadAllText(Repository.In("docker-compose.yml")));

    public string[] Command => Words(Value("command"));

    public string[] Health => Words(Regex.Match(Text, @"healthcheck: \{.*test: \[CMD, (.*)\]").Groups[1].Value);

    public string[] Tmpfs => Words(Value("tmpfs"));

    public string Hostname => Value("hostname");

    public string Profile => Value("profiles").Trim('[', ']');

    /// <summary>The value that follows an option of the command.</summary>
    public string Option(string name) => Command.SkipWhile(w => w != name).Skip(1).FirstOrDefault("");

    string Value(string key) => Regex.Match(Text, $"^    {key}: (.*)$", RegexOptions.Multiline).Groups[1].Value;

    /// <summary>A command as a line or as a list: here none has a blank within a word, but for ${NAME:-default}.</summary>
    static string[] Words(string command) => [.. command.Trim('[', ']').Split([' ', '"'], StringSplitOptions.RemoveEmptyEntries).Select(w => w.TrimEnd(',')).Where(w => w != "")];

    static IReadOnlyList<ComposeService> Read(string file)
    {
        string services = Regex.Match(file, @"^services:\n(.*?)^\S", RegexOptions.Multiline | RegexOptions.Singleline).Groups[1].Value;
        return [.. Service().Matches(services).Select(m => new ComposeService(m.Groups["name"].Value, m.Value))];
    }

    [GeneratedRegex(@"^  (?<name>[a-z0-9-]+):.*\n(?:    .*\n|\n)+", RegexOptions.Multiline)]
    private static partial Regex Service();
}
