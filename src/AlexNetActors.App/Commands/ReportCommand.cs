using System.CommandLine;
using System.Text.Json.Nodes;

namespace AlexNetActors.App;

/// <summary>alexnet report: the page that a run leaves at its end, of any run folder and at any time.</summary>
static class ReportCommand
{
    public static Command Define()
    {
        var of = new Argument<string>("RUN") { Description = "A run folder." };
        var json = Options.Json();
        var command = new Command("report", "Writes report.html of a run into its folder: curves, kernels, what happened, what it was made from.") { of, json };
        command.SetAction(p => Report(p.GetValue(of)!, new Output(p.GetValue(json))));
        return command;
    }

    static int Report(string path, Output output)
    {
        var run = RunFolder.Existing(path);
        ReportPage.Write(run);
        output.Result.WriteLine(run.Report);
        output.Json(new JsonObject { ["report"] = run.Report });
        return 0;
    }
}
