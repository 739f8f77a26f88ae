using System.CommandLine;
using System.Text.Json.Nodes;
using AlexNetActors.Actors;

namespace AlexNetActors.App;

/// <summary>alexnet certificates: a private authority for one cluster, and a certificate for each of its nodes.</summary>
static class CertificatesCommand
{
    const int DaysDefault = 365;

    public static Command Define()
    {
        var folder = new Argument<string>("DIR") { Description = "Gets one folder for the authority and one for each node; what is there is kept." };
        var nodes = new Option<string>("--nodes") { Description = "The nodes' host names or addresses.", HelpName = "NAME[,NAME...]", Required = true };
        var days = new Option<int>("--days") { Description = "How long new certificates last.", HelpName = "N", DefaultValueFactory = _ => DaysDefault };
        var json = Options.Json();
        var command = new Command("certificates", "Makes a cluster's own authority and a certificate for each node; run it again to add nodes.") { folder, nodes, days, json };
        command.SetAction(p => Make(p.GetValue(folder)!, p.GetValue(nodes)!.Split(','), p.GetValue(days), new Output(p.GetValue(json))));
        return command;
    }

    static int Make(string folder, string[] names, int days, Output output)
    {
        if (string.IsNullOrWhiteSpace(folder)) throw new UsageException("the name of the folder is empty: name one");
        if (days is < 1 or > CertificateAuthority.DaysMax) throw new UsageException($"--days is {days}: wanted 1 to {CertificateAuthority.DaysMax}");
        if (names.Select(CertificateAuthority.Complaint).FirstOrDefault(c => c is not null) is { } complaint) throw new UsageException($"--nodes: {complaint}");
        if (names.GroupBy(n => n, StringComparer.OrdinalIgnoreCase).FirstOrDefault(g => g.Count() > 1) is { } twice) throw new UsageException($"--nodes names {twice.Key} twice: one folder is one node's");
        var authority = CertificateAuthority.OpenOrMake(folder);
        var nodes = authority.Certify(names, days);
        Show(authority, nodes, output);
        return 0;
    }

    static void Show(CertificateAuthority authority, IReadOnlyList<CertifiedNode> nodes, Output output)
    {
        var result = output.Result;
        result.WriteLine($"authority {(authority.Made ? "made" : "kept")} in {authority.Folder}: keep {CertificateAuthority.KeyFile} off the nodes, whoever has it can make members");
        foreach (var node in nodes) result.WriteLine($"{node.Name} {(node.Made ? "made" : "kept")} in {node.Folder}, valid until {node.ValidUntil:yyyy-MM-dd}: copy this folder to {node.Name} and to nobody else");
        output.Json(new JsonObject
        {
            ["authority"] = new JsonObject { ["folder"] = authority.Folder, ["made"] = authority.Made },
            ["nodes"] = new JsonArray([.. nodes.Select(n => new JsonObject { ["name"] = n.Name, ["folder"] = n.Folder, ["made"] = n.Made, ["validUntil"] = n.ValidUntil.ToUniversalTime().ToString("O") })]),
        });
    }
}
