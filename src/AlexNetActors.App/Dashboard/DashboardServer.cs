using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace AlexNetActors.App;

/// <summary>
/// The dashboard: a page and what it reads, over HTTP, from the process that has the coordinator. It reads the newest state of its board when it is asked;
/// training never waits for it.
/// </summary>
sealed class DashboardServer : IDisposable
{
    /// <summary>More than its readers and their pages need; without a bound, connections that only stand would take the run its files.</summary>
    public const int ConnectionsMax = 64;

    static readonly TimeSpan StopMax = TimeSpan.FromSeconds(2);

    readonly WebApplication _app;
    readonly EventFeed _events;
    readonly StudyDesk _desk = new(StudyDesk.OneThread);

    DashboardServer(string host, IPAddress address, int port)
    {
        // The empty builder: no settings from the environment or the working directory, no log of its own.
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(k =>
        {
            k.AddServerHeader = false;
            k.Limits.MaxConcurrentConnections = ConnectionsMax;
            k.Limits.MaxConcurrentUpgradedConnections = 0;
            k.Limits.MaxRequestBodySize = 0; // nothing is ever sent to it but orders without a body
            k.Listen(address, port);
        });
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton<IHostLifetime, NoSignals>();
        _app = builder.Build();
        _events = new EventFeed(Board);
        _app.Use((context, next) => Guard(context, next, host));
        Map();
        _app.StartAsync().GetAwaiter().GetResult();
        Address = _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
    }

    /// <param name="asked">What the command line says: PORT or HOST:PORT; null for no dashboard.</param>
    /// <param name="output">Where its address is said.</param>
    /// <exception cref="UsageException">It is no address, or one that is taken.</exception>
    public static DashboardServer? StartIfAsked(string? asked, Output output)
    {
        if (asked is null) return null;
        var (host, port) = ushort.TryParse(asked, out ushort number) ? ("localhost", number)
            : asked.Contains(':') ? HostPort.Parse(asked, "--dashboard")
            : throw new UsageException($"--dashboard has '{asked}': wanted a port of this machine, at most {ushort.MaxValue}, or HOST:PORT such as 0.0.0.0:8080");
        var address = host == "localhost" ? IPAddress.Loopback : IPAddress.TryParse(host, out var ip) ? ip : throw new UsageException($"--dashboard has host '{host}': wanted a port of this machine, or its address such as 0.0.0.0:{port}");
        try
        {
            var server = new DashboardServer(host, address, port);
            output.Log.WriteLine($"dashboard on {server.Address}, token for its buttons {server.Token}");
            return server;
        }
        catch (Exception e) when (e is IOException or SocketException) // taken; not this machine's, or not for this user
        {
            throw new UsageException($"--dashboard {asked}: {Hocon.OneLine(e.GetBaseException().Message).ToLowerInvariant()}; name another port, or 0 for any free one");
        }
    }

    public Board Board { get; } = new();

    /// <summary>"http://127.0.0.1:41234"</summary>
    public string Address { get; }

    /// <summary>Who knows it may command.</summary>
    public string Token { get; } = ControlToken.Draw();

    /// <summary>
    /// Only what asks for this machine by address, by its own name or as localhost is answered: a page elsewhere whose name was made to point here is not. And no page that is
    /// served from here loads anything from elsewhere.
    /// </summary>
    static Task Guard(HttpContext context, RequestDelegate next, string host)
    {
        string asked = context.Request.Host.Host;
        if (!IPAddress.TryParse(asked.Trim('[', ']'), out _) && !new[] { host, "localhost", Environment.MachineName }.Contains(asked, StringComparer.OrdinalIgnoreCase))
            return Answer(context, StatusCodes.Status400BadRequest, $"asked for host '{asked}', which this is not: use its address, or its name {Environment.MachineName}");
        var headers = context.Response.Headers;
        headers.ContentSecurityPolicy = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        headers.CacheControl = "no-cache";
        return next(context);
    }

