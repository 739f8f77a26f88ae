using System.CommandLine;
using System.CommandLine.Parsing;
using Akka.Configuration;
using AlexNetActors.Actors;
using AlexNetActors.Compute;
using AlexNetActors.Data;
using AlexNetActors.Model;

namespace AlexNetActors.App;

/// <summary>The command line as a whole: what the words mean, and what an error looks like.</summary>
static class CommandLine
{
    const int Failed = 1, WrongUse = 2;

    /// <summary>A word that begins with @ is a name like any other, not a file of more words.</summary>
    static readonly ParserConfiguration AsTyped = new() { ResponseFileTokenReplacer = null };

    static RootCommand Root() => new("Trains AlexNet as its authors did: one network split over two GPUs, each owned by an actor. Exit codes: 0 done, 1 failed while running or stopped by a signal, 2 wrong use.")
    {
        TrainCommand.Define(),
        NodeCommand.Define(),
        FaultsCommand.Define(),
        EvaluateCommand.Define(),
        PredictCommand.Define(),
        ExportCommand.Define(),
        ImportCommand.Define(),
        PrepareCommand.Define(),
        PlanCommand.Define(),
        BenchCommand.Define(),
        DevicesCommand.Define(),
        DigestCommand.Define(),
        VerifyCommand.Define(),
        ReportCommand.Define(),
        TraceCommand.Define(),
        CertificatesCommand.Define(),
        CheckCommand.Define(),
        CompletionCommand.Define(),
    };

    /// <returns>0 done, 1 failed while running or stopped, 2 wrong use.</returns>
    public static int Run(string[] args)
    {
        StandardStreams.Keep();
        int code = Invoke(args);
        if (StandardStreams.Lost is not { } why) return code;
        Console.Error.WriteLine($"alexnet: a part of the result is lost, standard output cannot be written: {why}");
        return code == 0 ? Failed : code;
    }

    static int Invoke(string[] args)
    {
        try
        {
            var parsed = Root().Parse(args, AsTyped);
            if (parsed.Errors.Count > 0 && !CompletionCommand.Asks(args) && !parsed.Tokens.Any(t => t.Value is "--help" or "-h" or "-?"))
                throw new UsageException($"{Words(parsed.Errors)}: see `{string.Join(' ', Path(parsed.CommandResult).Append("--help"))}`");
            return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
        }
        catch (Exception e) when (Code(First(e)) is { } code)
        {
            Console.Error.WriteLine($"alexnet: {Hocon.OneLine(First(e).Message)}{(First(e) is IOException or UnauthorizedAccessException ? "; make room or give access, or name another" : "")}");
            return code;
        }
    }

    /// <summary>Of several that happened side by side.</summary>
    static Exception First(Exception e) => e is AggregateException several ? First(several.InnerExceptions[0]) : DeviceException.From(e);

    /// <returns>Null for what is no user's doing: a bug, which shows where it is.</returns>
    static int? Code(Exception e) => e switch
    {
        UsageException or RecipeException or DataUseException or ConfigurationException => WrongUse, // the last: a --set that Akka refuses
        RunException or DataException or CheckpointException or NotFiniteException or DeviceException or CredentialsException or ClusterException or TransportException or FaultException => Failed,
        IOException or UnauthorizedAccessException => Failed, // a folder or file that may not be read or made, or a full disk: the message names it
        _ => null,
    };

    /// <summary>The most telling of the parser's errors, without the names of .NET types.</summary>
    static string Words(IEnumerable<ParseError> errors)
    {
        string message = errors.Select(e => e.Message).OrderByDescending(m => m.Contains('\'')).First().TrimEnd('.');
        int type = message.IndexOf(" as expected type", StringComparison.Ordinal);
        return type < 0 ? message : $"{message[..type]}, wanted a whole number, at most {(message.Contains("Int64", StringComparison.Ordinal) ? long.MaxValue : int.MaxValue)}"; // the only typed options there are
    }

    static IEnumerable<string> Path(SymbolResult? result) =>
        result is CommandResult command ? Path(command.Parent).Append(command.Command is RootCommand ? "alexnet" : command.Command.Name) : [];
}
