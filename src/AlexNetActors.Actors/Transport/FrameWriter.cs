namespace AlexNetActors.Actors;

/// <summary>
/// Writes frames to a stream, for one thread. A payload is hashed a piece at a time right before the piece is written, while it is in the cache;
/// what is small is gathered so that a small frame is one write.
/// </summary>
sealed class FrameWriter(Stream stream)
{
    const int GatheredBytes = 16 * 1024;

    readonly FrameChecksum _checksum = new();
    readonly byte[] _gathered = new byte[GatheredBytes];
    int _waiting;

    /// <exception cref="IOException">The connection ended.</exception>
    public void Write(in OutgoingFrame frame)
    {
        Span<byte> header = stackalloc byte[FrameFormat.HeaderBytes], trailer = stackalloc byte[FrameFormat.TrailerBytes];
        FrameFormat.WriteHeader(frame.Header, header);
        _checksum.Start(header);
        Put(header);
        PutPayload(frame.First.Span);
        PutPayload(frame.Second.Span);
        FrameFormat.WriteTrailer(_checksum.Finish(), trailer);
        Put(trailer);
        WriteGathered();
    }

    void PutPayload(ReadOnlySpan<byte> payload)
    {
        while (!payload.IsEmpty)
        {
            var piece = payload[..Math.Min(payload.Length, FrameFormat.PieceBytes)];
            _checksum.Append(piece);
            Put(piece);
            payload = payload[piece.Length..];
        }
    }

    /// <summary>Fills the gathered bytes up first; what is then left is written where it lies if that is much.</summary>
    void Put(ReadOnlySpan<byte> piece)
    {
        while (_waiting > 0 || piece.Length < GatheredBytes)
        {
            int room = Math.Min(piece.Length, GatheredBytes - _waiting);
            piece[..room].CopyTo(_gathered.AsSpan(_waiting));
            _waiting += room;
            piece = piece[room..];
            if (_waiting == GatheredBytes) WriteGathered();
            if (piece.IsEmpty) return;
        }
        stream.Write(piece);
    }

    void WriteGathered()
    {
        if (_waiting > 0) stream.Write(_gathered, 0, _waiting);
        _waiting = 0;
    }
}
