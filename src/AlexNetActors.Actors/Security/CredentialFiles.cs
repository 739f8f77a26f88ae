using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace AlexNetActors.Actors;

/// <summary>The PEM files of a node's folder and of the authority's: their names, and how they are read.</summary>
static class CredentialFiles
{
    public const string Authority = "authority.pem", AuthorityKey = "authority.key", Certificate = "node.pem", Key = "node.key";

    public const string Remedy = "make a folder for each node with `alexnet certificates DIR --nodes NAME`";

    /// <exception cref="CredentialsException">The file cannot be read or is no certificate, or the authority it holds may sign nothing.</exception>
    public static X509Certificate2 ReadAuthority(string folder)
    {
        string path = Path.Combine(folder, Authority);
        var authority = Parse(path, () => X509Certificate2.CreateFromPem(ReadText(path)), "no certificate in PEM form");
        if (!authority.Extensions.OfType<X509BasicConstraintsExtension>().Any(e => e.CertificateAuthority))
            throw new CredentialsException($"{path} is a certificate that may not sign others: copy the {Authority} that `alexnet certificates` made beside the nodes' folders");
        return authority;
    }

    /// <summary>A certificate with its private key, in the form that TLS takes on every system.</summary>
    /// <exception cref="CredentialsException">One of the files cannot be read, or they do not belong together.</exception>
    public static X509Certificate2 ReadWithKey(string folder, string certificate, string key)
    {
        string path = Path.Combine(folder, certificate), keyPath = Path.Combine(folder, key);
        string text = ReadText(path), keyText = ReadText(keyPath);
        using var alone = Parse(path, () => X509Certificate2.CreateFromPem(text), "no certificate in PEM form");
        using var withKey = Parse(keyPath, () => X509Certificate2.CreateFromPem(text, keyText), $"no private key in PEM form, or not that of {certificate}");
        return X509CertificateLoader.LoadPkcs12(withKey.Export(X509ContentType.Pkcs12), password: null); // Windows refuses TLS with a key that was read from PEM
    }

    /// <summary>Whether users other than its owner may read it; Windows has no such bits.</summary>
    public static bool OthersMayRead(string path) =>
        !OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & (UnixFileMode.GroupRead | UnixFileMode.OtherRead)) != 0;

    static string ReadText(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new CredentialsException($"there is no {path}: {Remedy}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CredentialsException($"cannot read {path}: {e.Message}");
        }
    }

    static X509Certificate2 Parse(string path, Func<X509Certificate2> parse, string otherwise)
    {
        try
        {
            return parse();
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException) // the latter for a key of another certificate
        {
            throw new CredentialsException($"{path} holds {otherwise}: {Remedy}");
        }
    }

    /// <summary>All of a folder or nothing of it: it gets its name when its files are on the disk.</summary>
    /// <exception cref="CredentialsException">It cannot be written, or somebody else has just made it.</exception>
    public static void WriteFolder(string folder, IReadOnlyList<(string Name, string Text, bool Secret)> files)
    {
        string temporary = $"{folder}.{Path.GetRandomFileName()}.tmp"; // not by the process's id, which is 1 in every container
        try
        {
            Directory.CreateDirectory(temporary);
            foreach (var (name, text, secret) in files) Write(Path.Combine(temporary, name), text, secret);
            Directory.Move(temporary, folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (Directory.Exists(temporary)) Directory.Delete(temporary, recursive: true);
            throw new CredentialsException($"cannot write {folder}: {e.Message}");
        }
    }

    static void Write(string path, string text, bool secret)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (secret && !OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using var file = new FileStream(path, options);
        file.Write(Encoding.ASCII.GetBytes(text + "\n"));
        file.Flush(flushToDisk: true);
    }
}
