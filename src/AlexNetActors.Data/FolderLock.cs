namespace AlexNetActors.Data;

/// <summary>One writer a folder, among all processes of the machine. The system frees the lock of a process that dies.</summary>
internal sealed class FolderLock : IDisposable
{
    readonly FileStream file;

    FolderLock(FileStream file) => this.file = file;

    /// <exception cref="DataException">Another process still writes to the folder after <paramref name="wait"/>.</exception>
    internal static FolderLock Take(string folder, TimeSpan wait)
    {
        string path = Path.Combine(folder, ".lock");
        long deadline = Environment.TickCount64 + (long)wait.TotalMilliseconds;
        while (true)
        {
            try
            {
                return new FolderLock(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
            }
            catch (IOException) when (File.Exists(path) && Environment.TickCount64 < deadline)
            {
                Thread.Sleep(50);
            }
            catch (IOException) when (File.Exists(path))
            {
                throw new DataException($"another process is writing to {folder}: wait for it to end, or name another folder");
            }
        }
    }

    /// <summary>Lets the next one write. The file stays: removing it would race with whoever waits for it.</summary>
    public void Dispose() => file.Dispose();
}
