using System.IO.Hashing;

namespace AlexNetActors.Actors;

/// <summary>
/// Writes frames to a stream, for one thread. A payload is hashed a piece at a time right before the piece is written, while it is in the cache;
/// what is small is gathered so that a small frame is one write.
/// </summary>
sealed class FrameWriter(Stream stream)
{
    const int GatheredBytes = 16 * 1024;

    readonly XxHash3 _hash = new();
    readonly byte[] _gathered = new byte[GatheredBytes];
    int _waiting;

    public void Write(in OutgoingFrame frame)
    {
        Span<byte> header = stackalloc byte[FrameFormat.HeaderBytes], trailer = stackalloc byte[FrameFormat.TrailerBytes];
        FrameFormat.WriteHeader(frame.Header, header);
        _hash.Reset();
        Put(header);
        PutPieces(frame.First.Span);
        PutPieces(frame.Second.Span);
        FrameFormat.WriteTrailer(_hash.GetCurrentHashAsUInt64(), trailer);
        Gather(trailer);
        WriteGathered();
    }

    void PutPieces(ReadOnlySpan<byte> payload)
    {
        for (; payload.Length > FrameFormat.PieceBytes; payload = payload[FrameFormat.PieceBytes..]) Put(payload[..FrameFormat.PieceBytes]);
        Put(payload);
    }

    void Put(ReadOnlySpan<byte> piece)
    {
        _hash.Append(piece);
        if (_waiting > 0 || piece.Length < GatheredBytes) piece = Gather(piece);
        if (!piece.IsEmpty) stream.Write(piece);
    }

    /// <returns>What did not fit, if that is much.</returns>
    ReadOnlySpan<byte> Gather(ReadOnlySpan<byte> piece)
    {
        while (true)
        {
            int room = Math.Min(piece.Length, GatheredBytes - _waiting);
            piece[..room].CopyTo(_gathered.AsSpan(_waiting));
            _waiting += room;
            piece = piece[room..];
            if (_waiting == GatheredBytes) WriteGathered();
            if (piece.IsEmpty || piece.Length >= GatheredBytes) return piece;
        }
    }

    void WriteGathered()
    {
        if (_waiting > 0) stream.Write(_gathered, 0, _waiting);
        _waiting = 0;
    }
}
