using AlexNetActors.Data;
using AlexNetActors.Model;

namespace AlexNetActors.App;

/// <summary>The data set that a command names, or the built-in one.</summary>
static class DataSets
{
    /// <param name="path">Its folder; null for the built-in one, or the run's.</param>
    /// <param name="report">Told what takes its time.</param>
    /// <param name="earlier">A run on it. The built-in pictures lie elsewhere on another machine, and for another user.</param>
    /// <inheritdoc cref="DataFolder.Open"/>
    public static DataFolder Open(string? path, Action<string> report, RunManifest? earlier = null)
    {
        if (path is not null) return DataFolder.Open(path);
        if (earlier is null) return BuiltIn(report);
        if (!Directory.Exists(earlier.Data) && earlier.Classes.SequenceEqual(BuiltInPictures.Classes))
        {
            var data = BuiltIn(report);
            if (data.Digest == earlier.DataDigest) return data;
            data.Dispose();
        }
        return DataFolder.Open(earlier.Data);
    }

    static DataFolder BuiltIn(Action<string> report)
    {
        string folder = BuiltInFolder();
        if (!Directory.Exists(folder) || !Directory.EnumerateFiles(folder).Any()) report($"drawing the built-in pictures into {folder}");
        return BuiltInPictures.Create(folder);
    }

    /// <summary>Among the user's application data where that can be written, else among the temporary files.</summary>
    static string BuiltInFolder()
    {
        string name = Path.Combine("alexnet", "built-in");
        string home = Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify);
        return home != "" && CanWrite(Path.Combine(home, name)) ? Path.Combine(home, name) : Path.Combine(Path.GetTempPath(), $"{Environment.UserName}-{name.Replace(Path.DirectorySeparatorChar, '-')}");
    }

    static bool CanWrite(string folder)
    {
        try
        {
            Directory.CreateDirectory(folder);
            File.Create(Path.Combine(folder, $".probe-{Environment.ProcessId}"), 1, FileOptions.DeleteOnClose).Dispose();
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
