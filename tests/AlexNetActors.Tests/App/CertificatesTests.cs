using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using AlexNetActors.Actors;
using AlexNetActors.Tests.Data;

namespace AlexNetActors.Tests.App;

/// <summary>alexnet certificates, as the user runs it.</summary>
public sealed class CertificatesTests : IDisposable
{
    readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    string Cluster => _folder["cluster"];

    Alexnet.Result Run(string nodes, params string[] more) => Alexnet.Run(["certificates", Cluster, "--nodes", nodes, .. more]);

    [Fact]
    public void It_makes_an_authority_and_nodes_and_later_adds_one()
    {
        Run("node-1,10.0.0.7,::1").Expect(0);
        string[] files = [.. Directory.EnumerateFiles(Cluster, "*", SearchOption.AllDirectories)];
        Assert.Equal(2 + 3 * 3, files.Length);
        if (!OperatingSystem.IsWindows())
            foreach (string key in files.Where(f => f.EndsWith(".key", StringComparison.Ordinal))) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(key));
        var before = files.ToDictionary(f => f, File.ReadAllBytes);

        var added = Run("node-1,node-2", "--json").Expect(0).Json;
        Assert.False((bool)added["authority"]!["made"]!);
        Assert.Equal("node-1 False, node-2 True", string.Join(", ", added["nodes"]!.AsArray().Select(n => $"{n!["name"]} {n["made"]}")), ignoreCase: true);
        Assert.All(before, f => Assert.Equal(f.Value, File.ReadAllBytes(f.Key)));
        Assert.True(NodeCredentials.Load(Path.Combine(Cluster, "node-1")).Trusts(NodeCredentials.Load(Path.Combine(Cluster, "node-2")).Certificate));
    }

    [Fact]
    public void Openssl_finds_nothing_wrong()
    {
        Assert.SkipUnless((Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Any(p => File.Exists(Path.Combine(p, "openssl"))), "there is no openssl");
        Run("node-1,10.0.0.7").Expect(0);
        foreach (string purpose in new[] { "sslserver", "sslclient" })
            foreach (var (name, check) in new[] { ("node-1", "-verify_hostname"), ("10.0.0.7", "-verify_ip") })
                Alexnet.Wait(Alexnet.StartProcess("openssl", "verify", "-x509_strict", "-purpose", purpose, check, name, "-CAfile", Path.Combine(Cluster, name, "authority.pem"), Path.Combine(Cluster, name, "node.pem"))).Expect(0);
        Alexnet.Wait(Alexnet.StartProcess("openssl", "pkey", "-in", Path.Combine(Cluster, "node-1", "node.key"), "-noout", "-check")).Expect(0);
    }

    [Fact]
    public void A_certificate_lasts_as_long_as_asked()
    {
        var node = Run("node-1", "--days", "3", "--json").Expect(0).Json["nodes"]![0]!;
        Assert.Equal(3, ((DateTime)node["validUntil"]! - DateTime.UtcNow).TotalDays, 0.1);
    }

    /// <summary>An authority as another tool makes it, which begins now.</summary>
    void Bring(bool rsa)
    {
        using RSA? other = rsa ? RSA.Create(2048) : null;
        using var own = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = other is null ? new CertificateRequest("CN=brought", own, HashAlgorithmName.SHA256) : new CertificateRequest("CN=brought", other, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow, DateTimeOffset.UtcNow.AddDays(9));
        Directory.CreateDirectory(Path.Combine(Cluster, "authority"));
        File.WriteAllText(Path.Combine(Cluster, "authority", "authority.pem"), certificate.ExportCertificatePem());
        File.WriteAllText(Path.Combine(Cluster, "authority", "authority.key"), other?.ExportPkcs8PrivateKeyPem() ?? own.ExportPkcs8PrivateKeyPem());
    }

    [Fact]
    public void An_authority_that_has_just_begun_signs()
    {
        Bring(rsa: false);
        Run("node-1,node-2").Expect(0);
        Assert.True(NodeCredentials.Load(Path.Combine(Cluster, "node-1")).Trusts(NodeCredentials.Load(Path.Combine(Cluster, "node-2")).Certificate));
    }

    [Fact]
    public void One_that_cannot_sign_is_named()
    {
        Bring(rsa: true);
        Refused(Run("node-1"), 1, $"the authority in {Path.Combine(Cluster, "authority")} cannot sign a node's certificate (");
        Assert.False(Directory.Exists(Path.Combine(Cluster, "node-1")));
    }

    [Theory]
    [InlineData("a b", "'a b' is no host name and no address")]
    [InlineData("../a", "'../a' is no host name and no address")]
    [InlineData("a,", "'' is no host name and no address")]
    [InlineData("a,A", "--nodes names a twice")]
    [InlineData("authority", "'authority' is the authority's own folder")]
    public void A_name_that_is_none_is_refused(string nodes, string expected) => Refused(Run(nodes), 2, expected);

    [Fact]
    public void Wrong_use_is_one_line()
    {
        Refused(Run("a", "--days", "0"), 2, "--days is 0: wanted 1 to 3650");
        Refused(Alexnet.Run("certificates", Cluster), 2, "'--nodes' is required");
        Assert.False(Directory.Exists(Cluster));
    }

    [Fact]
    public void What_is_damaged_is_named_and_nothing_is_made()
    {
        Run("a").Expect(0);
        File.WriteAllText(Path.Combine(Cluster, "a", "node.key"), "nothing");
        Refused(Run("b,a"), 1, $"remove {Path.Combine(Cluster, "a")} to have it made anew");
        Assert.False(Directory.Exists(Path.Combine(Cluster, "b")));
        File.WriteAllText(Path.Combine(Cluster, "authority", "authority.key"), "nothing");
        Refused(Run("b"), 1, "authority.key holds no private key in PEM form");
        File.WriteAllText(_folder["file"], "");
        Refused(Alexnet.Run("certificates", _folder["file"], "--nodes", "a"), 1, "cannot write");
    }

    static void Refused(Alexnet.Result result, int code, string expected)
    {
        string error = Assert.Single(result.Expect(code).Err.TrimEnd().Split('\n'));
        Assert.StartsWith("alexnet: ", error);
        Assert.Contains(expected, error);
        Assert.Equal("", result.Out);
    }
}
