"""THREATS 100: OpenSSL and zlib ask for memory and get none, one call after the other.

Each run is a server of its own, with TLS and compression, in which the k-th allocation fails that
either library makes once a client is there. That client may be refused, or lose its connection; the
process lives, and the next client is served.
"""

import os
import socket
import ssl
import subprocess
import tempfile
import zlib
from pathlib import Path

from harness import BINARY, CLOSE, CheckFailed, Server, expect, frame, opening

EXTENSION = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"


def certificate(folder):
    """Paths of a certificate for localhost and its key."""
    paths = [str(Path(folder) / name) for name in ("cert.pem", "key.pem")]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-out", paths[0], "-keyout", paths[1]], check=True, capture_output=True)
    return paths


def exact(stream, count):
    data = b""
    while len(data) < count:
        piece = stream.recv(count - len(data))
        if not piece:
            raise ConnectionResetError("the end")
        data += piece
    return data


def echo(server, context):
    """Echoes compressed messages over TLS, of which the second refers to the first."""
    with socket.create_connection((server.host, server.port), timeout=20) as plain, \
            context.wrap_socket(plain) as stream:
        stream.sendall(opening(extra=EXTENSION))
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += exact(stream, 1)
        expect(b" 101 " in head and b"permessage-deflate" in head, f"answered {head[:40]!r}")
        deflater, inflater = zlib.compressobj(wbits=-15), zlib.decompressobj(-15)
        for number in range(2):
            message = b"0123456789abcdef" * 2000 + bytes([number])
            data = deflater.compress(message) + deflater.flush(zlib.Z_SYNC_FLUSH)
            stream.sendall(frame(BINARY, data[:-4], reserved=4))
            first, second = exact(stream, 2)
            size = int.from_bytes(exact(stream, 2), "big") if second == 126 else second
            payload = exact(stream, size)
            expect(first & 0x0F != CLOSE, f"closed: {payload!r}")
            if first & 0x40:
                payload = inflater.decompress(payload + b"\0\0\xff\xff")
            expect(payload == message, f"message {number} came back as {len(payload)} bytes")


def attempt(server, context):
    """Whether a client was served; to be refused, or cut, is no mistake."""
    try:
        echo(server, context)
        return True
    except TimeoutError:
        raise CheckFailed("nothing came for 20 s") from None
    except (OSError, CheckFailed) as problem:
        if isinstance(problem, CheckFailed) and "came back" in str(problem):
            raise
        return False


def run(bench, library, paths, fails):
    """One run: (allocations seen, whether the first client was served)."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with tempfile.NamedTemporaryFile() as log:
        environment = {**os.environ, "LD_PRELOAD": str(library), "FAULTS_LOG": log.name,
                       "FAULTS_FAIL": str(fails), "FAULTS_ONLY": "malloc",
                       "SWIFT_BACKTRACE": "enable=no"}
        command = [bench, "serve", "--port", "0", "--loops", "1", "--deflate", "dedicated",
                   "--tls-cert", paths[0], "--tls-key", paths[1], "--shutdown-timeout", "3s"]
        with Server(command, "allocations", environment) as server:
            served = attempt(server, context)
            expect(server.alive(), "the server died")
            expect(any(attempt(server, context) for _ in range(3)), "the next client is not served")
            status, _ = server.stop(within=20)
            expect(status in (0, 1), f"exit status {status}")
        counts = dict(line.split()[:2] for line in Path(log.name).read_text().splitlines())
        return int(counts["candidates"]), served


def torture(bench, library, limit):
    """Fails up to `limit` allocations in turn: (how many, how many there are, clients refused)."""
    with tempfile.TemporaryDirectory() as folder:
        paths = certificate(folder)
        count, served = run(bench, library, paths, 1 << 40)
        expect(served and count > 0, "the client of the undisturbed run was not served")
        calls = range(1, count + 1, max(1, count // limit))
        refused = 0
        for call in calls:
            try:
                refused += not run(bench, library, paths, call)[1]
            except CheckFailed as problem:
                raise CheckFailed(f"allocation {call} of {count}: {problem}") from None
    return len(calls), count, refused
