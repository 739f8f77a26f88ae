using System.Diagnostics;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace AlexNetActors.Actors;

/// <summary>
/// A connected socket as a blocking stream whose every wait ends. Until a connection is accepted all reads and writes together have one deadline,
/// so that a stranger who sends a byte now and then cannot stay. Afterwards a read that gets nothing for a while ends the connection; a write waits
/// until <see cref="Cut"/>: a peer too busy to take frames still says that it lives, and only the reading side judges that.
/// </summary>
sealed partial class SocketStream : Stream
{
    readonly Socket _socket;
    long _until; // timestamp; 0: accepted
    volatile bool _cut;

    public SocketStream(Socket socket, TimeSpan deadline)
    {
        _socket = socket;
        _until = Stopwatch.GetTimestamp() + (long)(deadline.TotalSeconds * Stopwatch.Frequency);
    }

    /// <summary>The connection is accepted: from now on a read waits for this long.</summary>
    public void Accepted(TimeSpan idleDeadline)
    {
        _until = 0;
        (_socket.ReceiveTimeout, _socket.SendTimeout) = ((int)idleDeadline.TotalMilliseconds, 0);
    }

    /// <summary>The next byte, which stays to be read; null at the end of the stream.</summary>
    public byte? Peek()
    {
        Span<byte> first = stackalloc byte[1];
        return Receive(first, SocketFlags.Peek) == 0 ? null : first[0];
    }

    public override int Read(Span<byte> buffer) => Receive(buffer, SocketFlags.None);

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    int Receive(Span<byte> buffer, SocketFlags flags)
    {
        if (_until != 0) _socket.ReceiveTimeout = MillisecondsLeft();
        int got = _socket.Receive(buffer, flags, out var error);
        if (error == SocketError.Success) return got;
        if (error is SocketError.TimedOut or SocketError.WouldBlock) throw Silent();
        throw Ended(error);
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (_until != 0) _socket.SendTimeout = MillisecondsLeft();
        _socket.Send(buffer, SocketFlags.None, out var error); // all of it: the socket blocks
        if (error == SocketError.Success) return;
        throw _until != 0 && error is SocketError.TimedOut or SocketError.WouldBlock ? Late() : Ended(error);
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <summary>Ends every read and write, also those under way; nothing is sent any more.</summary>
    public void Cut()
    {
        _cut = true;
        try
        {
            _socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException) { } // it has ended by itself
    }

    /// <summary>Both ends find the connection reset, as after a router has lost it: only a fault plan does that.</summary>
    public void Reset()
    {
        try
        {
            _socket.LingerState = new LingerOption(true, 0);
            Dissolve((int)_socket.Handle, stackalloc byte[AddressBytes], AddressBytes);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException) { } // it has ended by itself
    }

    const int AddressBytes = 16; // sockaddr with AF_UNSPEC, which is 0: the connection is dissolved

    [LibraryImport("libc", EntryPoint = "connect")]
    private static partial int Dissolve(int socket, ReadOnlySpan<byte> address, int bytes);

    int MillisecondsLeft()
    {
        var left = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), _until);
        return left > TimeSpan.Zero ? (int)left.TotalMilliseconds + 1 : throw Late();
    }

    ConnectionEndedException Silent() => _until != 0
        ? Late()
        : new($"sent nothing for {_socket.ReceiveTimeout / 1000.0:0.###} s: its process hangs, or the network between is cut", late: true);

    static ConnectionEndedException Late() => new("took too long to come to terms: the handshake's deadline passed", late: true);

    ConnectionEndedException Ended(SocketError error) => new(_cut ? "was disconnected" : $"broke the connection off ({error})");

    protected override void Dispose(bool disposing)
    {
        if (disposing) _socket.Dispose();
        base.Dispose(disposing);
    }

    public override void Flush() { }

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
