using AlexNetActors.Actors;

namespace AlexNetActors.Cluster.Tests;

/// <summary>A private authority in a folder that is gone after the test.</summary>
sealed class TestAuthority : IDisposable
{
    readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("alexnet-authority-");

    public NodeCredentials Certify(string name) => NodeCredentials.Load(CertificateAuthority.OpenOrMake(_folder.FullName).Certify([name], days: 1)[0].Folder);

    public void Dispose() => _folder.Delete(recursive: true);
}
