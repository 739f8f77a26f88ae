using System.Buffers.Binary;
using System.IO.Hashing;

namespace AlexNetActors.Actors;

/// <summary>
/// A frame's checksum: the XxHash3-64 of its header and of the XxHash3-64s (big-endian) of its payload's pieces. A whole piece at once is hashed twice as fast as
/// the same bytes appended bit by bit; one that comes in parts gives the same.
/// </summary>
sealed class FrameChecksum
{
    const int PieceBytes = 256 * 1024;

    readonly XxHash3 _frame = new(), _piece = new();
    int _begun; // bytes of a piece that came in parts

    public void Start(ReadOnlySpan<byte> header)
    {
        _frame.Reset();
        _frame.Append(header);
        _piece.Reset();
        _begun = 0;
    }

    public void Append(ReadOnlySpan<byte> payload)
    {
        while (!payload.IsEmpty)
        {
            int bytes = Math.Min(PieceBytes - _begun, payload.Length);
            if (bytes == PieceBytes) AppendPiece(XxHash3.HashToUInt64(payload[..bytes]));
            else AppendPart(payload[..bytes]);
            payload = payload[bytes..];
        }
    }

    public ulong Finish()
    {
        if (_begun > 0) EndParts();
        return _frame.GetCurrentHashAsUInt64();
    }

    void AppendPart(ReadOnlySpan<byte> part)
    {
        _piece.Append(part);
        _begun += part.Length;
        if (_begun == PieceBytes) EndParts();
    }

    void EndParts()
    {
        AppendPiece(_piece.GetCurrentHashAsUInt64());
        _piece.Reset();
        _begun = 0;
    }

    void AppendPiece(ulong hash)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, hash);
        _frame.Append(bytes);
    }
}
