using System.CommandLine;
using AlexNetActors.Actors;
using AlexNetActors.Data;
using AlexNetActors.Model;

namespace AlexNetActors.App;

/// <summary>alexnet node: joins a cluster with what this machine has to offer, and stays until the run is over.</summary>
sealed class NodeCommand
{
    const string Coordinator = "coordinator", Gpu = "gpu", Loader = "loader";
    const string FirstListens = "127.0.0.1:2012", OthersListen = "127.0.0.1:0";

    /// <summary>What the command line asks of the node, as typed; the run's part is in <see cref="RunRequest"/>.</summary>
    sealed record Request(string Roles, string? Listen, string? Seeds, string? Certificates, bool Unencrypted, string? Device, string? Towers, string[] Faults, bool Driven, string? Dashboard, bool TensorBoard, string? Otlp);

    public static Command Define()
    {
        var roles = new Option<string>("--roles") { Description = "What this node is: coordinator, gpu, loader, or several of them.", HelpName = "R[,R]", Required = true, CompletionSources = { Coordinator, Gpu, Loader } };
        var listen = new Option<string?>("--listen") { Description = $"Address by which the other nodes reach this one, and the port, 0 for any; {FirstListens} for the first node and {OthersListen} for those with --seeds when not given.", HelpName = "HOST:PORT" };
        var seeds = new Option<string?>("--seeds") { Description = "Nodes to join; none for the first one. The same list on every node lets them start in any order.", HelpName = "HOST:PORT[,...]" };
        var certificates = new Option<string?>("--certificates") { Description = "This node's folder made by `alexnet certificates`: every connection is encrypted and both ends prove who they are.", HelpName = "DIR" };
        var unencrypted = new Option<bool>("--unencrypted") { Description = "Let anybody who reaches the port take part: for networks where that is nobody else." };
        var device = Options.Device("s that it offers");
        var towers = new Option<string?>("--towers") { Description = "Towers that its devices must hold: A, B or AB; any when not given.", HelpName = "A|B|AB", CompletionSources = { "A", "B", "AB" } };
        var recipe = Options.Recipe($"{RunRequest.DefaultRecipe}, or the resumed run's,");
        var data = Options.Data("the built-in pictures, or the resumed run's,");
        var run = new Option<string?>("--run") { Description = "Folder of the run, of a coordinator: goes on with what is there.", HelpName = "DIR" };
        var steps = new Option<long?>("--steps") { Description = "Stop after so many steps of the run.", HelpName = "N" };
        var epochs = new Option<long?>("--epochs") { Description = "Stop after so many epochs of the run.", HelpName = "N" };
        var dashboard = Options.Dashboard();
        var tensorBoard = Options.TensorBoard();
        var otlp = Options.Otlp();
        var set = Options.Set();
        var json = Options.Json();
        var events = new Option<bool>("--events") { Description = "Print what happens to the run, while the coordinator is here, as JSON objects on standard output, one a line." };
        var fault = Options.Fault();
        var driven = new Option<bool>("--driven") { Description = "Take faults from standard input: for `alexnet faults`.", Hidden = true };
        var command = new Command("node", "Joins a cluster that trains one network.") { roles, listen, seeds, certificates, unencrypted, device, towers, data, recipe, run, steps, epochs, dashboard, tensorBoard, otlp, set, json, events, fault, driven };
        command.SetAction(p => new NodeCommand(new Output(p.GetValue(json), p.GetValue(events) || p.GetValue(driven))).Run(
            new Request(p.GetValue(roles)!, p.GetValue(listen), p.GetValue(seeds), p.GetValue(certificates), p.GetValue(unencrypted), p.GetValue(device), p.GetValue(towers), p.GetValue(fault)!, p.GetValue(driven), p.GetValue(dashboard), p.GetValue(tensorBoard), p.GetValue(otlp)),
            new RunRequest(p.GetValue(recipe), p.GetValue(data), p.GetValue(run), p.GetValue(steps), p.GetValue(epochs), p.GetValue(set)!)));
        return command;
    }

    readonly Output _output;

    NodeCommand(Output output) => _output = output;

