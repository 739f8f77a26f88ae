using System.CommandLine;
using System.Text.Json.Nodes;
using AlexNetActors.Compute;
using Spectre.Console;

namespace AlexNetActors.App;

/// <summary>alexnet devices: what can be used here, and why not the others.</summary>
static class DevicesCommand
{
    public static Command Define()
    {
        var json = Options.Json();
        var command = new Command("devices", "Lists what can be used here, and why not the others.") { json };
        command.SetAction(p => Show(new Output(p.GetValue(json))));
        return command;
    }

    static int Show(Output output)
    {
        output.Table(Table(DeviceCatalog.All, DeviceCatalog.Unusable));
        output.Json(new JsonObject
        {
            ["cores"] = Environment.ProcessorCount,
            ["devices"] = new JsonArray([
                .. DeviceCatalog.All.Select(d => new JsonObject { ["name"] = d.Name, ["kind"] = d.Kind, ["usable"] = true, ["memoryBytes"] = d.MemoryBytes, ["description"] = d.Description }),
                .. DeviceCatalog.Unusable.Select(d => new JsonObject { ["name"] = d.Name, ["usable"] = false, ["description"] = d.Why }),
            ]),
        });
        return 0;
    }

    public static Table Table(IEnumerable<DeviceEntry> usable, IEnumerable<UnusableDevice> unusable)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumns("device", "kind", "usable", "what it is");
        foreach (var d in usable) table.AddRow([.. new[] { d.Name, d.Kind, "yes", d.Description }.Select(Markup.Escape)]); // of drivers: "Intel(R) Graphics [0x56a0]"
        foreach (var (name, why) in unusable) table.AddRow([.. new[] { name, "", "no", why }.Select(Markup.Escape)]);
        return table;
    }
}
