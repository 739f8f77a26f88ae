namespace AlexNetActors.Data;

/// <summary>One picture of a source: a file, or a stretch of a tar.</summary>
/// <param name="Container">The file to read.</param>
/// <param name="Offset">Where in it the picture begins.</param>
/// <param name="Length">Its bytes.</param>
/// <param name="Name">Path within the source, for reports.</param>
/// <param name="Label">Class index.</param>
/// <param name="Stamp">Last change of the container, UTC ticks.</param>
internal readonly record struct SourceFile(string Container, long Offset, long Length, string Name, int Label, long Stamp)
{
    /// <summary>Reads the picture's bytes into a buffer that grows as needed.</summary>
    /// <returns>Bytes read, which are fewer where the file has shrunk.</returns>
    internal int Read(ref byte[] buffer)
    {
        if (buffer.Length < Length) buffer = new byte[Math.Max(Length, 1 << 20)];
        using var handle = File.OpenHandle(Container);
        int read = 0;
        while (read < Length)
        {
            int n = RandomAccess.Read(handle, buffer.AsSpan(read, (int)Length - read), Offset + read);
            if (n == 0) break;
            read += n;
        }
        return read;
    }
}
