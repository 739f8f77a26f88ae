namespace AlexNetActors.Tests.Data;

/// <summary>A folder that is gone after the test.</summary>
sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("alexnet-test-").FullName;

    public string this[params string[] parts] => System.IO.Path.Combine([Path, .. parts]);

    /// <summary>Copies the files of a flat folder, as a kill at this moment would leave them.</summary>
    public static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (string file in Directory.GetFiles(from))
            if (!file.EndsWith(".lock", StringComparison.Ordinal)) CopyShared(file, System.IO.Path.Combine(to, System.IO.Path.GetFileName(file)));
    }

    static void CopyShared(string from, string to)
    {
        using var source = new FileStream(from, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var copy = File.Create(to);
        source.CopyTo(copy);
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
