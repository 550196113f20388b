"""Frames that break a rule, and the close code each must get; and valid ones in odd pieces."""

import contextlib
import random
import threading
import time

from harness import (
    BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Ended, Peer, close_payload, eventually, expect,
    frame, healthy)

LIMIT = 1024 * 1024
MEBIBYTE = 1024 * 1024


def violations():
    """Yields (name, bytes after the handshake, close codes that are right)."""
    yield "unmasked frame", frame(TEXT, b"secret", masked=False), {1002}
    for bit in (1, 2, 4):
        yield f"reserved bits {bit:03b}", frame(TEXT, b"x", reserved=bit), {1002}
    for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
        yield f"opcode {opcode}", frame(opcode, b"x"), {1002}
    for name, opcode in (("ping", PING), ("pong", PONG), ("close", CLOSE)):
        yield f"{name} of 126 bytes", frame(opcode, b"\x03\xe8" + b"x" * 124), {1002}
        yield f"fragmented {name}", frame(opcode, b"", fin=False), {1002}
        yield f"{name} with a reserved bit", frame(opcode, b"", reserved=4), {1002}
    yield "5 bytes in the 16-bit form", frame(TEXT, b"hello", form=16), {1002}
    yield "5 bytes in the 64-bit form", frame(TEXT, b"hello", form=64), {1002}
    yield "65535 bytes in the 64-bit form", frame(BINARY, b"x" * 65535, form=64), {1002}
    for name, length in (("2^63", 1 << 63), ("2^64-1", (1 << 64) - 1), ("2^63-1", (1 << 63) - 1),
                         ("2^62", 1 << 62), ("2^40", 1 << 40), ("2 GiB", 1 << 31)):
        yield f"announced length {name}", frame(BINARY, b"x", form=64, length=length), {1002, 1009}
    yield "one byte over the limit", frame(BINARY, b"", form=64, length=LIMIT + 1), {1009}
    yield ("lengths of two fragments that overflow",
           frame(BINARY, b"x" * 9, fin=False)
           + frame(CONTINUATION, b"", form=64, length=(1 << 63) - 1), {1002, 1009})
    yield ("fragments that add up to more than the limit",
           frame(BINARY, b"x" * 65536, fin=False)
           + frame(CONTINUATION, b"x" * 65536, fin=False) * 16, {1009})
    yield "continuation without a start", frame(CONTINUATION, b"x"), {1002}
    for name, opcode in (("text", TEXT), ("binary", BINARY)):
        yield (f"{name} inside a message",
               frame(TEXT, b"a", fin=False) + frame(opcode, b"b"), {1002})
    yield "close with a payload of 1 byte", frame(CLOSE, b"\x03"), {1002}
    for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535):
        yield f"close code {code}", frame(CLOSE, close_payload(code)), {1002}
    yield "close reason that is no UTF-8", frame(CLOSE, close_payload(1000, b"\xff")), {1007, 1002}
    for name, text in BAD_TEXTS:
        yield f"text with {name}", frame(TEXT, b"ok " + text + b" ok"), {1007}
        yield (f"text with {name}, in fragments",
               b"".join([frame(TEXT, b"ok ", fin=False)]
                        + [frame(CONTINUATION, bytes([byte]), fin=False) for byte in text]
                        + [frame(CONTINUATION, b" ok")]), {1007})


BAD_TEXTS = [
    ("a lone continuation byte", b"\x80"),
    ("byte FE", b"\xfe"),
    ("byte FF", b"\xff"),
    ("an overlong slash of 2 bytes", b"\xc0\xaf"),
    ("an overlong slash of 3 bytes", b"\xe0\x80\xaf"),
    ("an overlong slash of 4 bytes", b"\xf0\x80\x80\xaf"),
    ("a surrogate", b"\xed\xa0\x80"),
    ("a pair of surrogates", b"\xed\xa0\x80\xed\xb0\x80"),
    ("a code point above U+10FFFF", b"\xf4\x90\x80\x80"),
    ("a sequence of 5 bytes", b"\xf8\x88\x80\x80\x80"),
    ("a cut sequence", b"\xe2\x82"),
]


def run(report, server):
    report.group = "framing"
    with Peer(server, timeout=60) as canary:
        canary.shake()
        for name, data, codes in violations():
            wanted = " or ".join(str(code) for code in sorted(codes))
            with report.check(f"{wanted} for {name}"), Peer(server) as peer:
                peer.shake()
                peer.send(data)
                code = peer.closing()
                expect(code in codes, f"closed with {code}")
                peer.send(frame(CLOSE, close_payload(code)))
                peer.expect_end()
        closing(report, server)
        early(report, server)
        pieces(report, server)
        floods(report, server)
        resets(report, server)
        mutated(report, server)
        with report.check("a bystander's connection lived through all this"):
            canary.send(frame(TEXT, b"still here"))
            while True:
                opcode, payload = canary.message()
                if opcode != PING:
                    break
                canary.send(frame(PONG, payload))
            expect((opcode, payload) == (TEXT, b"still here"), "other bytes came back")
    with report.check("a fresh client is served after all this"):
        healthy(server)


