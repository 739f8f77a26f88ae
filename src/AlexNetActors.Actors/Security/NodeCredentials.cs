using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace AlexNetActors.Actors;

/// <summary>
/// What a node shows of itself and whom it believes: a certificate with its key, and the private authority of the cluster. Every certificate of
/// that authority is a member's; the system's own list of authorities is never asked, nor anything fetched from the network.
/// </summary>
public sealed class NodeCredentials
{
    internal const string ServerUse = "1.3.6.1.5.5.7.3.1", ClientUse = "1.3.6.1.5.5.7.3.2"; // RFC 5280, 4.2.1.12

    const SslProtocols Protocols = SslProtocols.Tls12 | SslProtocols.Tls13;

    readonly SslStreamCertificateContext _context;

    NodeCredentials(X509Certificate2 certificate, X509Certificate2 authority) =>
        (Certificate, Authority, _context) = (certificate, authority, SslStreamCertificateContext.Create(certificate, additionalCertificates: null, offline: true));

    /// <summary>The node's own, with its private key.</summary>
    public X509Certificate2 Certificate { get; }

    public X509Certificate2 Authority { get; }

    /// <param name="folder">Holds authority.pem, node.pem and node.key, as `alexnet certificates` makes them.</param>
    /// <param name="report">Hears what is unwise but works.</param>
    /// <exception cref="CredentialsException">A file is missing or damaged, they do not belong together, or a certificate is out of date.</exception>
    public static NodeCredentials Load(string folder, Action<string>? report = null)
    {
        var authority = CredentialFiles.ReadAuthority(folder);
        RequireValidNow(authority, Path.Combine(folder, CredentialFiles.Authority));
        var certificate = CredentialFiles.ReadWithKey(folder, CredentialFiles.Certificate, CredentialFiles.Key);
        string path = Path.Combine(folder, CredentialFiles.Certificate), key = Path.Combine(folder, CredentialFiles.Key);
        RequireValidNow(certificate, path);
        var credentials = new NodeCredentials(certificate, authority);
        if (credentials.Refusal(certificate) is { } refusal)
            throw new CredentialsException($"{path} is not a node's certificate of the authority beside it ({refusal}): take all three files from one folder that `alexnet certificates` made");
        if (CredentialFiles.OthersMayRead(key)) report?.Invoke($"{key} can be read by other users: chmod 600 {key}");
        return credentials;
    }

    /// <summary>Whether who presents this is a member: it is signed by the cluster's authority for both ends of a connection, and in date.</summary>
    public bool Trusts(X509Certificate? presented)
    {
        if (presented is null) return false;
        if (presented is X509Certificate2 certificate) return Refusal(certificate) is null;
        using var copy = X509CertificateLoader.LoadCertificate(presented.GetRawCertData());
        return Refusal(copy) is null;
    }

    /// <summary>How this node accepts connections by TLS.</summary>
    public SslServerAuthenticationOptions ServerOptions() => new()
    {
        ServerCertificateContext = _context,
        ClientCertificateRequired = true,
        RemoteCertificateValidationCallback = (_, certificate, _, _) => Trusts(certificate),
        EnabledSslProtocols = Protocols,
        CertificateChainPolicy = NoSystemStore(),
        AllowRenegotiation = false,
        AllowTlsResume = false, // a resumed session shows no certificate
    };

    /// <summary>How this node dials by TLS.</summary>
    public SslClientAuthenticationOptions ClientOptions(string host) => new()
    {
        TargetHost = host,
        ClientCertificateContext = _context,
        RemoteCertificateValidationCallback = (_, certificate, _, _) => Trusts(certificate),
        EnabledSslProtocols = Protocols,
        CertificateChainPolicy = NoSystemStore(),
        AllowRenegotiation = false,
        AllowTlsResume = false,
    };

    X509ChainPolicy NoSystemStore()
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true };
        policy.CustomTrustStore.Add(Authority);
        return policy;
    }

    /// <summary>Why a certificate is not a member's; null when it is.</summary>
    string? Refusal(X509Certificate2 certificate)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(Authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true; // or a stranger's certificate would say what we fetch, and from where
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid(ServerUse));
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid(ClientUse));
        return chain.Build(certificate) ? null : string.Join(", ", chain.ChainStatus.Select(s => s.Status).Distinct());
    }

    static void RequireValidNow(X509Certificate2 certificate, string path)
    {
        var now = DateTime.Now; // as the certificate's dates are given
        if (now > certificate.NotAfter) throw new CredentialsException($"{path} ended on {certificate.NotAfter:yyyy-MM-dd}: {CredentialFiles.Remedy}");
        if (now < certificate.NotBefore) throw new CredentialsException($"{path} begins on {certificate.NotBefore:yyyy-MM-dd}: check this machine's clock");
    }
}
