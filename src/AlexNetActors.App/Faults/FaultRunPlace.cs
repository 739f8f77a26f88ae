using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using AlexNetActors.Model;

namespace AlexNetActors.App;

/// <summary>Where a fault run works: its folder with the training run and every node's words, and what is used of the machine.</summary>
/// <param name="Folder">Made if missing.</param>
/// <param name="Data">The data set.</param>
/// <param name="Batch">Images in a step.</param>
/// <param name="Device">Of the towers.</param>
/// <param name="Network">Hosts of their own, for partitions; null for this machine's loopback.</param>
sealed record FaultRunPlace(string Folder, string Data, int Batch, string Device, FaultNetwork? Network)
{
    /// <summary>This program, as it was started.</summary>
    public static string[] Program { get; } = Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet"
        ? [Environment.ProcessPath!, Path.Combine(AppContext.BaseDirectory, "alexnet.dll")]
        : File.Exists(Path.Combine(AppContext.BaseDirectory, "alexnet")) ? [Path.Combine(AppContext.BaseDirectory, "alexnet")] : ["dotnet", Path.Combine(AppContext.BaseDirectory, "alexnet.dll")];

    public string Name => Path.GetFileName(Folder);
    public string Run => In("run");
    public string In(string name) => Path.Combine(Directory.CreateDirectory(Folder).FullName, name);

    CheckpointFolder Checkpoints => new RunFolder(Run).Checkpoints;

    /// <summary>Of the weights after so many steps; null when the run has not come so far.</summary>
    public string? Digest(long steps)
    {
        try
        {
            return Directory.Exists(Checkpoints.Path) && Checkpoints.NewestWhole(_ => { }) is { } newest && newest.Manifest.Progress.Steps == steps ? newest.Manifest.WeightsSha256 : null;
        }
        catch (CheckpointException)
        {
            return null;
        }
    }

    /// <summary>Samples lost and repeated, by the steps in the run's story: each of 1 ... steps must stand there once.</summary>
    public (long Lost, long Repeated) Samples(long steps)
    {
        string metrics = new RunFolder(Run).Metrics;
        if (!File.Exists(metrics)) return (steps * Batch, 0);
        var done = File.ReadLines(metrics).Select(Parse).Where(l => (string?)l?["kind"] == "step").GroupBy(l => (long)l!["step"]!).ToDictionary(g => g.Key, g => g.Count());
        long lost = Enumerable.Range(1, (int)steps).Count(s => !done.ContainsKey(s)), repeated = done.Values.Sum(n => n - 1L);
        return (lost * Batch, repeated * Batch);
    }

    static JsonObject? Parse(string line)
    {
        try
        {
            return JsonNode.Parse(line) as JsonObject;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <returns>Why it cannot be done.</returns>
    public string? Damage(long? steps)
    {
        string folder = steps is { } n ? Checkpoints.List().FirstOrDefault(c => c.Steps == n).Folder : Checkpoints.List().FirstOrDefault().Folder;
        if (folder is null) return steps is null ? "there is no checkpoint yet" : string.Create(CultureInfo.InvariantCulture, $"there is no checkpoint after step {steps}");
        using var file = new FileStream(Path.Combine(folder, CheckpointFolder.TowerFile(TowerId.A)), FileMode.Open, FileAccess.ReadWrite);
        file.Position = file.Length / 2;
        int was = file.ReadByte();
        file.Position--;
        file.WriteByte((byte)(was ^ 0x10));
        return null;
    }

    /// <summary>A disk of its own for the training run, so small that it can be filled; what is on it is there until <see cref="KeepDisk"/>.</summary>
    /// <exception cref="UsageException">This machine or user cannot make one.</exception>
    public void MakeDisk()
    {
        Directory.CreateDirectory(Run);
        Command("mount", "-t", "tmpfs", "-o", DiskSize, "tmpfs", Run);
    }

    /// <summary>Takes the disk away and leaves what was on it in its place.</summary>
    public void KeepDisk()
    {
        File.Delete(Ballast);
        Command("cp", "-a", Run, In("kept"));
        Command("umount", "-l", Run);
        Directory.Delete(Run);
        Directory.Move(In("kept"), Run);
    }

    const string DiskSize = "size=8m";
    static readonly TimeSpan CommandMax = TimeSpan.FromSeconds(10);

    string Ballast => Path.Combine(Run, ".partial");

    static void Command(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        string error = process.StandardError.ReadToEnd();
        if (!process.WaitForExit(CommandMax) || process.ExitCode != 0) throw new UsageException($"a disk that can be filled is a tmpfs, which takes root on Linux: {program} {string.Join(' ', arguments)}: {Hocon.OneLine(error)}");
    }

    /// <param name="empties">Calls what makes room again, later; null when the disk stays full.</param>
    public void FillDisk(Action<Action>? empties)
    {
        using (var file = new FileStream(Ballast, FileMode.Create, FileAccess.Write, FileShare.Delete))
        {
            byte[] block = new byte[4096];
            try
            {
                while (true)
                {
                    file.Write(block);
                    file.Flush();
                }
            }
            catch (IOException) { } // full
        }
        empties?.Invoke(() => File.Delete(Ballast));
    }
}