    void Map()
    {
        foreach (var file in PageFile.All)
            Get(file.Route, c => file.Write(c.Response));
        Get("/api/run", c => Write(c, "application/json", BoardJson.Run(Board.State)));
        Get("/api/history", c => Write(c, "application/json", BoardJson.History(Board.State)));
        Get("/api/events", _events.Serve);
        Get("/api/kernels", Kernels);
        Get("/api/study", c => Write(c, "application/json", BoardJson.Study(_desk.Read())));
        Post("/api/study", c => IsFromElsewhere(c.Request)
            ? Answer(c, StatusCodes.Status403Forbidden, "a page from elsewhere may not ask for it")
            : Write(c, "application/json", BoardJson.Study(_desk.Ask(Board.State?.Status.Checkpoint))));
        Get("/api/picture/{name}", c => _desk.Picture((string)c.Request.RouteValues["name"]!) is { } png ? Write(c, "image/png", png) : Answer(c, StatusCodes.Status404NotFound, "no picture of the newest sheet"));
        Get("/metrics", c => Write(c, PrometheusText.ContentType, System.Text.Encoding.UTF8.GetBytes(PrometheusText.Of(Board.State))));
        Get("/health/live", c => Answer(c, StatusCodes.Status200OK, "live"));
        Get("/health/ready", c => Board.State is { Trains: true } ? Answer(c, StatusCodes.Status200OK, "training") : Answer(c, StatusCodes.Status503ServiceUnavailable, Board.State is { } s ? s.Ended ?? s.Status.Doing : "no coordinator here"));
        var control = new RunControl(Board);
        Order("/api/stop", control.Stop);
        Order("/api/pause", control.Pause);
        Order("/api/continue", control.Continue);
        Order("/api/checkpoint", control.Save);
    }

    /// <param name="route">Its path.</param>
    /// <param name="carryOut">Says what happens; null where nobody can do it.</param>
    void Order(string route, Func<string?> carryOut) => Post(route, c =>
    {
        if (!ControlToken.Matches(c.Request.Headers.Authorization, Token)) return Answer(c, StatusCodes.Status401Unauthorized, "wanted the token that was printed at the start: Authorization: Bearer TOKEN");
        return carryOut() is { } said ? Answer(c, StatusCodes.Status202Accepted, said) : Answer(c, StatusCodes.Status409Conflict, Board.State is { Ended: null } ? "the run is only starting: ask again" : "no run goes on in this process");
    });

    void Get(string route, RequestDelegate answer) => _app.MapGet(route, answer);

    void Post(string route, RequestDelegate answer) => _app.MapPost(route, answer);

    /// <summary>What wants no token wants at least this page, or a program: a browser names the page that sends a POST.</summary>
    static bool IsFromElsewhere(HttpRequest request) => request.Headers.Origin is { Count: > 0 } origin && !$"{request.Scheme}://{request.Host}".Equals(origin, StringComparison.OrdinalIgnoreCase);

    Task Kernels(HttpContext c)
    {
        try
        {
            return Board.State is { Status.Checkpoint: { } at } state && KernelPictures.Read(at.Folder, at.Steps, state.Run.Places[0]) is { } pictures
                ? Write(c, "application/json", BoardJson.Kernels(pictures))
                : Answer(c, StatusCodes.Status404NotFound, "no checkpoint with a first layer that sees colours yet");
        }
        catch (Model.CheckpointException e) // another has replaced it meanwhile
        {
            return Answer(c, StatusCodes.Status404NotFound, e.Message);
        }
    }

    static Task Write(HttpContext c, string type, byte[] body)
    {
        c.Response.ContentType = type;
        c.Response.ContentLength = body.Length;
        return c.Response.Body.WriteAsync(body, 0, body.Length);
    }

    static Task Answer(HttpContext c, int status, string line)
    {
        c.Response.StatusCode = status;
        return Write(c, "text/plain; charset=utf-8", System.Text.Encoding.UTF8.GetBytes(line + "\n"));
    }

    public void Dispose()
    {
        _events.End();
        _app.StopAsync(StopMax).GetAwaiter().GetResult();
        _app.DisposeAsync().AsTask().GetAwaiter().GetResult();
    }

    /// <summary>SIGINT, SIGTERM and SIGHUP are the run's matter, see <see cref="StopSignals"/>; the host's own lifetime would take them.</summary>
    sealed class NoSignals : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancel) => Task.CompletedTask;
        public Task StopAsync(CancellationToken cancel) => Task.CompletedTask;
    }
}
