using Akka.Configuration;
using Akka.Configuration.Hocon;
using AlexNetActors.Data;

namespace AlexNetActors.App;

/// <summary>HOCON text into a <see cref="Config"/>, and a <see cref="Config"/> into its leaves.</summary>
static class Hocon
{
    static readonly TimeSpan ParseMax = TimeSpan.FromSeconds(5); // there are texts that Akka's parser never returns from

    static readonly string[] AtHand = ["/dev/fd/", "/dev/stdin", "/proc/self/fd/"];

    const int CharactersMax = 1 << 16;

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
            return Parse(Read(path), where);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"cannot read {where}: {OneLine(e.Message)}");
        }
    }

    /// <summary>A pipe that is at hand, as a shell makes one of `&lt;(...)`, is read to its end; one that would have to be waited for is not.</summary>
    static string Read(string path)
    {
        if (!OrdinaryFile.HasBytes(path) && !AtHand.Any(place => path.StartsWith(place, StringComparison.Ordinal))) throw new IOException("it is empty, or a pipe or device: name a file");
        using var reader = new StreamReader(path);
        var text = new char[CharactersMax];
        int length = reader.ReadBlock(text);
        return reader.Peek() < 0 ? new string(text, 0, length) : throw new IOException($"it has more than {CharactersMax} characters");
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