def closing(report, server):
    for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000,
                 3999, 4000, 4999):
        with report.check(f"close code {code} comes back"), Peer(server) as peer:
            peer.shake()
            peer.send(frame(CLOSE, close_payload(code, b"bye")))
            got = peer.closing()
            expect(got == code, f"closed with {got}")
            peer.expect_end()
    with report.check("an empty close is answered"), Peer(server) as peer:
        peer.shake()
        peer.send(frame(CLOSE))
        got = peer.closing()
        expect(got in (1000, 1005), f"closed with {got}")
        peer.expect_end()
    with report.check("what comes behind a close is ignored"), Peer(server) as peer:
        peer.shake()
        peer.send(frame(TEXT, b"before") + frame(CLOSE, close_payload(1000))
                  + frame(TEXT, b"after") + frame(PING, b"after") + b"\xff" * 20)
        peer.expect_echo(TEXT, b"before")
        _, opcode, payload = peer.frame()
        expect(opcode == CLOSE and payload[:2] == close_payload(1000), "no close came first")
        with contextlib.suppress(Ended):
            expect(not peer.frame(), "a frame came behind the close")
    with report.check("a peer that never answers our close is cut off"):
        with Peer(server, timeout=15) as peer:
            peer.shake()
            peer.send(frame(TEXT, b"\xff"))
            expect(peer.closing() == 1007, "no 1007")
            peer.expect_end(within=12)


def early(report, server):
    """Violations are told at the byte that makes them, not at the end of the frame."""
    with report.check("bad UTF-8 is refused before its frame is complete"), Peer(server) as peer:
        peer.shake()
        whole = frame(TEXT, b"ok \xff" + b"x" * 1000)
        peer.send(whole[:60])
        code = peer.closing()
        expect(code == 1007, f"closed with {code}")
    with report.check("bad UTF-8 is refused before its message is complete"):
        with Peer(server) as peer:
            peer.shake()
            peer.send(frame(TEXT, b"ok \xff", fin=False))
            code = peer.closing()
            expect(code == 1007, f"closed with {code}")
    with report.check("a large announced length costs no memory"):
        before = server.resident_bytes()
        peers = [Peer(server).shake() for _ in range(40)]
        for peer in peers:
            peer.send(frame(BINARY, b"x" * 100, form=64, length=LIMIT))
        time.sleep(0.3)
        grown = server.resident_bytes() - before
        for peer in peers:
            peer.socket.close()
        expect(grown < 8 * MEBIBYTE, f"grew by {grown // 1024} KiB for 4 KiB received")


def pieces(report, server):
    with report.check("messages in segments of one byte"), Peer(server) as peer:
        peer.shake()
        data = frame(TEXT, "κόσμε".encode()) + frame(BINARY, b"x" * 130)
        for byte in data:
            peer.send(bytes([byte]))
        peer.expect_echo(TEXT, "κόσμε".encode())
        peer.expect_echo(BINARY, b"x" * 130)
    with report.check("header and key cut at every byte"), Peer(server) as peer:
        peer.shake()
        for size in (5, 126, 65536):
            for cut in range(1, 15):
                data = frame(BINARY, bytes(size))
                peer.send(data[:cut])
                time.sleep(0.002)
                peer.send(data[cut:])
                peer.expect_echo(BINARY, bytes(size))
    with report.check("1000 messages in one segment come back in order"), Peer(server) as peer:
        peer.shake()
        peer.send(b"".join(frame(TEXT, b"%d" % n) for n in range(1000)))
        for n in range(1000):
            peer.expect_echo(TEXT, b"%d" % n)
    with report.check("control frames between fragments"), Peer(server) as peer:
        peer.shake()
        peer.send(frame(TEXT, b"one ", fin=False) + frame(PING, b"a") + frame(PONG, b"unasked")
                  + frame(CONTINUATION, b"", fin=False) + frame(PING, b"b")
                  + frame(CONTINUATION, b"two"))
        pongs = [peer.message()]
        while pongs[-1][0] == PONG:
            pongs.append(peer.message())
        expect(pongs.pop() == (TEXT, b"one two"), "the message did not survive")
        expect(pongs[-1] == (PONG, b"b"), "the latest ping was not answered")
    with report.check("a code point cut by fragments"), Peer(server) as peer:
        peer.shake()
        text = "€𝄞".encode()
        for cut in range(len(text) + 1):
            peer.send(frame(TEXT, text[:cut], fin=False) + frame(CONTINUATION, text[cut:]))
            peer.expect_echo(TEXT, text)
    with report.check("a message of exactly the limit"), Peer(server, timeout=20) as peer:
        peer.shake()
        peer.send(frame(BINARY, bytes(LIMIT)))
        peer.expect_echo(BINARY, bytes(LIMIT))


