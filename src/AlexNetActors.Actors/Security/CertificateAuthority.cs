using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.RegularExpressions;

namespace AlexNetActors.Actors;

/// <summary>A node of a <see cref="CertificateAuthority"/>.</summary>
/// <param name="Name">Its host's name or address.</param>
/// <param name="Folder">What <see cref="NodeCredentials.Load"/> reads.</param>
/// <param name="Made">False: it was there and is kept.</param>
/// <param name="ValidUntil">The end of its certificate, local time.</param>
public sealed record CertifiedNode(string Name, string Folder, bool Made, DateTime ValidUntil);

/// <summary>The private authority of one cluster: a key and a certificate (ECDSA on P-256) that signs those of its nodes.</summary>
public sealed partial class CertificateAuthority
{
    const string FolderName = "authority";

    /// <summary>The file that makes members.</summary>
    public const string KeyFile = CredentialFiles.AuthorityKey;

    /// <summary>The longest a node's certificate may last; the authority itself lasts as long from its making on.</summary>
    public const int DaysMax = 3650;

    static readonly TimeSpan ClockSkewMax = TimeSpan.FromDays(1); // between the hosts of a cluster: every certificate begins so much earlier

    readonly X509Certificate2 _certificate;
    readonly string _parent;

    CertificateAuthority(string parent, X509Certificate2 certificate, bool made) => (_parent, _certificate, Made) = (parent, certificate, made);

    /// <summary>False: it was there and is kept.</summary>
    public bool Made { get; }

    public string Folder => FolderOf(_parent);

    static string FolderOf(string parent) => Path.Combine(parent, FolderName);

    /// <param name="parent">Holds the folder "authority" and one for each node; made if missing.</param>
    /// <exception cref="CredentialsException">What is there is damaged or out of date, or nothing can be written.</exception>
    public static CertificateAuthority OpenOrMake(string parent)
    {
        bool there = Directory.Exists(FolderOf(parent));
        if (!there) Make(parent);
        CredentialFiles.ReadAuthority(FolderOf(parent)).Dispose();
        var certificate = CredentialFiles.ReadWithKey(FolderOf(parent), CredentialFiles.Authority, CredentialFiles.AuthorityKey);
        if (certificate.NotAfter <= DateTime.Now) throw new CredentialsException($"the authority in {FolderOf(parent)} ended on {certificate.NotAfter:yyyy-MM-dd}: make a new one in another folder, and new certificates for all nodes");
        return new CertificateAuthority(parent, certificate, !there);
    }

    static void Make(string parent)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        string name = $"CN=AlexNetActors authority {Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}"; // so that two clusters' can be told apart
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: true, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        var now = DateTimeOffset.UtcNow;
        using var certificate = request.CreateSelfSigned(now - ClockSkewMax, now.AddDays(DaysMax));
        CredentialFiles.WriteFolder(FolderOf(parent), [
            (CredentialFiles.Authority, certificate.ExportCertificatePem(), Secret: false),
            (CredentialFiles.AuthorityKey, key.ExportPkcs8PrivateKeyPem(), Secret: true)]);
    }

    /// <summary>A folder for each name; what is there already and whole is kept, and nothing is made if one name cannot be had.</summary>
    /// <param name="names">The nodes' host names or addresses.</param>
    /// <param name="days">How long new certificates last.</param>
    /// <exception cref="CredentialsException">A name is none, or what is there of it cannot be used.</exception>
    public IReadOnlyList<CertifiedNode> Certify(IReadOnlyList<string> names, int days)
    {
        var until = DateTimeOffset.UtcNow.AddDays(days);
        if (until > _certificate.NotAfter) until = _certificate.NotAfter;
        var kept = names.ToDictionary(name => name, Existing);
        return [.. names.Select(name => kept[name] ?? Issue(name, until))];
    }

    /// <summary>What is wrong with a node's name; null when it is a host's name or address.</summary>
    public static string? Complaint(string name) =>
        name.Equals(FolderName, StringComparison.OrdinalIgnoreCase) ? $"'{name}' is the authority's own folder: name the node otherwise"
        : HostName().IsMatch(name) || IsAddress(name, out _) ? null
        : $"'{name}' is no host name and no address: wanted up to 63 letters, digits, '-', '_' and '.'";

    CertifiedNode? Existing(string name)
    {
        string folder = Path.Combine(_parent, name);
        if (!Directory.Exists(folder)) return null;
        try
        {
            var credentials = NodeCredentials.Load(folder);
            if (!credentials.Authority.RawDataMemory.Span.SequenceEqual(_certificate.RawDataMemory.Span)) throw new CredentialsException($"{folder} is of another authority than {Folder}");
            return new CertifiedNode(name, folder, Made: false, credentials.Certificate.NotAfter);
        }
        catch (CredentialsException e)
        {
            throw new CredentialsException($"a node's key is never overwritten; remove {folder} to have it made anew: {e.Message}");
        }
    }

    CertifiedNode Issue(string name, DateTimeOffset until)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, hasPathLengthConstraint: false, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(NodeCredentials.ServerUse), new Oid(NodeCredentials.ClientUse)], critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        request.CertificateExtensions.Add(HostOf(name));
        byte[] serial = RandomNumberGenerator.GetBytes(16);
        serial[0] = (byte)(serial[0] & 0x7f | 0x40); // positive, and without leading zeros: DER, X.690 8.3.2
        var from = DateTimeOffset.UtcNow - ClockSkewMax;
        if (from < _certificate.NotBefore) from = _certificate.NotBefore; // one that somebody brought: no certificate may begin before it
        using var certificate = Sign(request, from, until, serial);
        string folder = Path.Combine(_parent, name);
        CredentialFiles.WriteFolder(folder, [
            (CredentialFiles.Authority, _certificate.ExportCertificatePem(), Secret: false),
            (CredentialFiles.Certificate, certificate.ExportCertificatePem(), Secret: false),
            (CredentialFiles.Key, key.ExportPkcs8PrivateKeyPem(), Secret: true)]);
        return new CertifiedNode(name, folder, Made: true, certificate.NotAfter);
    }

    X509Certificate2 Sign(CertificateRequest request, DateTimeOffset from, DateTimeOffset until, byte[] serial)
    {
        try
        {
            request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(_certificate, includeKeyIdentifier: true, includeIssuerAndSerial: false));
            return request.Create(_certificate, from, until, serial);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException or InvalidOperationException) // one that somebody brought, with an RSA key, or none that says which it is
        {
            throw new CredentialsException($"the authority in {Folder} cannot sign a node's certificate ({e.Message.Split('\n')[0]}): use one that `alexnet certificates` makes");
        }
    }

    static X509Extension HostOf(string name)
    {
        var names = new SubjectAlternativeNameBuilder();
        if (IsAddress(name, out var address)) names.AddIpAddress(address);
        else names.AddDnsName(name);
        return names.Build();
    }

    static bool IsAddress(string name, out IPAddress address) => IPAddress.TryParse(name, out address!) && address.ToString() == name; // "1" also parses, as 0.0.0.1

    [GeneratedRegex(@"^(?=.{1,63}$)[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?)*\z")]
    private static partial Regex HostName();
}
