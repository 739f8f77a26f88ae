using System.IO.Hashing;
using AlexNetActors.Actors;

namespace AlexNetActors.Tests.Actors.Transport;

public sealed class FrameChecksumTests
{
    const int Piece = 256 * 1024;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(Piece - 1)]
    [InlineData(Piece)]
    [InlineData(3 * Piece + 5)]
    public void It_is_the_same_however_the_payload_comes(int bytes)
    {
        byte[] header = Links.Bytes(FrameFormat.HeaderBytes, 1), payload = Links.Bytes(bytes, 2);
        byte[][] pieces = [.. payload.Chunk(Piece)];
        var all = new MemoryStream();
        all.Write(header);
        foreach (byte[] piece in pieces) all.Write(XxHash3.Hash(piece)); // big-endian
        ulong wanted = XxHash3.HashToUInt64(all.ToArray());
        var checksum = new FrameChecksum();
        var random = new Random(3);
        for (int n = 0; n < 20; n++)
        {
            checksum.Start(header);
            for (int at = 0; at < bytes;)
            {
                int part = n == 0 ? bytes : Math.Min(bytes - at, 1 + random.Next(2 * Piece));
                checksum.Append(payload.AsSpan(at, part));
                at += part;
            }
            Assert.Equal(wanted, checksum.Finish());
        }
    }
}
