"""Compressed messages (RFC 7692): bombs, broken streams, forbidden references, work without output."""

import time
import zlib

from harness import BINARY, CLOSE, CONTINUATION, PING, TEXT
from requests import upgrade
from suite import MEBIBYTE, attack, expect, frame

SHARED = ("--deflate", "shared")
DEDICATED = ("--deflate", "dedicated")
OFFER = "Sec-WebSocket-Extensions: permessage-deflate{}\r\n"


def compress(data, final=False, bits=-15, level=9):
    worker = zlib.compressobj(level, zlib.DEFLATED, bits)
    out = worker.compress(data)
    if final:
        return out + worker.flush(zlib.Z_FINISH)
    return (out + worker.flush(zlib.Z_SYNC_FLUSH))[:-4]


def packed(opcode, data, **options):
    """A frame whose payload is compressed already."""
    return frame(opcode, data, reserved=4, **options)


def open_compressed(ground, parameters=""):
    return ground.open(extra=OFFER.format(parameters))


def message(peer):
    """The next message, inflated if it is compressed."""
    first, second = peer.take(2)
    expect(second & 0x80 == 0, "the server masked a frame")
    length = second & 0x7F
    if length == 126:
        length = int.from_bytes(peer.take(2), "big")
    elif length == 127:
        length = int.from_bytes(peer.take(8), "big")
    payload = peer.take(length)
    if first & 0x40:
        payload = zlib.decompressobj(-15).decompress(payload + b"\x00\x00\xff\xff")
    return first & 0x0F, payload


def closes(ground, data, codes, parameters=""):
    with open_compressed(ground, parameters) as peer:
        peer.send(data)
        code = peer.closing()
        expect(code in codes, f"{data[:8].hex()} closed with {code}, not {sorted(codes)}")


@attack(75, "bombs of 1000 to 1: in a frame, in fragments, as text, unfinished", serve=SHARED)
def row75_bomb(ground):
    bomb = compress(bytes(64 * MEBIBYTE))
    ground.note(f"{len(bomb)} bytes make 64 MiB")
    closes(ground, packed(BINARY, bomb), {1009})
    closes(ground, packed(TEXT, compress(b"a" * (64 * MEBIBYTE))), {1009})
    half = len(bomb) // 2
    closes(ground, packed(BINARY, bomb[:half], fin=False) + frame(CONTINUATION, bomb[half:]), {1009})
    with open_compressed(ground) as peer:
        peer.send(packed(BINARY, bomb, fin=False))
        peer.send(frame(CONTINUATION, b""))
        expect(peer.closing() in (1007, 1009), "an unfinished bomb was taken")
    closes(ground, packed(BINARY, compress(bytes(MEBIBYTE + 1))), {1009})
    with open_compressed(ground) as peer:
        peer.send(packed(BINARY, compress(bytes(MEBIBYTE))))
        expect(message(peer) == (BINARY, bytes(MEBIBYTE)), "a message at the limit did not come back")


@attack(75, "bombs to a connection with a window of its own", serve=DEDICATED)
def row75_dedicated(ground):
    closes(ground, packed(BINARY, compress(bytes(64 * MEBIBYTE), bits=-12)), {1009})


@attack(76, "200 bombs under the limit in a row", serve=SHARED)
def row76_bombs_in_a_row(ground):
    bomb = compress(bytes(MEBIBYTE))
    with open_compressed(ground) as peer:
        for _ in range(200):
            peer.send(packed(BINARY, bomb))
            opcode, payload = message(peer)
            expect(opcode == BINARY and len(payload) == MEBIBYTE, "not the same back")