def pump(peer, data, times):
    """Sends from a thread of its own, so that a server that stops reading does not stop us."""
    def work():
        with contextlib.suppress(OSError):
            for _ in range(times):
                peer.socket.sendall(data)
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def floods(report, server):
    with report.check("20,000 empty fragments: bounded memory"), Peer(server) as peer:
        before = server.resident_bytes()
        peer.shake()
        peer.send(frame(BINARY, b"", fin=False) + frame(CONTINUATION, b"", fin=False) * 20_000)
        peer.send(frame(CONTINUATION, b"end"))
        opcode, _ = peer.message()
        expect(opcode in (BINARY, CLOSE), f"opcode {opcode} came back")
        grown = server.resident_bytes() - before
        expect(grown < 8 * MEBIBYTE, f"grew by {grown // 1024} KiB")
    for name, data, times in (("pings", frame(PING, b"p" * 125) * 500, 1200),
                              ("small echoes", frame(TEXT, b"e" * 20) * 2500, 1200),
                              ("large echoes", frame(BINARY, bytes(65536)) * 4, 300)):
        with report.check(f"a peer that sends {name} and never reads: bounded memory"):
            before = server.resident_bytes()
            with Peer(server, receive_buffer=4096) as peer:
                peer.shake()
                pump(peer, data, times)
                time.sleep(2.0)
                grown = server.resident_bytes() - before
                healthy(server)
            expect(grown < 24 * MEBIBYTE, f"grew by {grown // 1024} KiB")
    with report.check("a slow reader that resumes has lost nothing"):
        with Peer(server, timeout=20, receive_buffer=4096) as peer:
            peer.shake()
            payload = bytes(range(256)) * 64
            count = 200
            pump(peer, frame(BINARY, payload), count)
            time.sleep(1.0)
            received = 0
            while received < count:
                opcode, got = peer.message()
                if opcode == PING:
                    continue
                expect((opcode, got) == (BINARY, payload), f"message {received} differs")
                received += 1


def resets(report, server):
    before = server.descriptors()
    with report.check("connections reset in any state free their descriptors"):
        for data in (b"", frame(TEXT, b"x")[:1], frame(TEXT, b"x" * 300)[:50],
                     frame(TEXT, b"x", fin=False), frame(BINARY, bytes(500_000)),
                     frame(PING, b"p"), frame(CLOSE, close_payload(1000)), frame(TEXT, b"\xff")):
            for _ in range(10):
                peer = Peer(server).shake()
                peer.send(data)
                peer.reset()
            for _ in range(10):
                peer = Peer(server).shake()
                peer.send(data)
                peer.socket.close()
        eventually(lambda: server.descriptors() <= before,
                   f"descriptors did not return to {before}", within=8)


def mutated(report, server, count=300):
    generator = random.Random(6455)
    with report.check(f"{count} mutated streams of frames do no harm"):
        for _ in range(count):
            data = bytearray(
                frame(TEXT, b"hello") + frame(BINARY, bytes(200), fin=False) + frame(PING, b"p")
                + frame(CONTINUATION, bytes(70_000)) + frame(CLOSE, close_payload(1000)))
            for _ in range(generator.randint(1, 6)):
                at = generator.randrange(min(len(data), 300))
                data[at] = generator.randrange(256)
            with Peer(server) as peer:
                peer.shake()
                peer.send(bytes(data))
        healthy(server)
    with report.check("random valid traffic comes back exactly"), Peer(server, timeout=20) as peer:
        peer.shake()
        for _ in range(200):
            size = generator.choice([0, 1, 125, 126, 127, 65535, 65536, generator.randrange(9000)])
            payload = generator.randbytes(size)
            cuts = sorted(generator.randrange(size + 1) for _ in range(generator.randrange(4)))
            parts = [payload[a:b] for a, b in zip([0, *cuts], [*cuts, size])]
            for index, part in enumerate(parts):
                opcode = CONTINUATION if index else BINARY
                peer.send(frame(opcode, part, fin=index == len(parts) - 1))
            peer.expect_echo(BINARY, payload)
