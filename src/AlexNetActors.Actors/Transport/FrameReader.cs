namespace AlexNetActors.Actors;

/// <summary>Reads frames from a stream, for one thread; a payload goes straight to where it belongs, and is hashed while it is in the cache.</summary>
sealed class FrameReader(Stream stream)
{
    readonly FrameChecksum _checksum = new();

    /// <exception cref="FrameRefusedException">It is not the header of a frame.</exception>
    /// <exception cref="IOException">The connection ended.</exception>
    public FrameHeader ReadHeader()
    {
        Span<byte> header = stackalloc byte[FrameFormat.HeaderBytes];
        Fill(header);
        _checksum.Start(header);
        return FrameFormat.ReadHeader(header);
    }

    /// <summary>The next bytes of a payload: a piece, at most all that are wanted.</summary>
    /// <returns>How many.</returns>
    /// <exception cref="IOException">The connection ended.</exception>
    public int ReadPiece(Span<byte> destination)
    {
        if (destination.Length > FrameFormat.PieceBytes) destination = destination[..FrameFormat.PieceBytes];
        Fill(destination);
        _checksum.Append(destination);
        return destination.Length;
    }

    /// <exception cref="FrameRefusedException">What came is not what was sent.</exception>
    /// <exception cref="IOException">The connection ended.</exception>
    public void CheckTrailer(in FrameHeader header)
    {
        Span<byte> trailer = stackalloc byte[FrameFormat.TrailerBytes];
        Fill(trailer);
        ulong got = _checksum.Finish(), wanted = FrameFormat.ReadTrailer(trailer);
        if (got != wanted) throw new FrameRefusedException($"its {header.Kind} of {header.Bytes} bytes of {header.Pass} has checksum {got:x16}, wanted {wanted:x16}: damaged on the way");
    }

    void Fill(Span<byte> destination)
    {
        while (!destination.IsEmpty)
        {
            int got = stream.Read(destination);
            if (got == 0) throw new ConnectionEndedException("closed the connection");
            destination = destination[got..];
        }
    }
}
