"""What the end-to-end checks share: a report, server processes, and a WebSocket peer made of bytes.

The peer is written by hand on purpose: it can break every rule that a real client keeps.
"""

import contextlib
import os
import pathlib
import re
import resource
import signal
import socket
import struct
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
LOGS = ROOT / ".build" / "end-to-end"
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA


class CheckFailed(Exception):
    """A check found something else than it expected."""


class ServerGone(CheckFailed):
    """Nobody listens any more: what follows in the group cannot be checked."""


def expect(condition, message):
    if not condition:
        raise CheckFailed(message)


class Report:
    """Prints one line per check and counts them."""

    def __init__(self):
        self.passed = 0
        self.failed = 0
        self.group = ""

    @contextlib.contextmanager
    def check(self, name):
        try:
            yield
        except ServerGone as error:
            self.line(name, False, str(error))
            raise
        except Exception as error:  # noqa: BLE001: whatever went wrong is the result of the check
            self.line(name, False, f"{type(error).__name__}: {error}".removeprefix("CheckFailed: "))
        else:
            self.line(name, True)

    def line(self, name, passed, detail=""):
        if passed:
            self.passed += 1
        else:
            self.failed += 1
        mark = "ok  " if passed else "FAIL"
        tail = f"  ({detail})" if detail else ""
        print(f"{mark}  {self.group:<10} {name}{tail}", flush=True)

    def finish(self):
        print(f"{self.passed} passed, {self.failed} failed", flush=True)
        return 1 if self.failed or not self.passed else 0


