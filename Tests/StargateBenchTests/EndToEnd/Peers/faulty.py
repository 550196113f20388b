"""A WebSocket server that makes one mistake on purpose, on the standard library alone.

    faulty.py none|corrupt|truncate|type|drop|swap|repeat|close|cut|silent|unasked|refuse|badaccept|mute|deaf [PORT]
    faulty.py ping|fragment

Every connection makes the mistake at its tenth message and is right otherwise. Prints its port and
ends with its standard input, unless the port is given. `mute` never answers a Close frame, `deaf` no
Ping, `silent` stops answering.
`ping` and `fragment` are no mistakes: a ping before the tenth echo, which has to be answered with what
it held before the fortieth message comes, and the tenth echo in three fragments.
"""

import base64
import hashlib
import os
import socket
import struct
import sys
import threading

MISTAKE = sys.argv[1]
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def read_exactly(stream, count):
    data = stream.read(count)
    if data is None or len(data) < count:
        raise EOFError
    return data


def read_frame(stream):
    first, second = read_exactly(stream, 2)
    length = second & 0x7F
    if length == 126:
        (length,) = struct.unpack("!H", read_exactly(stream, 2))
    elif length == 127:
        (length,) = struct.unpack("!Q", read_exactly(stream, 8))
    key = read_exactly(stream, 4)
    data = read_exactly(stream, length)
    mask = (key * (length // 4 + 1))[:length]
    value = int.from_bytes(data, "big") ^ int.from_bytes(mask, "big")
    return first & 0x0F, value.to_bytes(length, "big")


def frame(opcode, payload, first=0x80):
    if len(payload) < 126:
        head = struct.pack("!BB", first | opcode, len(payload))
    elif len(payload) < 65536:
        head = struct.pack("!BBH", 0x80 | opcode, 126, len(payload))
    else:
        head = struct.pack("!BBQ", 0x80 | opcode, 127, len(payload))
    return head + payload


def upgrade(stream, send):
    key = b""
    while True:
        line = stream.readline()
        if line in (b"\r\n", b""):
            break
        name, _, value = line.partition(b":")
        if name.lower() == b"sec-websocket-key":
            key = value.strip()
    if MISTAKE == "refuse":
        send(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
        return False
    accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
    if MISTAKE == "badaccept":
        accept = base64.b64encode(b"x" * 20)
    send(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )
    return True


def converse(stream, send):
    """Echoes until the end. Returns whether the connection ended with a closing handshake."""
    count = 0
    held = None
    is_pinged = False
    while True:
        opcode, payload = read_frame(stream)
        if opcode == 8:
            if MISTAKE != "mute":
                send(frame(8, payload[:2]))
            return
        if opcode == 9 and MISTAKE != "deaf":
            send(frame(10, payload))
        if opcode == 10 and payload == b"are you there":
            is_pinged = True
        if opcode not in (1, 2):
            continue
        count += 1
        if MISTAKE == "ping" and count == 40 and not is_pinged:
            return
        echo = frame(opcode, payload)
        if held is not None:
            send(echo + held)
            held = None
            continue
        if count != 10 or MISTAKE in ("none", "mute", "deaf"):
            if MISTAKE != "silent" or count < 10:
                send(echo)
        elif MISTAKE == "corrupt":
            send(frame(opcode, bytes([payload[0] ^ 1]) + payload[1:]))
        elif MISTAKE == "truncate":
            send(frame(opcode, payload[:-1]))
        elif MISTAKE == "ping":
            send(frame(9, b"are you there") + echo)
        elif MISTAKE == "fragment":
            third = len(payload) // 3
            send(frame(opcode, payload[:third], 0) + frame(0, payload[third : 2 * third], 0))
            send(frame(0, payload[2 * third :]))
        elif MISTAKE == "type":
            send(frame(3 - opcode, payload))
        elif MISTAKE == "swap":
            held = echo
        elif MISTAKE == "repeat":
            send(echo + echo)
        elif MISTAKE == "unasked":
            send(frame(opcode, b"hello") + echo)
        elif MISTAKE == "close":
            send(frame(8, struct.pack("!H", 1011) + b"out of ideas"))
            return
        elif MISTAKE == "cut":
            return
        # drop and silent: nothing.


def serve(connection):
    with connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream = connection.makefile("rb")
        try:
            if upgrade(stream, connection.sendall):
                converse(stream, connection.sendall)
        except (EOFError, OSError):
            pass


def accept(listener):
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection,), daemon=True).start()


port = int(sys.argv[2]) if len(sys.argv) > 2 else 0
listener = socket.create_server(("127.0.0.1", port), backlog=128)
print(listener.getsockname()[1], flush=True)
threading.Thread(target=accept, args=(listener,), daemon=True).start()
if port:
    threading.Event().wait()
sys.stdin.buffer.read()
os._exit(0)
