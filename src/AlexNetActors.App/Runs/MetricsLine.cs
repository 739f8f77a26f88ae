using System.Text.Json;
using System.Text.Json.Nodes;
using AlexNetActors.Data;

namespace AlexNetActors.App;

/// <summary>A whole line of metrics.jsonl, as it lies in the file.</summary>
/// <param name="Number">From 1.</param>
/// <param name="End">Bytes of the file up to its end.</param>
/// <param name="Json">With what lines of its kind have, of its type; null when it is damaged.</param>
readonly record struct MetricsLine(long Number, long End, JsonObject? Json)
{
    /// <summary>Of steps and of epochs: whatever either is multiplied with stays in 64 bits.</summary>
    public const long StepsMax = int.MaxValue;

    public static readonly JsonSerializerOptions Values = new(JsonSerializerDefaults.Web);

    public string? Kind => (string?)Json?["kind"];
    public long Step => (long?)Json?["step"] ?? 0;

    /// <summary>What the step was trained on; null when it does not say.</summary>
    public StepRecords? Records
    {
        get
        {
            try
            {
                return Json?["records"]?.Deserialize<StepRecords>(Values) is { Shares: not null } records ? records : null;
            }
            catch (JsonException)
            {
                return null;
            }
        }
    }

    /// <summary>All whole lines from the beginning. One without its line feed, which a killed process left half written, is not among them.</summary>
    public static IEnumerable<MetricsLine> Read(Stream file)
    {
        if (file.Length == 0) yield break; // a device has none, and may have no end
        file.Position = 0;
        var buffer = new byte[1 << 16];
        using var line = new MemoryStream();
        long end = 0, number = 0;
        for (int read; (read = file.Read(buffer)) > 0;)
            for (int start = 0; start < read;)
            {
                int feed = Array.IndexOf(buffer, (byte)'\n', start, read - start), length = (feed < 0 ? read : feed) - start;
                line.Write(buffer, start, length);
                start += length + 1;
                if (feed < 0) break;
                end += line.Length + 1;
                yield return new MetricsLine(++number, end, Parse(line.ToArray()));
                line.SetLength(0);
            }
    }

    static JsonObject? Parse(byte[] text) => JsonFields.Parse(text) is { } line && IsWhole(line) ? line : null;

    static bool IsWhole(JsonObject line) => line.Is("kind", out string? kind) && line.Is("step", out long step) && step is >= 0 and <= StepsMax && kind switch
    {
        "validation" => ValidationLine.Read(line) is not null,
        "checkpoint" => line.Is("weightsSha256", out string? _),
        "gap" => line.Is("after", out long _),
        _ => true, // what a step was trained on and took is looked at apart: one without it is still a step
    };
}
