using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Spectre.Console;

namespace AlexNetActors.App;

/// <summary>Where a command's words go: results to standard output, unless that is for JSON lines; everything else to standard error.</summary>
sealed class Output(bool json, bool events = false)
{
    const int WidthOfFiles = 200; // columns where no terminal wraps

    static readonly JsonSerializerOptions OneLine = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public TextWriter Log => Console.Error;
    public TextWriter Result => json || events ? Console.Error : Console.Out;

    /// <summary>A terminal's view of standard error; null when it is no terminal, or one that cannot draw a line again (TERM=dumb).</summary>
    public static IAnsiConsole? Terminal =>
        !Console.IsErrorRedirected && AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) }) is { Profile.Capabilities.Ansi: true } terminal ? terminal : null;

    public void Table(Table table)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Result) });
        if (json ? Console.IsErrorRedirected : Console.IsOutputRedirected) console.Profile.Width = WidthOfFiles;
        console.Write(table);
    }

    /// <summary>What happens while it happens; for any thread.</summary>
    public void Event(JsonObject? line)
    {
        if (!events || line is null) return;
        lock (Console.Out) Console.Out.WriteLine(line.ToJsonString(OneLine));
    }

    public void Json(JsonObject value)
    {
        if (json) Console.Out.WriteLine(value.ToJsonString(OneLine));
    }
}
