using AlexNetActors.Data;

namespace AlexNetActors.App;

/// <summary>The data set that a command names, or the built-in one.</summary>
static class DataSets
{
    /// <inheritdoc cref="DataFolder.Open"/>
    public static DataFolder Open(string? path, Action<string> report)
    {
        if (path is not null) return DataFolder.Open(path);
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
