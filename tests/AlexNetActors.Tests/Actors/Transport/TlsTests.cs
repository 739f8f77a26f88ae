using System.Net.Security;
using System.Security.Authentication;
using AlexNetActors.Actors;

namespace AlexNetActors.Tests.Actors.Transport;

/// <summary>Only members talk: both ends show a certificate of the cluster's own authority, or there is no connection and one line says why.</summary>
public sealed class TlsTests : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("tls").FullName;
    readonly NodeCredentials _here, _there, _foreign;
    readonly Ear _ear = new(16);

    public TlsTests()
    {
        var nodes = CertificateAuthority.OpenOrMake(Path.Combine(_folder, "ours")).Certify(["here", "there"], days: 2);
        (_here, _there) = (NodeCredentials.Load(nodes[0].Folder), NodeCredentials.Load(nodes[1].Folder));
        _foreign = NodeCredentials.Load(CertificateAuthority.OpenOrMake(Path.Combine(_folder, "foreign")).Certify(["there"], days: 2)[0].Folder);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(16_385)]
    [InlineData(11_059_200)]
    public void Members_exchange_frames(int bytes)
    {
        using var pair = new Pair(Links.Settings with { Credentials = _here });
        byte[] payload = Links.Bytes(bytes, 1);
        foreach (var (from, to) in new[] { (pair.ToRight, pair.Right), (pair.ToLeft, pair.Left) })
            for (int n = 0; n < 3; n++) from.Send(Links.Header(bytes, n), payload);
        foreach (var ear in new[] { pair.Right, pair.Left })
            for (int n = 0; n < 3; n++) Assert.Equal((Links.Header(bytes, n), Ear.DigestOf(payload)), ear.Frame());
        pair.ToLeft.Dispose();
        Assert.Contains("gpu-1 at", pair.Left.Loss());
    }

    [Fact]
    public void Members_who_have_nothing_to_say_stay_connected()
    {
        var idle = TimeSpan.FromSeconds(0.8);
        using var pair = new Pair(Links.Settings with { Credentials = _here, IdleDeadline = idle });
        Thread.Sleep(3 * idle);
        Assert.Empty(pair.Left.Losses);
        Assert.Empty(pair.Right.Losses);
    }

    void IsRefused(NodeCredentials? dialling, NodeCredentials? listening, string line, Refusal reason = Refusal.Security)
    {
        using var left = new TensorNode(Links.Settings with { Credentials = dialling, ConnectDeadline = TimeSpan.FromSeconds(1) });
        using var right = new TensorNode(Links.Settings with { Credentials = listening });
        right.Expect("gpu-1", 3, _ => throw new InvalidOperationException("let in"));
        left.Connect(right.Endpoint, Links.Hello, _ear);
        string loss = _ear.Loss();
        Assert.Contains(line, loss);
        Assert.StartsWith($"gpu-1 at {right.Endpoint} ", loss);
        Assert.DoesNotContain('\n', loss);
        Links.Until(() => right.Counters.ConnectionsRefused(reason) > 0, "the count");
    }

    [Fact]
    public void No_TLS_where_it_is_wanted() => IsRefused(null, _there, "refused gpu-0: this node wants TLS and a certificate of the cluster's authority: give the node that dials its certificates");

    [Fact]
    public void TLS_where_there_is_none() => IsRefused(_here, null, " when TLS began: does that node have certificates?; dialled for 1 s");

    [Fact]
    public void A_member_dials_a_foreigner() => IsRefused(_here, _foreign, "did not come to terms over TLS (its certificate is not one of the cluster's authority): give both nodes certificates of one authority");

    [Fact]
    public void A_foreigner_dials_a_member() => IsRefused(_foreign, _there, "its certificate is not one of the cluster's authority");

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_stranger_who_trusts_everyone_is_not_trusted(bool certified)
    {
        using var node = new TensorNode(Links.Settings with { Credentials = _there });
        using var stranger = new RawPeer(node);
        using var tls = new SslStream(stranger.Stream, true, (_, _, _, _) => true);
        var e = Record.Exception(() =>
        {
            tls.AuthenticateAsClient("there", certified ? [_foreign.Certificate] : [], checkCertificateRevocation: false);
            HelloFormat.WriteHello(tls, Links.Hello);
            HelloFormat.ReadAnswer(tls);
        });
        Assert.True(e is IOException or AuthenticationException, $"{e}");
        Links.Until(() => node.Counters.ConnectionsRefused(Refusal.Security) == 1, "the count");
    }
}
