using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using AlexNetActors.Actors;
using AlexNetActors.Tests.Data;

namespace AlexNetActors.Tests.App;

/// <summary>alexnet check against what may listen at an address: a node of the cluster, one of another, something that does not answer, nothing.</summary>
public sealed class CheckTests : IDisposable
{
    readonly TemporaryFolder _folder = new();
    readonly TcpListener _listener = new(IPAddress.Loopback, 0);

    public CheckTests()
    {
        foreach (string cluster in new[] { "ours", "theirs" }) CertificateAuthority.OpenOrMake(_folder[cluster]).Certify(["node"], days: 1);
        _listener.Start();
    }

    public void Dispose()
    {
        _listener.Dispose();
        _folder.Dispose();
    }

    string Address => _listener.LocalEndpoint.ToString()!;

    [Fact]
    public void WithoutCertificatesAnOpenPortIsEnough() => Alexnet.Run("check", Address).Expect(0);

    [Fact]
    public void AMemberOfTheClusterIsKnown()
    {
        AnswerAs("ours");
        Alexnet.Run("check", Address, "--certificates", _folder["ours", "node"]).Expect(0);
    }

    [Fact]
    public void AMemberOfAnotherIsNot()
    {
        AnswerAs("theirs");
        Assert.Contains("does not answer as a node of this cluster", Alexnet.Run("check", Address, "--certificates", _folder["ours", "node"]).Expect(1).Err);
    }

    [Fact]
    public void AProcessThatHangsDoesNotAnswer() =>
        Assert.Contains($"{Address} has not answered within 5 s", Alexnet.Run("check", Address, "--certificates", _folder["ours", "node"]).Expect(1).Err);

    [Fact]
    public void NorDoesOneThatHasEnded()
    {
        string address = Address;
        _listener.Stop();
        Assert.Contains($"{address} does not answer", Alexnet.Run("check", address).Expect(1).Err);
    }

    [Theory]
    [InlineData("node")]
    [InlineData("node:0")]
    [InlineData(":2012")]
    public void AnAddressIsHostAndPort(string address) => Assert.Contains($"'{address}'", Alexnet.Run("check", address).Expect(2).Err);

    void AnswerAs(string cluster)
    {
        var credentials = NodeCredentials.Load(_folder[cluster, "node"]);
        _ = Task.Run(async () =>
        {
            await using var tls = new SslStream((await _listener.AcceptTcpClientAsync()).GetStream());
            try
            {
                await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = credentials.Certificate, ClientCertificateRequired = true, RemoteCertificateValidationCallback = (_, c, _, _) => credentials.Trusts(c) });
            }
            catch (Exception e) when (e is IOException or AuthenticationException) { } // who checks has not liked us
        });
    }
}
