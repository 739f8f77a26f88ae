using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using AlexNetActors.Actors;
using AlexNetActors.Tests.Data;

namespace AlexNetActors.Tests.Actors;

/// <summary>Whom a node trusts, and what it says of files that it cannot use.</summary>
public sealed class NodeCredentialsTests : IDisposable
{
    readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    string Make(string cluster, string name) => CertificateAuthority.OpenOrMake(_folder[cluster]).Certify([name], days: 1)[0].Folder;

    [Fact]
    public void Members_trust_each_other_and_nobody_else()
    {
        var a = NodeCredentials.Load(Make("ours", "a"));
        var b = NodeCredentials.Load(Make("ours", "b"));
        var foreign = NodeCredentials.Load(Make("theirs", "a"));
        Assert.True(a.Trusts(b.Certificate));
        Assert.True(b.Trusts(X509CertificateLoader.LoadCertificate(a.Certificate.RawData)));
        Assert.False(a.Trusts(foreign.Certificate));
        Assert.False(a.Trusts(null));
        Assert.False(a.Trusts(Signed(a.Certificate, "under a member's own name", Uses.Both, DateTimeOffset.Now.AddHours(1))));
    }

    enum Uses { Server, Both }

    /// <summary>A certificate that somebody signs; he needs to be no authority for that.</summary>
    static X509Certificate2 Signed(X509Certificate2 issuer, string name, Uses uses, DateTimeOffset until)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var oids = new OidCollection { new Oid(NodeCredentials.ServerUse) };
        if (uses == Uses.Both) oids.Add(new Oid(NodeCredentials.ClientUse));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(oids, critical: false));
        return request.Create(issuer.SubjectName, X509SignatureGenerator.CreateForECDsa(issuer.GetECDsaPrivateKey()!), until.AddHours(-20), until, [1, 2, 3]);
    }

    [Fact]
    public void A_certificate_out_of_date_or_for_one_end_only_is_not_trusted()
    {
        var a = NodeCredentials.Load(Make("ours", "a"));
        using var authority = CredentialFiles.ReadWithKey(_folder["ours", "authority"], CredentialFiles.Authority, CredentialFiles.AuthorityKey);
        Assert.True(a.Trusts(Signed(authority, "good", Uses.Both, DateTimeOffset.Now.AddHours(1))));
        Assert.False(a.Trusts(Signed(authority, "ended", Uses.Both, DateTimeOffset.Now.AddHours(-1))));
        Assert.False(a.Trusts(Signed(authority, "not begun", Uses.Both, DateTimeOffset.Now.AddHours(21))));
        Assert.False(a.Trusts(Signed(authority, "server", Uses.Server, DateTimeOffset.Now.AddHours(1))));
    }

    [Theory]
    [InlineData("authority.pem")]
    [InlineData("node.pem")]
    [InlineData("node.key")]
    public void A_file_that_is_missing_or_damaged_is_named(string file)
    {
        string folder = Make("ours", "a"), path = Path.Combine(folder, file);
        File.WriteAllText(path, File.ReadAllText(path)[..^60]);
        Assert.StartsWith($"{path} holds no", Refusal(folder));
        File.Delete(path);
        Assert.StartsWith($"there is no {path}: make a folder for each node with `alexnet certificates DIR --nodes NAME`", Refusal(folder));
    }

    [Fact]
    public void Files_of_different_folders_are_refused()
    {
        string a = Make("ours", "a"), b = Make("ours", "b"), foreign = Make("theirs", "a");
        File.Copy(Path.Combine(b, "node.key"), Path.Combine(a, "node.key"), overwrite: true);
        Assert.Contains("or not that of node.pem", Refusal(a));
        File.Copy(Path.Combine(foreign, "authority.pem"), Path.Combine(b, "authority.pem"), overwrite: true);
        Assert.Contains("is not a node's certificate of the authority beside it", Refusal(b));
        File.Copy(Path.Combine(foreign, "node.pem"), Path.Combine(foreign, "authority.pem"), overwrite: true);
        Assert.Contains("may not sign others", Refusal(foreign));
    }

    [Fact]
    public void A_key_that_others_may_read_is_reported_and_used()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such permissions");
        string folder = Make("ours", "a"), key = Path.Combine(folder, "node.key");
        List<string> reports = [];
        NodeCredentials.Load(folder, reports.Add);
        Assert.Empty(reports);
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(key, UnixFileMode.UserRead | UnixFileMode.GroupRead);
        NodeCredentials.Load(folder, reports.Add);
        Assert.Equal($"{key} can be read by other users: chmod 600 {key}", Assert.Single(reports));
    }

    static string Refusal(string folder)
    {
        string message = Assert.Throws<CredentialsException>(() => NodeCredentials.Load(folder)).Message;
        Assert.DoesNotContain("\n", message);
        return message;
    }
}
