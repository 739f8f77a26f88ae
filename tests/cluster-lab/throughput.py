#!/usr/bin/env python3
"""What one TCP connection carries between two hosts of netns.sh.

    netns.sh exec 1 ./throughput.py serve 10.20.12.1
    netns.sh exec 2 ./throughput.py 10.20.12.1 [SECONDS]

Prints MB/s (10^6 bytes) of payload in a steady stream one way and both ways at once, as two towers exchange, and how long a message
of one byte and one of 11.1 MB (half of conv2's output) take until they are answered, median: an idle link lets the first burst of a
message pass unslowed, so that a message and a stream may see different rates.
"""
import socket
import statistics
import struct
import sys
import threading
import time

PORT, CHUNK, DEADLINE_S = 2013, 1 << 20, 30
EXCHANGE = 128 * 128 * 13 * 13 * 4  # bytes
HEADER = struct.Struct("<BId")      # kind, message's bytes, seconds to send
STREAM, BOTH, MESSAGES = range(3)


def receive(connection, count=None):
    """Bytes received: as many as are wanted, or until the other side has no more."""
    buffer, received = bytearray(CHUNK), 0
    while received != count:
        got = connection.recv_into(buffer, min(CHUNK, count - received) if count else CHUNK)
        if not got:
            break
        received += got
    return received


def send(connection, seconds):
    chunk, end = bytes(CHUNK), time.monotonic() + seconds
    while time.monotonic() < end:
        connection.sendall(chunk)
    connection.shutdown(socket.SHUT_WR)


def sending(connection, seconds):
    thread = threading.Thread(target=send, args=(connection, seconds))
    thread.start()
    return thread


def answer(connection):
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with connection:
        kind, message, seconds = HEADER.unpack(connection.recv(HEADER.size, socket.MSG_WAITALL))
        if kind == MESSAGES:
            while receive(connection, message) == message:
                connection.sendall(b"!")
            return
        sender = sending(connection, seconds) if kind == BOTH else None
        receive(connection)
        if sender:
            sender.join()
        else:
            connection.sendall(b"!")


def serve(address):
    listener = socket.create_server((address, PORT))
    while True:
        threading.Thread(target=answer, args=(listener.accept()[0],), daemon=True).start()


def dial(address, kind, message, seconds):
    connection = socket.create_connection((address, PORT), DEADLINE_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(HEADER.pack(kind, message, seconds))
    return connection


def stream(address, kind, seconds):
    with dial(address, kind, 0, seconds) as connection:
        begin = time.monotonic()
        chunk, sent = bytes(CHUNK), 0
        answers = [0]
        reader = threading.Thread(target=lambda: answers.__setitem__(0, receive(connection)))
        reader.start()
        while time.monotonic() < begin + seconds:
            connection.sendall(chunk)
            sent += CHUNK
        connection.shutdown(socket.SHUT_WR)
        reader.join()
        return (sent if kind == STREAM else answers[0]) / (time.monotonic() - begin) / 1e6


def message_ms(address, message, seconds):
    with dial(address, MESSAGES, message, 0) as connection:
        payload, times, end = bytes(message), [], time.monotonic() + seconds
        while time.monotonic() < end:
            begin = time.monotonic()
            connection.sendall(payload)
            connection.recv(1)
            times.append(time.monotonic() - begin)
            time.sleep(2 * times[-1])  # a tower computes in between, and the link is idle
        return statistics.median(times) * 1e3


if sys.argv[1] == "serve":
    serve(sys.argv[2])
else:
    address, seconds = sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 5.0
    print(f"stream {stream(address, STREAM, seconds):.0f} MB/s, both ways {stream(address, BOTH, seconds):.0f} MB/s each; "
          f"answer to 1 byte after {message_ms(address, 1, seconds):.2f} ms, to {EXCHANGE / 1e6:.1f} MB after {message_ms(address, EXCHANGE, seconds):.1f} ms")