    int Run(Request request, RunRequest run)
    {
        var roles = Roles(request.Roles);
        Check(request, run, roles);
        var sinks = SinkOptions.Parse(request.TensorBoard, request.Otlp);
        var settings = Settings.Parse(run.Set);
        var faults = request.Driven ? Driven() : FaultOptions.ForItself(request.Faults);
        var node = NodeSettings.Read(settings);
        node = node with { Tensors = node.Tensors with { Faults = faults } };
        string listen = request.Listen ?? (request.Seeds is null ? FirstListens : OthersListen);
        var (host, port) = HostPort.ParseNode(listen, "--listen");
        if (port == 0 && request.Seeds is null) throw new UsageException($"--listen has port 0 and there are no --seeds: the first node needs a port by which the others find it, such as {FirstListens}");
        var seeds = (request.Seeds ?? listen).Split(',', StringSplitOptions.TrimEntries).Select(s => HostPort.ParseNode(s, "--seeds")).Select(a => $"{a.Host}:{a.Port}").ToArray();
        var credentials = Options.Credentials(request.Certificates);
        var devices = roles.Contains(Gpu) ? Pinned(Devices.Parse(request.Device ?? Devices.Default, node), request.Towers) : [];
        using var plan = roles.Contains(Coordinator) ? RunPlan.Read(run, settings, EarlierOf(run), _output.Log.WriteLine) : null;
        using var data = roles.Contains(Loader) && plan is null ? DataSets.Open(run.Data, _output.Log.WriteLine) : null;
        var served = plan?.Data ?? data;
        if (plan is not null) Devices.RequireRoom([.. devices.Select(d => d.Factory)], plan.Recipe);
        string? folder = plan is null ? null : run.FolderFor(plan.Recipe.Name);
        using var dashboard = DashboardServer.StartIfAsked(request.Dashboard, _output);
        var shelf = new SnapshotShelf();
        Membership? earlier = null;
        while (true)
        {
            using var cluster = new ClusterNode(new ClusterSettings(host, port, host, seeds, [.. roles], credentials), request.Unencrypted, node, earlier);
            var means = cluster.Means(
                recipe: run.Recipe is not null || !settings.OfRecipe.IsEmpty ? Own(run, settings, served) : null,
                dataPath: served?.Path, data: served is null ? null : new DataOffer(served.Digest, served.Train.Count),
                devices, loaders: roles.Contains(Loader) ? node.Loaders : 0, shelf);
            (int? code, earlier) = cluster.Take(means with { Faults = faults }, plan is null ? null : new RunOffice(folder!, plan, node, _output, dashboard?.Board, sinks), _output);
            if (code is { } ended) return ended;
        }
    }

    FaultPoints Driven()
    {
        var driven = new DrivenFaults(Console.In, _output);
        driven.WaitForStart();
        return driven.Points;
    }

    static RunManifest? EarlierOf(RunRequest run) => run.Run is { } path && new RunFolder(path) is { HoldsRun: true } folder ? folder.ReadManifest() : null;

    /// <summary>The recipe that this node was given, to be held against the coordinator's.</summary>
    static string Own(RunRequest run, Settings settings, DataFolder? data)
    {
        var recipe = RecipeReader.Read(run.File, settings, data?.Classes.Count);
        return data is null ? RecipeText.DeterminingButClasses(recipe) : RecipeText.Determining(recipe);
    }

    static HashSet<string> Roles(string text)
    {
        string[] known = [Coordinator, Gpu, Loader], named = text.Split(',', StringSplitOptions.TrimEntries);
        if (named.FirstOrDefault(r => !known.Contains(r)) is { } other) throw new UsageException($"--roles has '{other}': wanted one or more of {string.Join(", ", known)}, with commas between");
        return [.. named];
    }

    static void Check(Request request, RunRequest run, HashSet<string> roles)
    {
        run.Check();
        void OnlyFor(string option, bool given, params string[] wanted)
        {
            if (given && !wanted.Any(roles.Contains)) throw new UsageException($"{option} is for nodes with the role {string.Join(" or ", wanted)}: this one has {string.Join(", ", roles)}");
        }
        OnlyFor("--run", run.Run is not null, Coordinator);
        OnlyFor("--dashboard", request.Dashboard is not null, Coordinator);
        OnlyFor("--tensorboard", request.TensorBoard, Coordinator);
        OnlyFor("--otlp", request.Otlp is not null, Coordinator);
        OnlyFor("--steps", run.Steps is not null, Coordinator);
        OnlyFor("--epochs", run.Epochs is not null, Coordinator);
        OnlyFor("--data", run.Data is not null, Coordinator, Loader);
        OnlyFor("--device", request.Device is not null, Gpu);
        OnlyFor("--towers", request.Towers is not null, Gpu);
        if (request is { Certificates: not null, Unencrypted: true }) throw new UsageException("--certificates and --unencrypted contradict each other: give one of them");
    }

    static IReadOnlyList<OfferedDevice> Pinned(IReadOnlyList<DeviceFactory> devices, string? towers) => (towers, devices.Count) switch
    {
        (null, _) => [.. devices.Select(d => new OfferedDevice(d, []))],
        ("A", 1) => [new OfferedDevice(devices[0], [TowerId.A])],
        ("B", 1) => [new OfferedDevice(devices[0], [TowerId.B])],
        ("AB", _) => OfferedDevice.ByTower(devices),
        _ => throw new UsageException($"--towers is {towers} for {Words.Count(devices.Count, "device")}: wanted A or B for one device, AB for one that holds both or for two that hold one each"),
    };
}
