"""A server that sends numbered messages and makes one mistake on purpose, on the standard library alone.

    faulty_stream.py none|skip|swap|repeat|corrupt|cut|stall

On /push it sends 200 messages to each connection, on /broadcast it passes each message on to all the
others. Every connection suffers the mistake at its tenth message; after `stall` nothing comes any
more. Prints its port and ends with its standard input.
"""

import base64
import hashlib
import os
import socket
import struct
import sys
import threading
import time

MISTAKE = sys.argv[1]
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
members = []
lock = threading.Lock()


def read_frame(stream):
    head = stream.read(2)
    if len(head) < 2:
        raise EOFError
    length = head[1] & 0x7F
    if length == 126:
        (length,) = struct.unpack("!H", stream.read(2))
    key = stream.read(4)
    data = stream.read(length)
    return head[0] & 0x0F, bytes(byte ^ key[at & 3] for at, byte in enumerate(data))


def frame(opcode, payload):
    assert len(payload) < 126
    return struct.pack("!BB", 0x80 | opcode, len(payload)) + payload


class Outlet:
    """What goes to one connection, with the mistake."""

    def __init__(self, send):
        self.send = send
        self.count = 0
        self.held = b""

    def put(self, payload):
        self.count += 1
        if self.count > 10 and MISTAKE == "stall":
            return
        if self.count != 10 or MISTAKE in ("none", "stall"):
            self.send(frame(1, payload) + self.held)
            self.held = b""
        elif MISTAKE == "swap":
            self.held = frame(1, payload)
        elif MISTAKE == "repeat":
            self.send(frame(1, payload) * 2)
        elif MISTAKE == "corrupt":
            self.send(frame(1, payload[:-1] + b"!"))
        elif MISTAKE == "cut":
            raise OSError
        # skip: nothing.


def upgrade(stream, send):
    path = stream.readline().split(b" ")[1]
    key = b""
    while True:
        line = stream.readline()
        if line in (b"\r\n", b""):
            break
        name, _, value = line.partition(b":")
        if name.lower() == b"sec-websocket-key":
            key = value.strip()
    accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
    send(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )
    return path


def push(outlet):
    filler = bytes(ord("a") + at % 26 for at in range(34, 64))
    # Whoever measures opens all its connections first.
    time.sleep(0.3)
    for number in range(200):
        outlet.put(b"%016x:%016x:" % (number, time.monotonic_ns()) + filler)


def converse(connection, stream):
    outlet = Outlet(connection.sendall)
    path = upgrade(stream, connection.sendall)
    if path == b"/push":
        threading.Thread(target=attempt, args=(connection, push, outlet), daemon=True).start()
    else:
        with lock:
            members.append((connection, outlet))
    while True:
        opcode, payload = read_frame(stream)
        if opcode == 8:
            connection.sendall(frame(8, payload[:2]))
            return
        if opcode not in (1, 2):
            continue
        with lock:
            for other, theirs in members:
                if other is not connection:
                    attempt(other, theirs.put, payload)


def attempt(connection, body, argument):
    try:
        body(argument)
    except OSError:
        try:
            connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def serve(connection):
    with connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            converse(connection, connection.makefile("rb"))
        except (EOFError, OSError):
            pass
        with lock:
            members[:] = [member for member in members if member[0] is not connection]


def accept(listener):
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection,), daemon=True).start()


listener = socket.create_server(("127.0.0.1", 0), backlog=128)
print(listener.getsockname()[1], flush=True)
threading.Thread(target=accept, args=(listener,), daemon=True).start()
sys.stdin.buffer.read()
os._exit(0)
