using Akka.Configuration;
using Akka.Configuration.Hocon;

namespace AlexNetActors.App;

/// <summary>HOCON text into a <see cref="Config"/>, and a <see cref="Config"/> into its leaves.</summary>
static class Hocon
{
    static readonly TimeSpan ParseMax = TimeSpan.FromSeconds(5); // there are texts that Akka's parser never returns from

    /// <param name="text">HOCON.</param>
    /// <param name="where">How an error names the text.</param>
    public static Config Parse(string text, string where)
    {
        if (HoconBrackets.Complaint(text) is { } complaint) throw new UsageException($"{where} is not HOCON: {complaint}");
        if (text.Contains("${", StringComparison.Ordinal)) throw new UsageException($"{where} is not HOCON as it is read here: it has a substitution, ${{...}}; write the value"); // some of them Akka's parser follows for ever
        try
        {
            var parsing = Task.Factory.StartNew(() => ConfigurationFactory.ParseString(text), TaskCreationOptions.LongRunning);
            if (!((IAsyncResult)parsing).AsyncWaitHandle.WaitOne(ParseMax)) throw new UsageException($"{where} is not HOCON: the parser finds no end of it");
            return parsing.GetAwaiter().GetResult();
        }
        catch (Exception e) when (e is FormatException or ConfigurationException or NullReferenceException or ArgumentException) // what the parser throws at text that is not HOCON
        {
            throw new UsageException($"{where} is not HOCON: {(e is NullReferenceException ? "it includes another file; use base = NAME" : OneLine(e.Message))}");
        }
    }

    public static Config ParseFile(string path, string where)
    {
        try
        {
            return Parse(File.ReadAllText(path), where);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"cannot read {where}: {OneLine(e.Message)}");
        }
    }

    /// <summary>Every value by its path: "network.conv1.kernels". A list is one value.</summary>
    public static IEnumerable<(string Path, string Value)> Leaves(Config config) => config.IsEmpty ? [] : Leaves(config.Root, "");

    static IEnumerable<(string, string)> Leaves(HoconValue value, string path)
    {
        if (value.IsObject()) return value.GetObject().Items.SelectMany(i => Leaves(i.Value, path == "" ? i.Key : $"{path}.{i.Key}"));
        return [(path, value.IsArray() ? $"[{string.Join(", ", value.GetArray().Select(v => v.GetString()))}]" : value.GetString() ?? "")];
    }

    public static string OneLine(string text) => string.Join(' ', text.Split([' ', '\r', '\n', '\t'], StringSplitOptions.RemoveEmptyEntries)).TrimEnd('.');
}