class Server:
    """A server process that says `listening on SCHEME://HOST:PORT` on standard output when ready."""

    def __init__(self, command, name="server", environment=None):
        LOGS.mkdir(parents=True, exist_ok=True)
        self.name = name
        self.log = open(LOGS / f"{name}.log", "wb")
        self.process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log, env=environment)
        self.first_line = self.process.stdout.readline().decode().strip()
        match = re.search(r"listening on (ws|wss|http|https)://(\[[^]]+\]|[^:/\s]+):(\d+)",
                          self.first_line)
        if not match:
            self.process.kill()
            self.process.wait()
            raise CheckFailed(f"{command[0]} did not say where it listens: {self.first_line!r}")
        scheme, self.host, self.port = match.group(1), match.group(2), int(match.group(3))
        self.url = f"{'wss' if scheme in ('wss', 'https') else 'ws'}://{self.host}:{self.port}"

    @property
    def pid(self):
        return self.process.pid

    def alive(self):
        return self.process.poll() is None

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def resident_bytes(self):
        with open(f"/proc/{self.pid}/statm") as file:
            return int(file.read().split()[1]) * resource.getpagesize()

    def cpu_seconds(self):
        with open(f"/proc/{self.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self, number=signal.SIGTERM, within=15):
        """Sends the signal and returns (exit status, the rest of standard output)."""
        if self.alive():
            self.process.send_signal(number)
        return self.finish(within)

    def finish(self, within=15):
        """Waits for the end and returns (exit status, the rest of standard output)."""
        try:
            rest, _ = self.process.communicate(timeout=within)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise CheckFailed(f"{self.name} did not end within {within} s of the signal") from None
        finally:
            self.log.close()
        return self.process.returncode, rest.decode()

    def said(self):
        """The last lines of standard error, for reports."""
        with open(LOGS / f"{self.name}.log", errors="replace") as file:
            return " | ".join(file.read().splitlines()[-4:])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.alive():
            self.process.kill()
        with contextlib.suppress(Exception):
            self.process.communicate()
        self.log.close()


def frame(opcode, payload=b"", fin=True, reserved=0, masked=True, form=None, length=None):
    """One frame as bytes.

    `form` forces the length form (7, 16 or 64 bits) and `length` the announced length, so that
    both can be wrong.
    """
    announced = len(payload) if length is None else length
    if form is None:
        form = 7 if announced < 126 else 16 if announced < 65536 else 64
    head = bytes([(0x80 if fin else 0) | reserved << 4 | opcode])
    bit = 0x80 if masked else 0
    if form == 7:
        head += bytes([bit | announced])
    elif form == 16:
        head += bytes([bit | 126]) + struct.pack("!H", announced)
    else:
        head += bytes([bit | 127]) + struct.pack("!Q", announced)
    if not masked:
        return head + payload
    key = os.urandom(4)
    return head + key + mask(payload, key)


def mask(payload, key):
    repeated = (key * (len(payload) // 4 + 1))[: len(payload)]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")).to_bytes(
        len(payload), "big")


def close_payload(code, reason=b""):
    return struct.pack("!H", code) + reason


def opening(path="/", host="127.0.0.1", extra="", without=(), method="GET", version="HTTP/1.1"):
    """An opening handshake; `without` leaves fields out, `extra` appends lines (each with CRLF)."""
    fields = {
        "Host": host,
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": KEY,
        "Sec-WebSocket-Version": "13",
    }
    lines = [f"{method} {path} {version}"]
    lines += [f"{name}: {value}" for name, value in fields.items() if name not in without]
    return ("\r\n".join(lines) + "\r\n" + extra + "\r\n").encode("latin-1")


class Answer:
    """The head of an HTTP response, and the bytes that came behind it."""

    def __init__(self, head, rest):
        lines = head.decode("latin-1").split("\r\n")
        self.line = lines[0]
        self.status = int(lines[0].split(" ")[1])
        self.fields = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            self.fields[name.strip().lower()] = value.strip()
        self.rest = rest


class Ended(Exception):
    """The server ended the connection."""


class Peer:
    """A TCP connection that speaks WebSocket only as well as it is told to."""

    def __init__(self, server, timeout=5.0, receive_buffer=None):
        family = socket.AF_INET6 if server.host.startswith("[") else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout)
        try:
            self.socket.connect((server.host.strip("[]"), server.port))
        except ConnectionRefusedError:
            status = server.process.poll()
            raise ServerGone("the server died" if status is None
                             else f"the server died with status {status}") from None
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        """Sends everything; a server that has ended the connection already is no error here."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.socket.sendall(data)

    def reset(self):
        """Ends the connection with RST instead of FIN."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def fill(self):
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError:
            data = b""
        if not data:
            raise Ended
        self.buffer += data

    def take(self, count):
        while len(self.buffer) < count:
            self.fill()
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def answer(self):
        """Reads up to the end of a response head."""
        while b"\r\n\r\n" not in self.buffer:
            try:
                self.fill()
            except Ended:
                raise CheckFailed(f"ended without an answer, after {self.buffer[:80]!r}") from None
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        return Answer(head, self.buffer)

    def shake(self, path="/", **options):
        """Makes the opening handshake and insists that it succeeds."""
        self.send(opening(path, **options))
        answer = self.answer()
        expect(answer.status == 101, f"handshake answered {answer.line!r}")
        expect(answer.fields.get("sec-websocket-accept") == ACCEPT, "wrong Sec-WebSocket-Accept")
        return self

    def frame(self):
        """Reads one frame: (fin, opcode, payload)."""
        first, second = self.take(2)
        expect(second & 0x80 == 0, "the server masked a frame")
        expect(first & 0x70 == 0, "the server set a reserved bit")
        length = second & 0x7F
        if length == 126:
            (length,) = struct.unpack("!H", self.take(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", self.take(8))
        return bool(first & 0x80), first & 0x0F, self.take(length)

    def message(self):
        """Reads one unfragmented message: (opcode, payload)."""
        fin, opcode, payload = self.frame()
        expect(fin, "the server fragmented its answer")
        return opcode, payload

    def expect_echo(self, opcode, payload):
        got_opcode, got = self.message()
        expect(got_opcode == opcode, f"opcode {got_opcode} came back for {opcode}")
        expect(got == payload, f"{len(got)} other bytes came back for {len(payload)} bytes")

    def closing(self):
        """Reads frames until Close: its code, or 1005; 1006 when the stream ended without one."""
        try:
            while True:
                _, opcode, payload = self.frame()
                if opcode == CLOSE:
                    return struct.unpack("!H", payload[:2])[0] if len(payload) >= 2 else 1005
        except Ended:
            return 1006

    def expect_end(self, within=5.0):
        """Insists that the server ends TCP, and that nothing comes before that."""
        self.socket.settimeout(within)
        try:
            self.fill()
        except Ended:
            return
        except socket.timeout:
            raise CheckFailed(f"the server left TCP open for {within} s") from None
        raise CheckFailed(f"more bytes came: {self.buffer[:60]!r}")


def healthy(server, path="/"):
    """Insists that the server lives and that a fresh client gets its echo."""
    expect(server.alive(), f"the server died with status {server.process.returncode}")
    with Peer(server) as peer:
        peer.shake(path)
        peer.send(frame(TEXT, b"fresh"))
        peer.expect_echo(TEXT, b"fresh")


def eventually(condition, message, within=5.0):
    """Waits until `condition()` holds."""
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            raise CheckFailed(f"{message} within {within} s")
        time.sleep(0.02)


if __name__ == "__main__":
    sys.exit("this is a module; run run.py")