@attack(77, "broken and truncated streams, stored blocks of a wrong length", serve=SHARED)
def row77_broken(ground):
    good = compress(b"some text that is compressed, and compressed again")
    closes(ground, packed(BINARY, b"\xff" * 20), {1002, 1007})
    closes(ground, packed(BINARY, good[:len(good) // 2]), {1002, 1007})
    closes(ground, packed(BINARY, b"\x00\x05\x00\x00\x00hello"), {1002, 1007})
    closes(ground, packed(BINARY, b"\x00\x05\x00\xfa\xffhel"), {1002, 1007})
    closes(ground, packed(BINARY, b"\x06"), {1002, 1007})
    closes(ground, packed(TEXT, compress(b"\xc3\x28")), {1007})


@attack(78, "reserved bits on continuations and control frames", serve=SHARED)
def row78_reserved(ground):
    good = compress(b"hello")
    closes(ground, packed(TEXT, good[:2], fin=False) + packed(CONTINUATION, good[2:]), {1002})
    for opcode in (PING, CLOSE):
        closes(ground, frame(opcode, b"", reserved=4), {1002})
    for reserved in (1, 2, 3, 5, 6, 7):
        closes(ground, frame(TEXT, good, reserved=reserved), {1002})
    ground.expect_code(packed(TEXT, good), {1002})


@attack(79, "empty payloads, 0x00, final blocks, stored blocks", serve=SHARED)
def row79_forms(ground):
    stored = b"\x00\x05\x00\xfa\xffhello\x00"
    final = compress(b"hello", final=True) + b"\x00"
    for data, text in ((b"\x00", b""), (b"\x02\x00", b""), (stored, b"hello"), (final, b"hello"),
                       (b"\xf2\x48\xcd\xc9\xc9\x07\x00", b"Hello"),
                       (b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00", b"Hello"),
                       (b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", b"Hello")):
        with open_compressed(ground) as peer:
            peer.send(packed(TEXT, data) * 2)
            for _ in range(2):
                got = message(peer)
                expect(got == (TEXT, text), f"{data.hex()} came back as {got}")
    with open_compressed(ground) as peer:
        peer.send(packed(TEXT, b""))
        expect(message(peer) == (TEXT, b""), "an empty payload is an empty message")
        # Without RSV1 a message is what it is.
        peer.send(frame(TEXT, b"plain"))
        expect(message(peer) == (TEXT, b"plain"), "an uncompressed message between")


@attack(80, "100,000 empty stored blocks: work without output", serve=SHARED)
def row80_empty_blocks(ground):
    data = b"\x00\x00\x00\xff\xff" * 100_000 + b"\x00"
    with open_compressed(ground) as peer:
        since = time.monotonic()
        peer.send(packed(TEXT, data))
        got = message(peer)
        ground.note(f"{(time.monotonic() - since) * 1000:.0f} ms")
        expect(got == (TEXT, b""), f"came back as {got[0]}, {len(got[1])} bytes")


@attack(81, "references to earlier messages, where they are agreed and where they are not",
        serve=DEDICATED)
def row81_context(ground):
    text = b"a sentence that is long enough to be referred to later on"
    worker = zlib.compressobj(9, zlib.DEFLATED, -12)
    first, second = ((worker.compress(text) + worker.flush(zlib.Z_SYNC_FLUSH))[:-4] for _ in "ab")
    expect(len(second) < len(text) // 3, "the second message does not refer to the first")
    inflate = zlib.decompressobj(-15)
    with open_compressed(ground) as peer:
        for data in (first, second):
            peer.send(packed(TEXT, data))
            head, length = peer.take(2)
            payload = peer.take(length)
            if head & 0x40:
                payload = inflate.decompress(payload + b"\x00\x00\xff\xff")
            expect(payload == text, "not the same back")
    closes(ground, packed(TEXT, second), {1002, 1007})
    with open_compressed(ground, "; client_no_context_takeover") as peer:
        peer.send(packed(TEXT, first) + packed(TEXT, second))
        expect(peer.closing() in (1002, 1007), "a forbidden reference was followed")


@attack(82, "windows of the server from 8 to 15", serve=DEDICATED)
def row82_windows(ground):
    for bits in range(8, 16):
        with ground.peer() as peer:
            peer.send(upgrade(OFFER.format(f"; server_max_window_bits={bits}").strip()))
            answer = peer.answer()
            expect(answer.status == 101, f"{bits}: {answer.line!r}")
            agreed = answer.fields.get("sec-websocket-extensions")
            if bits == 8:
                expect(agreed is None, "a window of 8 bits, which zlib cannot write, was agreed on")
                continue
            window = int(agreed.split("server_max_window_bits=")[1].split(";")[0])
            expect(9 <= window <= bits, f"{bits} was answered with {window}")
            # What comes back must make sense to who has a window no larger.
            data = bytes(range(256)) * 200
            peer.send(frame(BINARY, data))
            first, second = peer.take(2)
            length = int.from_bytes(peer.take(2 if second == 126 else 8), "big") \
                if second >= 126 else second
            payload = peer.take(length)
            if first & 0x40:
                payload = zlib.decompressobj(-window).decompress(payload + b"\x00\x00\xff\xff")
            expect(payload == data, f"{bits}: not the same back")


@attack(83, "500 peers that may compress, and are idle", serve=SHARED)
def row83_idle(ground):
    before = ground.server.resident_bytes()
    with ground.peers(500, extra=OFFER.format("")) as peers:
        for peer in peers[:50]:
            peer.send(packed(TEXT, compress(b"hello " * 20)))
            message(peer)
        each = (ground.server.resident_bytes() - before) / 500
        ground.note(f"{each / 1024:.1f} KiB each")
        expect(each < 64 << 10, "more than 64 KiB for each")


@attack(84, "no compression unless the server asks for it")
def row84_off(ground):
    with ground.peer() as peer:
        peer.send(upgrade(OFFER.format("").strip()))
        expect("sec-websocket-extensions" not in peer.answer().fields, "compressed by default")
