using System.CommandLine;
using System.Net.Sockets;
using System.Security.Authentication;
using AlexNetActors.Actors;

namespace AlexNetActors.App;

/// <summary>
/// alexnet check: whether a node answers, for health checks where there is no shell. With certificates its process must take part in the
/// handshake and show one of the cluster's; without, the system alone accepts the connection, also for a process that hangs.
/// </summary>
static class CheckCommand
{
    static readonly TimeSpan Deadline = TimeSpan.FromSeconds(5);

    public static Command Define()
    {
        var node = new Argument<string>("HOST:PORT") { Description = "Where the node listens." };
        var certificates = new Option<string?>("--certificates") { Description = "This node's folder of those that `alexnet certificates` made; none for an unencrypted cluster.", HelpName = "DIR" };
        var command = new Command("check", $"Tells by its exit code whether a port is open there, with certificates whether a member answers, within {Deadline.TotalSeconds:0} s.") { node, certificates };
        command.SetAction(p => Check(p.GetValue(node)!, Options.Credentials(p.GetValue(certificates))));
        return command;
    }

    static int Check(string node, NodeCredentials? credentials)
    {
        var (host, port) = HostPort.ParseNode(node, "check");
        if (port == 0) throw new UsageException($"'{node}' has port 0: name the port that the node listens on");
        using var late = new CancellationTokenSource(Deadline);
        try
        {
            NodeProbe.Meet(host, port, credentials, late.Token).GetAwaiter().GetResult();
            return 0;
        }
        catch (OperationCanceledException)
        {
            throw new RunException($"{node} has not answered within {Deadline.TotalSeconds:0} s");
        }
        catch (Exception e) when (e is SocketException or IOException or AuthenticationException)
        {
            throw new RunException($"{node} does not answer as a node{(credentials is null ? "" : " of this cluster")}: {e.Message}");
        }
    }
}
